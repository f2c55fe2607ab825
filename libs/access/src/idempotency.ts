import { createHash, timingSafeEqual } from 'node:crypto';
import type { OperationName } from '@signet/contracts';
import { Clock, KeyRing, SignetError, type Caller, type SealContext } from '@signet/platform';
import { createParamDecorator, Injectable, type ExecutionContext } from '@nestjs/common';
import canonicalize from 'canonicalize';
import type { FastifyRequest } from 'fastify';
import type { EntityManager } from 'typeorm';
import { readAnswer, reserveAnswer, storeAnswer, type IdempotentAnswerKey } from './access.sql.js';

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

/** What came of an earlier request, or where to keep the answer to this one. */
export type Begun<Answer> = { earlier: Answer } | { keep: (answer: Answer) => Promise<void> };

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
  async once<Answer>(manager: EntityManager, request: OnceRequest, work: () => Promise<Answer>): Promise<Answer> {
    const begun = await this.begin<Answer>(manager, request);
    if ('earlier' in begun) return begun.earlier;
    const answer = await work();
    await begun.keep(answer);
    return answer;
  }

  /**
   * The first half of `once`, for work that is done for many requests together: `keep` must be told the answer in the
   * same transaction.
   * @throws SignetError `idempotency-conflict` when the key came with another request
   */
  async begin<Answer>(manager: EntityManager, request: OnceRequest): Promise<Begun<Answer>> {
    if (request.key === undefined) return { keep: () => Promise.resolve() };
    const { stored, context, hashes } = this.placeOf(request, request.key);
    if (await reserveAnswer(manager, stored, hashes[0], this.clock.now())) {
      const seal = (answer: Answer): Buffer => this.keyRing.seal(Buffer.from(JSON.stringify(answer)), context);
      return { keep: (answer) => storeAnswer(manager, stored, seal(answer)) };
    }
    const json = await this.find(manager, request);
    if (json === undefined) throw new SignetError('idempotency-conflict');
    const earlier: Answer = JSON.parse(json);
    return { earlier };
  }

  /**
   * The answer, as JSON, of an earlier request with this key, while the key stays free where there is none.
   * @throws SignetError `idempotency-conflict` when the key came with another request
   */
  async find(manager: EntityManager, request: OnceRequest): Promise<string | undefined> {
    if (request.key === undefined) return undefined;
    const { stored, context, hashes } = this.placeOf(request, request.key);
    const found = await readAnswer(manager, stored);
    if (!found) return undefined;
    if (!found.answer || !hashes.some((hash) => timingSafeEqual(found.requestHash, hash)))
      throw new SignetError('idempotency-conflict');
    return this.keyRing.open(found.answer, context).toString();
  }

  private placeOf({ caller, operation, request }: OnceRequest, key: string): StoredPlace {
    const { workspaceId, keyId } = caller;
    const keyHash = sha256(`${keyId}\n${operation}\n${key}`);
    const asked = canonicalize(request) ?? '';
    // Keyed, because the request may have a password in it, which its plain hash would give to whoever guesses.
    const [newest = sha256(asked), ...older] = this.keyRing.keyIds.map((id) =>
      this.keyRing.mac(id, 'idempotent-request', asked),
    );
    return {
      stored: { workspaceId, keyHash },
      context: { workspaceId, recordId: keyHash.toString('hex'), purpose: 'idempotent-answer' },
      // A key of the ring may have come since, and the release before this one hashed plainly.
      hashes: [newest, ...older, sha256(asked)],
    };
  }
}

/** Where the answer to a request is kept, and the hashes that say that the request is the same; the first is stored. */
interface StoredPlace {
  stored: IdempotentAnswerKey;
  context: SealContext;
  hashes: [Buffer, ...Buffer[]];
}
