import { appendAudit } from '@signet/audit';
import { SCOPES, type ApiKey, type CreateApiKey, type InputOf, type Scope } from '@signet/contracts';
import { Clock, decodeCursor, newId, SignetConfig, SignetError, toPage, type Caller } from '@signet/platform';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { z } from 'zod';
import {
  hasWorkspace,
  insertApiKey,
  insertWorkspace,
  listApiKeys,
  lockBootstrap,
  removeOldAnswers,
  revokeApiKey,
} from './access.sql.js';
import { apiKeyPrefix, generateApiKey, hashApiKey } from './api-key.js';
import { Idempotency } from './idempotency.js';
import { UNNAMED_WORKSPACE } from './workspace-names.js';

const HOUR_MILLISECONDS = 3_600_000;

/** Workspaces and their API keys. */
@Injectable()
export class AccessService implements OnApplicationBootstrap, OnApplicationShutdown {
  private cleaning?: NodeJS.Timeout;

  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly config: SignetConfig,
    private readonly idempotency: Idempotency,
  ) {}

  onApplicationBootstrap(): void {
    const clean = (): void => void removeOldAnswers(this.dataSource.manager, this.clock.now()).catch(() => undefined);
    this.cleaning = setInterval(clean, HOUR_MILLISECONDS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.cleaning);
  }

  /**
   * Makes the first workspace and its admin key, once in the life of an installation.
   * @returns the key, to be shown once; undefined when there was a workspace
   */
  async bootstrap(): Promise<string | undefined> {
    return this.dataSource.transaction(async (manager) => {
      await lockBootstrap(manager);
      if (await hasWorkspace(manager)) return undefined;
      const { key } = await this.addWorkspace(
        manager,
        UNNAMED_WORKSPACE,
        'system',
        this.config.values.SIGNET_BOOTSTRAP_KEY?.reveal(),
      );
      return key;
    });
  }

  createWorkspace(
    caller: Caller,
    idempotencyKey: string | undefined,
    { body }: InputOf<'createWorkspace'>,
  ): Promise<{ id: string; name: string; key: string }> {
    return this.dataSource.transaction((manager) =>
      this.idempotency.once(manager, { caller, operation: 'createWorkspace', key: idempotencyKey, request: body }, () =>
        this.addWorkspace(manager, body.name, caller.actor),
      ),
    );
  }

  createApiKey(
    caller: Caller,
    idempotencyKey: string | undefined,
    { body }: InputOf<'createApiKey'>,
  ): Promise<ApiKey & { key: string }> {
    return this.dataSource.transaction((manager) =>
      this.idempotency.once(manager, { caller, operation: 'createApiKey', key: idempotencyKey, request: body }, () =>
        this.addApiKey(manager, caller.workspaceId, body, caller.actor),
      ),
    );
  }

  async listApiKeys(
    caller: Caller,
    { query }: InputOf<'listApiKeys'>,
  ): Promise<{ items: ApiKey[]; nextCursor: string | null }> {
    const after = decodeCursor(query.cursor, z.uuid());
    const keys = await listApiKeys(this.dataSource.manager, caller.workspaceId, after, query.limit + 1);
    return toPage(keys, query.limit, ({ id }) => id);
  }

  /** Effective before it returns: every request looks its key up. */
  async deleteApiKey(caller: Caller, id: string): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      if (!(await revokeApiKey(manager, caller.workspaceId, id, this.clock.now()))) throw new SignetError('not-found');
      await this.record(manager, caller.workspaceId, caller.actor, 'api-key.revoke', id);
    });
  }

  private async addWorkspace(
    manager: EntityManager,
    name: string,
    actor: string,
    chosenKey?: string,
  ): Promise<{ id: string; name: string; key: string }> {
    const id = newId();
    await insertWorkspace(manager, { id, name, at: this.clock.now() });
    const { key } = await this.addApiKey(manager, id, { name: 'admin', scopes: [...SCOPES] }, actor, chosenKey);
    return { id, name, key };
  }

  private async addApiKey(
    manager: EntityManager,
    workspaceId: string,
    { name, scopes, expiresAt }: CreateApiKey & { scopes: Scope[] },
    actor: string,
    key = generateApiKey(),
  ): Promise<ApiKey & { key: string }> {
    const stored = { id: newId(), workspaceId, name, keyHash: hashApiKey(key), prefix: apiKeyPrefix(key), scopes };
    const created = await insertApiKey(manager, { ...stored, at: this.clock.now(), expiresAt: expiresAt ?? null });
    await this.record(manager, workspaceId, actor, 'api-key.create', stored.id);
    return { ...created, key };
  }

  private record(
    manager: EntityManager,
    workspaceId: string,
    actor: string,
    action: string,
    keyId: string,
  ): Promise<void> {
    return appendAudit(manager, { at: this.clock.now(), workspaceId, actor, action, keyId });
  }
}
