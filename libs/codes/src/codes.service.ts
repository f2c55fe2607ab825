import { Idempotency, Quotas } from '@signet/access';
import type { Code, CodeVersion, InputOf, QrQuery } from '@signet/contracts';
import { DomainLookup } from '@signet/domains';
import { renderQr, type QrImage } from '@signet/qr';
import { decodeCursor, SignetError, toPage, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { z } from 'zod';
import { CodeChanges } from './code-changes.js';
import { CodeDrafts } from './code-drafts.js';
import { checkFiles } from './code-files.js';
import { hashGivenPassword } from './code-password.js';
import { changesBetween, checkFields } from './code-rules.js';
import type { StoredCode } from './code.js';
import { findCode } from './codes.sql.js';
import { checkAction, stateAfter } from './lifecycle.js';
import { insertWithSlug } from './slug-assignment.js';
import { TargetSettingsService } from './target-settings.service.js';
import { fieldsAt } from './versions.js';
import { listVersions } from './versions.sql.js';

interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

/** Codes: issue, find, edit, and what they were. */
@Injectable()
export class CodesService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly targets: TargetSettingsService,
    private readonly idempotency: Idempotency,
    private readonly quotas: Quotas,
    private readonly changes: CodeChanges,
    private readonly drafts: CodeDrafts,
    private readonly domains: DomainLookup,
  ) {}

  /**
   * @throws SignetError `slug-reserved` | `slug-taken` | `target-not-allowed` | `quota-exceeded` | `invalid-request` |
   * `idempotency-conflict`
   */
  async create(caller: Caller, idempotencyKey: string | undefined, { body }: InputOf<'createCode'>): Promise<Code> {
    const passwordHash = (await hashGivenPassword(body.password)) ?? null;
    return this.changes.issue((manager) =>
      this.idempotency.once(manager, { caller, operation: 'createCode', key: idempotencyKey, request: body }, () =>
        this.insert(manager, caller, body, passwordHash),
      ),
    );
  }

  /** @throws SignetError `not-found`, also for another workspace's code */
  async get(caller: Caller, id: string): Promise<Code> {
    return this.changes.show(await this.find(caller, id));
  }

  /**
   * @param ifMatch the header; absent: whatever version is there is changed
   * @throws SignetError `not-found` | `version-mismatch` | `code-not-editable` | `target-not-allowed` | `invalid-request`
   */
  async update(caller: Caller, { params, body }: InputOf<'updateCode'>, ifMatch: string | undefined): Promise<Code> {
    const passwordHash = await hashGivenPassword(body.password);
    return this.changes.change(params.id, async (manager) => {
      const before = await this.changes.lock(manager, caller, { id: params.id, ifMatch });
      const edited = await (await this.drafts.in(manager, caller)).edit(before, body, passwordHash);
      if (edited.changes.length === 0) return this.changes.show(before);
      return this.changes.store(manager, caller, { ...edited, action: 'updated' });
    });
  }

  /**
   * Gives a code the editable fields that a version had, as a new version. The state stays, and so does the password: no
   * version knows one, and an old one may have been given away.
   * @throws SignetError as `update`; `version-not-restorable` when it is no longer known what that version was
   */
  restore(caller: Caller, { params, body }: InputOf<'restoreCode'>, ifMatch: string | undefined): Promise<Code> {
    return this.changes.change(params.id, async (manager) => {
      const before = await this.changes.lock(manager, caller, { id: params.id, ifMatch });
      checkAction('restore', before.kind);
      stateAfter('restore', before.state);
      const after = { ...before, ...(await fieldsAt(manager, before.id, body.version)) };
      checkFields(after, await this.targets.rulesOf(manager, caller.workspaceId));
      await checkFiles(manager, after);
      if (after.brandId !== before.brandId) await this.domains.checkBrand(manager, caller.workspaceId, after.brandId);
      const changes = changesBetween(before, after);
      if (changes.length === 0) return this.changes.show(before);
      const restoredVersion = body.version;
      return this.changes.store(manager, caller, { code: after, action: 'restored', changes, restoredVersion });
    });
  }

  /** Newest first. @throws SignetError `not-found` | `invalid-cursor` */
  async history(caller: Caller, { params, query }: InputOf<'codeHistory'>): Promise<Page<CodeVersion>> {
    const beforeVersion = decodeCursor(query.cursor, z.int32());
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

  private async insert(
    manager: EntityManager,
    caller: Caller,
    body: InputOf<'createCode'>['body'],
    passwordHash: string | null,
  ): Promise<Code> {
    const { draft, domain, changes } = await (await this.drafts.in(manager, caller)).draft(body, passwordHash);
    await this.quotas.takeCodes(manager, caller.workspaceId);
    const code = await insertWithSlug(manager, body.slug, draft, { domain });
    return this.changes.record(manager, caller, { code, action: 'created', changes });
  }

  private async find(caller: Caller, id: string): Promise<StoredCode> {
    const code = await findCode(this.dataSource.manager, caller.workspaceId, id);
    if (!code) throw new SignetError('not-found');
    return code;
  }
}
