import { Idempotency } from '@signet/access';
import { appendAudit } from '@signet/audit';
import { topics, type Code, type CodeVersion, type InputOf, type QrQuery } from '@signet/contracts';
import { renderQr, type QrImage } from '@signet/qr';
import {
  appendToOutbox,
  Clock,
  decodeCursor,
  newId,
  OutboxRelay,
  SignetConfig,
  SignetError,
  toPage,
  type Caller,
} from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { z } from 'zod';
import { CodePropagation } from './code-propagation.js';
import { applyUpdate, changesBetween, checkFields, firstChanges, initialFields, type Change } from './code-rules.js';
import { statusOf, toCode, toEventData, type StoredCode } from './code.js';
import {
  findCode,
  insertVersion,
  listCodes,
  listVersions,
  lockCode,
  markUnpropagated,
  updateCode,
} from './codes.sql.js';
import { ifMatchAllows, versionTag } from './etag.js';
import { insertWithSlug } from './slug-assignment.js';

interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

/** A change that is being made: the code as it will be, and what is told about it. */
interface CodeChange {
  code: StoredCode;
  action: 'created' | 'updated' | 'revoked';
  changes: Change[];
  reason?: string;
}

const AUDIT_ACTIONS = { created: 'code.create', updated: 'code.update', revoked: 'code.revoke' } as const;

/**
 * Codes: issue, read, edit, revoke. A change commits with its history, its event, its audit entry and the note for the
 * repair loop, or not at all; then it is written to `CodeState` before the answer, which says whether that worked.
 */
