import { createHash, timingSafeEqual } from 'node:crypto';
import type { OperationName } from '@signet/contracts';
import { Clock, KeyRing, SignetError, type Caller } from '@signet/platform';
import { createParamDecorator, Injectable, type ExecutionContext } from '@nestjs/common';
import canonicalize from 'canonicalize';
import type { FastifyRequest } from 'fastify';
import type { EntityManager } from 'typeorm';
import { readAnswer, reserveAnswer, storeAnswer } from './access.sql.js';

const MAX_KEY_LENGTH = 200;
const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The request's `Idempotency-Key`, if it has one. */
export const IdempotencyKey = createParamDecorator((_data: unknown, context: ExecutionContext): string | undefined => {
  const header = context.switchToHttp().getRequest<FastifyRequest>().headers['idempotency-key'];
  if (header === undefined) return undefined;
  if (typeof header !== 'string' || header.length === 0 || header.length > MAX_KEY_LENGTH)
    throw new SignetError('invalid-request', { detail: `Idempotency-Key must be 1 to ${MAX_KEY_LENGTH} characters` });
  return header;
});

export interface OnceRequest {
  caller: Caller;
  operation: OperationName;
  /** Absent: the work is simply done. */
  key: string | undefined;
  /** The parsed request: another one under the same key is refused. */
  request: unknown;
}

/**
 * The same `Idempotency-Key` and request get the answer that the first one got, for 24 h; the work happens once, also
 * when both arrive at the same moment or the first answer got lost.
 */
@Injectable()
export class Idempotency {
  constructor(
    private readonly keyRing: KeyRing,
    private readonly clock: Clock,
  ) {}

  /**
   * @param manager of the transaction in which the work is done: work and answer commit together
   * @param work its answer must be JSON
   * @throws SignetError `idempotency-conflict` when the key came with another request
   */
  async once<Answer>(
    manager: EntityManager,
    { caller, operation, key, request }: OnceRequest,
    work: () => Promise<Answer>,
  ): Promise<Answer> {
    if (key === undefined) return work();
    const keyHash = sha256(`${caller.keyId}\n${operation}\n${key}`);
    const stored = { workspaceId: caller.workspaceId, keyHash };
    const context = {
      workspaceId: caller.workspaceId,
      recordId: keyHash.toString('hex'),
      purpose: 'idempotent-answer',
    };
    const asked = canonicalize(request) ?? '';
    // Keyed, because the request may have a password in it, which its plain hash would give to whoever guesses.
    const [requestHash = sha256(asked), ...olderHashes] = this.keyRing.keyIds.map((id) =>
      this.keyRing.mac(id, 'idempotent-request', asked),
    );
    if (await reserveAnswer(manager, stored, requestHash, this.clock.now())) {
      const answer = await work();
      await storeAnswer(manager, stored, this.keyRing.seal(Buffer.from(JSON.stringify(answer)), context));
      return answer;
    }
    const earlier = await readAnswer(manager, stored);
    // A key of the ring may have come since, and the release before this one hashed plainly.
    const hashes = [requestHash, ...olderHashes, sha256(asked)];
    if (!earlier?.answer || !hashes.some((hash) => timingSafeEqual(earlier.requestHash, hash)))
      throw new SignetError('idempotency-conflict');
    const answer: Answer = JSON.parse(this.keyRing.open(earlier.answer, context).toString());
    return answer;
  }
}
