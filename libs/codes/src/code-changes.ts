import { appendAudits } from '@signet/audit';
import { topics, type Code, type CodeEvent, type CodeVersion } from '@signet/contracts';
import { storeFileUses } from '@signet/files';
import {
  appendToOutbox,
  Clock,
  ifMatchAllows,
  OutboxRelay,
  SignetConfig,
  SignetError,
  versionTag,
  type Caller,
} from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { CodePropagation } from './code-propagation.js';
import { fileUses } from './code-files.js';
import { editableFields, type Change } from './code-rules.js';
import { toCode, toEventData, type StoredCode } from './code.js';
import { awaitTurn, lockCode, markUnpropagated, updateCodes } from './codes.sql.js';
import { labelChanges } from './search/labels.js';
import { appendLabelChanges } from './search/labels.sql.js';
import { noteEndedSecrets, type EndedSecret } from './secret-codes.sql.js';
import { insertVersions, type NewVersion } from './versions.sql.js';

/** Who changes a code. */
export type Changer = Pick<Caller, 'workspaceId' | 'actor' | 'requestId'>;

/** A change that is being made: the code as it will be, and what is told about it. */
export interface CodeChange {
  code: StoredCode;
  action: CodeVersion['action'];
  changes: Change[];
  reason?: string;
  restoredVersion?: number;
}

/** What the audit log and the event log call each change. Restoring is an edit to whoever follows codes. */
const NAMES: Readonly<Record<CodeVersion['action'], { audit: string; event: CodeEvent['type'] }>> = {
  created: { audit: 'code.create', event: 'code.created' },
  updated: { audit: 'code.update', event: 'code.updated' },
  restored: { audit: 'code.restore', event: 'code.updated' },
  paused: { audit: 'code.pause', event: 'code.paused' },
  resumed: { audit: 'code.resume', event: 'code.resumed' },
  revoked: { audit: 'code.revoke', event: 'code.revoked' },
  reissued: { audit: 'code.reissue', event: 'code.reissued' },
  archived: { audit: 'code.archive', event: 'code.archived' },
};

/** With another value of these, what was found out about the targets says nothing any more. */
const LEADING_FIELDS: ReadonlySet<string> = new Set(['target', 'rules', 'offUrl']);

/**
 * How a change of a code is made, whichever it is: it commits with its history, its event, its audit entry and the note
 * for the repair loop, or not at all; then it is written to `CodeState` before the answer, which says whether that
 * worked.
 */