@Injectable()
export class CodesService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly config: SignetConfig,
    private readonly idempotency: Idempotency,
    private readonly propagation: CodePropagation,
    private readonly outbox: OutboxRelay,
  ) {}

  /** @throws SignetError `slug-reserved` | `slug-taken` | `target-not-allowed` | `invalid-request` | `idempotency-conflict` */
  async create(caller: Caller, idempotencyKey: string | undefined, { body }: InputOf<'createCode'>): Promise<Code> {
    const code = await this.dataSource.transaction((manager) =>
      this.idempotency.once(manager, { caller, operation: 'createCode', key: idempotencyKey, request: body }, () =>
        this.insert(manager, caller, body),
      ),
    );
    return this.propagated(code);
  }

  async list(caller: Caller, { query }: InputOf<'listCodes'>): Promise<Page<Code>> {
    const after = decodeCursor(query.cursor, ListPositionSchema);
    const at = this.clock.now();
    const { workspaceId } = caller;
    const codes = await listCodes(this.dataSource.manager, { workspaceId, query, after, at, limit: query.limit + 1 });
    const page = toPage(codes, query.limit, ({ createdAt, id }) => ({ createdAt, id }));
    return { ...page, items: page.items.map((code) => this.show(code, at)) };
  }

  /** @throws SignetError `not-found`, also for another workspace's code */
  async get(caller: Caller, id: string): Promise<Code> {
    return this.show(await this.find(caller, id), this.clock.now());
  }

  /**
   * @param ifMatch the header; absent: whatever version is there is changed
   * @throws SignetError `not-found` | `version-mismatch` | `code-not-editable` | `target-not-allowed` | `invalid-request`
   */
  async update(caller: Caller, { params, body }: InputOf<'updateCode'>, ifMatch: string | undefined): Promise<Code> {
    const code = await this.dataSource.transaction(async (manager) => {
      const before = await this.lock(manager, caller, params.id, ifMatch);
      if (before.state !== 'active' && before.state !== 'paused')
        throw new SignetError('code-not-editable', { detail: `The code is ${before.state}` });
      const after = applyUpdate(before, body);
      checkFields(after, this.config.publicUrl);
      const changes = changesBetween(before, after);
      if (changes.length === 0) return this.show(before, this.clock.now());
      return this.store(manager, caller, { code: after, action: 'updated', changes });
    });
    return this.propagated(code);
  }

  /**
   * Ends a code for good. Revoking a revoked one changes nothing and succeeds.
   * @throws SignetError `not-found` | `version-mismatch`
   */
  async revoke(caller: Caller, { params, body }: InputOf<'revokeCode'>, ifMatch: string | undefined): Promise<Code> {
    const code = await this.dataSource.transaction(async (manager) => {
      const before = await this.lock(manager, caller, params.id, ifMatch);
      const at = this.clock.now();
      if (before.state === 'revoked') return this.show(before, at);
      const { reason } = body;
      const changes = [
        { field: 'status', from: statusOf(before, at), to: 'revoked' },
        { field: 'revokedReason', from: null, to: reason },
      ];
      const after: StoredCode = { ...before, state: 'revoked', revokedReason: reason };
      return this.store(manager, caller, { code: after, action: 'revoked', changes, reason });
    });
    return this.propagated(code);
  }

  /** Newest first. @throws SignetError `not-found` | `invalid-cursor` */
  async history(caller: Caller, { params, query }: InputOf<'codeHistory'>): Promise<Page<CodeVersion>> {
    const beforeVersion = decodeCursor(query.cursor, z.int());
    const { id } = await this.find(caller, params.id);
    const versions = await listVersions(this.dataSource.manager, id, { beforeVersion, limit: query.limit + 1 });
    return toPage(versions, query.limit, ({ version }) => version);
  }

  /**
   * The QR image of the code's short URL: edits never change it.
   * @throws SignetError `not-found` | `qr-not-shown-again` | `contrast-too-low` | `payload-too-long`
   */
  qr(code: Code, query: QrQuery): QrImage {
    if (code.shortUrl === null) throw new SignetError('qr-not-shown-again');
    return renderQr(code.shortUrl, query);
  }

  private async insert(manager: EntityManager, caller: Caller, body: InputOf<'createCode'>['body']): Promise<Code> {
    const fields = initialFields(body);
    checkFields({ ...fields, scansUsed: 0 }, this.config.publicUrl);
    const at = this.clock.now();
    const code = await insertWithSlug(manager, body.slug, {
      ...fields,
      id: newId(),
      workspaceId: caller.workspaceId,
      kind: body.kind,
      state: 'active',
      version: 1,
      scansUsed: 0,
      createdAt: at.toISOString(),
      updatedAt: at.toISOString(),
      createdBy: caller.actor,
      revokedReason: null,
    });
    await this.record(manager, caller, { code, action: 'created', changes: firstChanges(fields) });
    return this.show(code, at);
  }

  /** Stores the next version of a locked code. */
  private async store(manager: EntityManager, caller: Caller, change: CodeChange): Promise<Code> {
    const at = this.clock.now();
    const code = { ...change.code, version: change.code.version + 1, updatedAt: at.toISOString() };
    await updateCode(manager, code);
    await this.record(manager, caller, { ...change, code });
    return this.show(code, at);
  }

  private async record(manager: EntityManager, caller: Caller, change: CodeChange): Promise<void> {
    const { code, action, changes, reason } = change;
    const { workspaceId, actor, requestId } = caller;
    const at = new Date(code.updatedAt);
    await insertVersion(manager, code.id, { version: code.version, at: code.updatedAt, by: actor, action, changes });
    await markUnpropagated(manager, code, at);
    const data = { ...toEventData(code, { publicUrl: this.config.publicUrl, at }), reason };
    await appendToOutbox(manager, [{ topic: topics.codes.name, key: code.id, type: `code.${action}`, data, at }]);
    const entry = { at, workspaceId, actor, action: AUDIT_ACTIONS[action], codeId: code.id, requestId };
    await appendAudit(manager, reason === undefined ? entry : { ...entry, reason });
  }

  private async find(caller: Caller, id: string): Promise<StoredCode> {
    const code = await findCode(this.dataSource.manager, caller.workspaceId, id);
    if (!code) throw new SignetError('not-found');
    return code;
  }

  private async lock(
    manager: EntityManager,
    caller: Caller,
    id: string,
    ifMatch: string | undefined,
  ): Promise<StoredCode> {
    const code = await lockCode(manager, caller.workspaceId, id);
    if (!code) throw new SignetError('not-found');
    if (!ifMatchAllows(ifMatch, versionTag(code.version)))
      throw new SignetError('version-mismatch', { detail: `The code is at version ${code.version}` });
    return code;
  }

  private show(code: StoredCode, at: Date): Code {
    return toCode(code, { publicUrl: this.config.publicUrl, at });
  }

  private async propagated(code: Code): Promise<Code> {
    this.outbox.wake();
    return { ...code, propagation: await this.propagation.propagate(code.id) };
  }
}

const ListPositionSchema = z.strictObject({ createdAt: z.iso.datetime(), id: z.uuid() });
