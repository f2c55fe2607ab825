import { isDeepStrictEqual } from 'node:util';
import { Idempotency } from '@signet/access';
import { appendAudit } from '@signet/audit';
import { CreatePolicySchema, type InputOf, type Policy, type PolicyTerms, type PolicyVersion } from '@signet/contracts';
import {
  Clock,
  decodeCursor,
  ifMatchAllows,
  newId,
  SignetError,
  toPage,
  versionTag,
  type Caller,
} from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { z } from 'zod';
import { requiredSince, toPolicy, type StoredPolicy } from './policy.js';
import {
  findPolicy,
  insertPolicy,
  insertVersion,
  lockPolicy,
  markDeleted,
  readPolicies,
  readVersions,
  updatePolicy,
} from './policies.sql.js';

const PlaceSchema = z.object({ priority: z.int(), id: z.uuid() });

/** The policies of a workspace. Each change commits with its version and its audit entry, and holds at once. */
@Injectable()
export class PoliciesService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly idempotency: Idempotency,
  ) {}

  /** @throws SignetError `idempotency-conflict` */
  async create(caller: Caller, key: string | undefined, { body }: InputOf<'createPolicy'>): Promise<Policy> {
    const at = this.clock.now();
    const once = { caller, operation: 'createPolicy', key, request: body } as const;
    return this.dataSource.transaction((manager) =>
      this.idempotency.once(manager, once, async () => {
        const { workspaceId } = caller;
        const since = requiredSince(body, undefined, at);
        const dates = { requiredSince: since, createdAt: at, updatedAt: at };
        const policy: StoredPolicy = { id: newId(), workspaceId, terms: body, version: 1, ...dates };
        await insertPolicy(manager, policy);
        await this.record(manager, caller, { policy, action: 'created' });
        return toPolicy(policy);
      }),
    );
  }

  /** In the order in which they decide. @throws SignetError `invalid-cursor` */
  async list(
    { workspaceId }: Caller,
    { query }: InputOf<'listPolicies'>,
  ): Promise<{ items: Policy[]; nextCursor: string | null }> {
    const after = decodeCursor(query.cursor, PlaceSchema);
    const found = await readPolicies(this.dataSource.manager, workspaceId, { after, limit: query.limit + 1 });
    return toPage(found.map(toPolicy), query.limit, ({ priority, id }) => ({ priority, id }));
  }

  /** @throws SignetError `not-found` */
  async get({ workspaceId }: Caller, id: string): Promise<Policy> {
    const policy = await findPolicy(this.dataSource.manager, workspaceId, id);
    if (!policy) throw new SignetError('not-found');
    return toPolicy(policy);
  }

  /** A change that changes nothing leaves no trace. @throws SignetError `not-found` | `version-mismatch` */
  async update(caller: Caller, { params, body }: InputOf<'updatePolicy'>, ifMatch?: string): Promise<Policy> {
    const at = this.clock.now();
    return this.dataSource.transaction(async (manager) => {
      const before = await this.lock(manager, caller, { id: params.id, ifMatch });
      const terms: PolicyTerms = CreatePolicySchema.parse({ ...before.terms, ...body });
      if (isDeepStrictEqual(terms, before.terms)) return toPolicy(before);
      const since = requiredSince(terms, before, at);
      const policy = { ...before, terms, version: before.version + 1, requiredSince: since, updatedAt: at };
      await updatePolicy(manager, policy);
      await this.record(manager, caller, { policy, action: 'updated' });
      return toPolicy(policy);
    });
  }

  /** @throws SignetError `not-found` | `version-mismatch` */
  async delete(caller: Caller, id: string, ifMatch?: string): Promise<void> {
    const at = this.clock.now();
    await this.dataSource.transaction(async (manager) => {
      const before = await this.lock(manager, caller, { id, ifMatch });
      const policy = { ...before, version: before.version + 1, updatedAt: at };
      await markDeleted(manager, policy);
      await this.record(manager, caller, { policy, action: 'deleted' });
    });
  }

  /** The newest version first. @throws SignetError `not-found` | `invalid-cursor` */
  async history(
    { workspaceId }: Caller,
    { params, query }: InputOf<'policyHistory'>,
  ): Promise<{ items: PolicyVersion[]; nextCursor: string | null }> {
    const before = decodeCursor(query.cursor, z.int());
    const place = { workspaceId, id: params.id };
    const found = await readVersions(this.dataSource.manager, place, { before, limit: query.limit + 1 });
    if (found.length === 0 && before === undefined) throw new SignetError('not-found');
    const versions = found.map((version) => ({ ...version, at: version.at.toISOString() }));
    return toPage(versions, query.limit, ({ version }) => version);
  }

  private async lock(
    manager: EntityManager,
    { workspaceId }: Caller,
    { id, ifMatch }: { id: string; ifMatch: string | undefined },
  ): Promise<StoredPolicy> {
    const policy = await lockPolicy(manager, workspaceId, id);
    if (!policy) throw new SignetError('not-found');
    if (!ifMatchAllows(ifMatch, versionTag(policy.version)))
      throw new SignetError('version-mismatch', { detail: `The policy is at version ${policy.version}` });
    return policy;
  }

  private async record(
    manager: EntityManager,
    { workspaceId, actor, requestId }: Caller,
    { policy, action }: { policy: StoredPolicy; action: PolicyVersion['action'] },
  ): Promise<void> {
    await insertVersion(manager, policy, { by: actor, action });
    await appendAudit(manager, {
      at: policy.updatedAt,
      workspaceId,
      actor,
      action: `policy.${action.replace(/d$/, '')}`,
      policyId: policy.id,
      result: `version-${policy.version}`,
      requestId,
    });
  }
}
