import { scopeCovers, type OperationSpec, type Scope } from '@signet/contracts';
import { Clock, operationOf, SharedReads, SignetConfig, SignetError } from '@signet/platform';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DataSource } from 'typeorm';
import { findLiveKey, type StoredApiKey } from './access.sql.js';
import { hashApiKey } from './api-key.js';
import { rateLimitHeaders, refuseExcess, RequestLimiter, WriteLimiter, type Standing } from './rate-limits.js';

/** A busy key is read some 200 times a second, not once for every few of its calls. */
const KEY_REST_MILLISECONDS = 4;

/** Every HTTP call of the contract needs a live API key with the operation's scope, unless the contract says otherwise. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  private readonly keys = new SharedReads<StoredApiKey | undefined>(KEY_REST_MILLISECONDS);
  private readonly requests: RequestLimiter;
  private readonly writes = new WriteLimiter();

  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly config: SignetConfig,
  ) {
    const { SIGNET_KEY_REQUESTS_PER_SECOND: perSecond, SIGNET_KEY_BURST: burst } = config.values;
    this.requests = new RequestLimiter({ perSecond, burst });
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const operation = operationOf(context);
    if (!operation) throw new SignetError('not-found');
    if (operation.scope === 'public') return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const key = await this.authenticate(request);
    const { scope, orScope } = operation;
    const covers = (needed?: Scope): boolean => needed !== undefined && scopeCovers(key.scopes, needed);
    if (scope !== 'any-key' && !covers(scope) && !covers(orScope))
      throw new SignetError('forbidden', { detail: `This call needs the scope ${scope}` });
    await this.limit(key, operation, context.switchToHttp().getResponse<FastifyReply>());
    request.caller = {
      workspaceId: key.workspaceId,
      keyId: key.id,
      scopes: key.scopes,
      actor: `key:${key.id}`,
      requestId: request.id,
    };
    return true;
  }

  /** Says how the key's limits stand, and refuses what is too much. @throws SignetError `too-many-requests` */
  private async limit(key: StoredApiKey, operation: OperationSpec, reply: FastifyReply): Promise<void> {
    const quota = key.writesPerMinute ?? this.config.values.SIGNET_QUOTA_WRITES_PER_MINUTE;
    const taken = [
      await this.requests.take(key.id),
      isWrite(operation) ? await this.writes.take(key.id, quota) : undefined,
    ];
    const standings = taken.filter((standing): standing is Standing => standing !== undefined);
    if (standings.length === 0) return;
    void reply.headers(rateLimitHeaders(standings));
    refuseExcess(standings);
  }

  /** Whether the request carries a live key with a scope, outside the contract's calls (`/metrics`). */
  async allows(request: FastifyRequest, scope: Scope): Promise<boolean> {
    return scopeCovers((await this.authenticate(request)).scopes, scope);
  }

  /** The live key of a request. @throws SignetError `unauthenticated` */
  async authenticate(request: FastifyRequest): Promise<StoredApiKey> {
    const [, token] = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(request.headers.authorization ?? '') ?? [];
    if (!token)
      throw new SignetError('unauthenticated', { detail: 'Send the API key as: Authorization: Bearer sgk_…' });
    const hash = hashApiKey(token);
    // A key that is revoked meanwhile is not served: the read that is shared begins after this call.
    const key = await this.keys.read(hash.toString('hex'), () =>
      findLiveKey(this.dataSource.manager, hash, this.clock.now()),
    );
    if (!key) throw new SignetError('unauthenticated', { detail: 'The API key is unknown, revoked or expired' });
    return key;
  }
}

/** Calls that change what the workspace has; a verification is none of these. */
const isWrite = ({ method, scope }: OperationSpec): boolean =>
  method !== 'GET' && (scope === 'admin' || scope.endsWith(':write'));
