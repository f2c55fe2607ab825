import { scopeCovers, type Scope } from '@signet/contracts';
import { Clock, operationOf, SignetConfig, SignetError } from '@signet/platform';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { DataSource } from 'typeorm';
import { findLiveKey, type StoredApiKey } from './access.sql.js';
import { hashApiKey } from './api-key.js';
import { RequestLimiter } from './request-limiter.js';

/** Every HTTP call of the contract needs a live API key with the operation's scope, unless the contract says otherwise. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  private readonly limiter: RequestLimiter;

  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    config: SignetConfig,
  ) {
    const { SIGNET_KEY_REQUESTS_PER_SECOND: perSecond, SIGNET_KEY_BURST: burst } = config.values;
    this.limiter = new RequestLimiter({ perSecond, burst });
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const operation = operationOf(context);
    if (!operation) throw new SignetError('not-found');
    if (operation.scope === 'public') return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const key = await this.authenticate(request);
    if (operation.scope !== 'any-key' && !scopeCovers(key.scopes, operation.scope))
      throw new SignetError('forbidden', { detail: `This call needs the scope ${operation.scope}` });
    await this.limiter.take(key.id);
    request.caller = {
      workspaceId: key.workspaceId,
      keyId: key.id,
      scopes: key.scopes,
      actor: `key:${key.id}`,
      requestId: request.id,
    };
    return true;
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
    const key = await findLiveKey(this.dataSource.manager, hashApiKey(token), this.clock.now());
    if (!key) throw new SignetError('unauthenticated', { detail: 'The API key is unknown, revoked or expired' });
    return key;
  }
}
