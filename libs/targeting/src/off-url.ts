import { isProtected, type CodeSnapshot } from '@signet/contracts';

/**
 * Where a code that is off leads in place of the page that says so. Never whoever holds a protected code that was
 * revoked: it may have been lost or stolen, and they must learn that it is dead rather than be led on.
 * @param refusal why the code is not served
 * @returns undefined: to that page
 */
export const offUrlOf = (snapshot: CodeSnapshot, refusal: string): string | undefined =>
  refusal === 'revoked' && isProtected(snapshot) ? undefined : snapshot.offUrl;