@Injectable()
export class CodeChanges {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly config: SignetConfig,
    private readonly propagation: CodePropagation,
    private readonly outbox: OutboxRelay,
  ) {}

  /**
   * @param work issues a code, in one transaction
   * @returns the code, `effective` when every redirect knows it
   */
  issue(work: (manager: EntityManager) => Promise<Code>): Promise<Code> {
    return this.make(work, []);
  }

  /**
   * @param id the code that `work` changes in one transaction; changes of one code take turns
   * @returns what `work` answers, `effective` when every redirect knows all of it
   */
  change(id: string, work: (manager: EntityManager) => Promise<Code>): Promise<Code> {
    return this.make(
      async (manager) => {
        await awaitTurn(manager, id);
        return work(manager);
      },
      [id],
    );
  }

  private async make(work: (manager: EntityManager) => Promise<Code>, changed: readonly string[]): Promise<Code> {
    const code = await this.dataSource.transaction(work);
    this.outbox.wake();
    return { ...code, propagation: await this.propagation.propagate([...new Set([code.id, ...changed])]) };
  }

  /**
   * The code, which nobody changes or claims until the transaction ends.
   * @throws SignetError `not-found` | `version-mismatch`
   */
  async lock(
    manager: EntityManager,
    caller: Caller,
    { id, ifMatch }: { id: string; ifMatch: string | undefined },
  ): Promise<StoredCode> {
    const code = await lockCode(manager, caller.workspaceId, id);
    if (!code) throw new SignetError('not-found');
    if (!ifMatchAllows(ifMatch, versionTag(code.version)))
      throw new SignetError('version-mismatch', { detail: `The code is at version ${code.version}` });
    return code;
  }

  /** Stores the next version of a locked code. */
  async store(manager: EntityManager, caller: Changer, change: CodeChange): Promise<Code> {
    const next = this.nextVersion(change);
    await this.storeAll(manager, caller, [next]);
    return this.show(next.code, new Date(next.code.updatedAt));
  }

  /** @returns the change with the version that it makes */
  nextVersion(change: CodeChange): CodeChange {
    const at = this.clock.now();
    const leadsElsewhere = change.changes.some(({ field }) => LEADING_FIELDS.has(field));
    const targetHealth = leadsElsewhere ? null : change.code.targetHealth;
    const code = { ...change.code, version: change.code.version + 1, targetHealth, updatedAt: at.toISOString() };
    return { ...change, code };
  }

  /** Stores versions of locked codes, one each. @param next of `nextVersion` */
  async storeAll(manager: EntityManager, caller: Changer, next: readonly CodeChange[]): Promise<void> {
    await updateCodes(
      manager,
      next.map(({ code }) => code),
    );
    await this.recordAll(manager, caller, next);
  }

  /** Tells of a version that is stored. */
  async record(manager: EntityManager, caller: Changer, change: CodeChange): Promise<Code> {
    await this.recordAll(manager, caller, [change]);
    return this.show(change.code, new Date(change.code.updatedAt));
  }

  /** Tells of versions that are stored, one a code: to the history, the event log, the audit log and the repair loop. */
  async recordAll(manager: EntityManager, caller: Changer, changes: readonly CodeChange[]): Promise<void> {
    if (changes.length === 0) return;
    const { workspaceId, actor, requestId } = caller;
    await insertVersions(
      manager,
      changes.map(({ code, ...change }) => versionOf(code, { ...change, by: actor })),
    );
    await markUnpropagated(
      manager,
      changes.map(({ code }) => code),
    );
    await appendLabelChanges(manager, labelChanges(changes));
    await noteEndedSecrets(manager, changes.flatMap(endedSecret(actor)));
    await storeFileUses(manager, fileUses(changes.map(({ code }) => code)));
    await appendToOutbox(
      manager,
      changes.map(({ code, action, reason }) => {
        const at = new Date(code.updatedAt);
        const data = { ...toEventData(code, { publicUrl: this.config.publicUrl, at }), reason };
        return { topic: topics.codes.name, key: code.id, type: NAMES[action].event, data, at };
      }),
    );
    await appendAudits(
      manager,
      changes.map(({ code, action, reason }) => {
        const at = new Date(code.updatedAt);
        const entry = { at, workspaceId, actor, action: NAMES[action].audit, codeId: code.id, requestId };
        return reason === undefined ? entry : { ...entry, reason };
      }),
    );
  }

  /** The code as its workspace sees it. */
  show(code: StoredCode, at = this.clock.now()): Code {
    return toCode(code, { publicUrl: this.config.publicUrl, at });
  }
}

/** A secret code that was ended, for whoever issued it. */
const endedSecret =
  (by: string) =>
  ({ code, reason }: CodeChange): EndedSecret[] => {
    const { id: codeId, kind, state, updatedAt } = code;
    const isEnded = kind === 'enrollment' && (state === 'revoked' || state === 'archived');
    return isEnded ? [{ codeId, kind, by, reason: reason ?? null, at: new Date(updatedAt) }] : [];
  };

const versionOf = (
  code: StoredCode,
  { by, action, changes, restoredVersion }: Omit<CodeChange, 'code'> & { by: string },
): NewVersion => ({
  codeId: code.id,
  version: code.version,
  at: code.updatedAt,
  by,
  action,
  changes,
  restoredVersion,
  state: editableFields(code),
});
