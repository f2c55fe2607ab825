import { isEnded, isProtected, type CodeSnapshot } from '@signet/contracts';

/**
 * Where a code that is off leads in place of the page that says so. Never whoever holds a protected code that was
 * ended for good: it may have been lost or stolen, and they must learn that it is dead rather than be led on. An archived
 * code may have been revoked before.
 * @returns undefined: to that page
 */
export const offUrlOf = (snapshot: CodeSnapshot): string | undefined =>
  isEnded(snapshot.state) && isProtected(snapshot) ? undefined : snapshot.offUrl;
