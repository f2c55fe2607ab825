import { isProtected, type CodeSnapshot } from '@signet/contracts';
import type { FastifyRequest } from 'fastify';
import { prefersJson } from './accept.js';

/**
 * Where a code that is off leads in place of the page that says so. Never a program, which asks for the reason; and
 * never whoever holds a protected code that was revoked: it may have been lost or stolen, and they must learn that it
 * is dead rather than be led on.
 * @param refusal why the code is not served
 */
export function offUrlFor(
  { headers }: FastifyRequest,
  snapshot: CodeSnapshot,
  refusal: string,
): CodeSnapshot['offUrl'] {
  if (prefersJson(headers.accept)) return undefined;
  return refusal === 'revoked' && isProtected(snapshot) ? undefined : snapshot.offUrl;
}
