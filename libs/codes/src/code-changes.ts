import { appendAudit } from '@signet/audit';
import { topics, type Code, type CodeEvent, type CodeVersion } from '@signet/contracts';
import { appendToOutbox, Clock, OutboxRelay, SignetConfig, SignetError, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { CodePropagation } from './code-propagation.js';
import { editableFields, type Change } from './code-rules.js';
import { toCode, toEventData, type StoredCode } from './code.js';
import { awaitTurn, lockCode, markUnpropagated, updateCode } from './codes.sql.js';
import { ifMatchAllows, versionTag } from './etag.js';
import { insertVersion } from './versions.sql.js';

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
    const ids = new Set([code.id, ...changed]);
    const reached = await Promise.all([...ids].map((id) => this.propagation.propagate(id)));
    return { ...code, propagation: reached.includes('pending') ? 'pending' : 'effective' };
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
  async store(manager: EntityManager, caller: Caller, change: CodeChange): Promise<Code> {
    const at = this.clock.now();
    const code = { ...change.code, version: change.code.version + 1, updatedAt: at.toISOString() };
    await updateCode(manager, code);
    return this.record(manager, caller, { ...change, code });
  }

  /** Tells of a version that is stored: to the history, the event log, the audit log and the repair loop. */
  async record(manager: EntityManager, caller: Caller, change: CodeChange): Promise<Code> {
    const { code, action, changes, reason, restoredVersion } = change;
    const { workspaceId, actor, requestId } = caller;
    const { version, updatedAt } = code;
    const at = new Date(updatedAt);
    const names = NAMES[action];
    await insertVersion(
      manager,
      code.id,
      { version, at: updatedAt, by: actor, action, changes, restoredVersion },
      editableFields(code),
    );
    await markUnpropagated(manager, code, at);
    const data = { ...toEventData(code, { publicUrl: this.config.publicUrl, at }), reason };
    await appendToOutbox(manager, [{ topic: topics.codes.name, key: code.id, type: names.event, data, at }]);
    const entry = { at, workspaceId, actor, action: names.audit, codeId: code.id, requestId };
    await appendAudit(manager, reason === undefined ? entry : { ...entry, reason });
    return this.show(code, at);
  }

  /** The code as its workspace sees it. */
  show(code: StoredCode, at = this.clock.now()): Code {
    return toCode(code, { publicUrl: this.config.publicUrl, at });
  }
}
