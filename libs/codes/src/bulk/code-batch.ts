import { Quotas } from '@signet/access';
import type { BulkResult, Code } from '@signet/contracts';
import { Clock, ifMatchAllows, isTransient, SignetError, versionTag, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CodeChanges, type CodeChange } from '../code-changes.js';
import { CodeDrafts, type DraftingTable } from '../code-drafts.js';
import { moveCode, MOVES } from '../code-move.js';
import { isCounted } from '../code-quota.js';
import type { Change } from '../code-rules.js';
import type { StoredCode } from '../code.js';

import { lockCodesOf } from './bulk.sql.js';
import { checkFixed, retagged, type PlannedChange, type PlannedIssue } from './planned-row.js';
import { insertWithSlugs, type SluggedDraft } from './slugs-at-once.js';

/** What became of a row. */
export type Outcome =
  | { status: Exclude<BulkResult['status'], 'error'>; code: Code; changes: Change[] }
  | { error: SignetError };

/** What a dry run would have done so far: each of its batches is rolled back. */
export class DryRun {
  /** Codes that would be issued, less those that would end. */
  issued = 0;
  readonly slugKeys = new Set<string>();
}

/** Issues or changes many codes in one transaction, each as a call of its own would; what one is refused, no other is. */
@Injectable()
export class CodeBatch {
  constructor(
    private readonly clock: Clock,
    private readonly quotas: Quotas,
    private readonly drafts: CodeDrafts,
    private readonly changes: CodeChanges,
  ) {}

  /** @returns an outcome a row. The quota goes to the first rows that can have it. */
  async issue(
    manager: EntityManager,
    caller: Caller,
    rows: readonly PlannedIssue[],
    dryRun?: DryRun,
  ): Promise<Outcome[]> {
    const table = await this.drafts.in(manager, caller);
    const drafted: (SluggedDraft | { error: SignetError })[] = [];
    for (const row of rows) drafted.push(await draftRow(table, row));
    const drafts = drafted.filter((draft): draft is SluggedDraft => !('error' in draft));
    const { granted, refusal } = await this.takeQuota(manager, caller, { count: drafts.length, dryRun });
    const inserted = await insertWithSlugs(manager, drafts, { room: granted, taken: dryRun?.slugKeys });
    const issued = [...inserted.values()].filter((code): code is StoredCode => 'slugKey' in code);
    await this.quotas.giveBackCodes(manager, caller.workspaceId, granted - issued.length);
    if (dryRun) dryRun.issued += issued.length;
    const made = new Map<SluggedDraft, CodeChange>();
    for (const [draft, code] of inserted)
      if ('slugKey' in code) made.set(draft, { code, action: 'created', changes: draft.changes });
    await this.changes.recordAll(manager, caller, [...made.values()]);
    return drafted.map((draft): Outcome => {
      if ('error' in draft) return draft;
      const change = made.get(draft);
      if (change) return { status: 'created', code: this.changes.show(change.code), changes: change.changes };
      const outcome = inserted.get(draft);
      const noRoom = refusal ?? new SignetError('internal-error');
      return { error: outcome instanceof SignetError ? outcome : noRoom };
    });
  }

  /** @param rows of different codes, whose turns the transaction has (`awaitTurns`) */
  async change(
    manager: EntityManager,
    caller: Caller,
    rows: readonly PlannedChange[],
    dryRun?: DryRun,
  ): Promise<Outcome[]> {
    const ids = rows.map(({ id }) => id);
    const codes = await lockCodesOf(manager, caller.workspaceId, ids);
    const table = await this.drafts.in(manager, caller);
    const outcomes: Outcome[] = [];
    const next: CodeChange[] = [];
    let ended = 0;
    for (const row of rows) {
      const before = codes.get(row.id);
      const changed = await this.attempt(table, before, row);
      if (changed && 'error' in changed) outcomes.push(changed);
      else if (!changed || !before) outcomes.push(unchanged(this.changes, before));
      else {
        const change = this.changes.nextVersion(changed);
        next.push(change);
        if (isCounted(before) && !isCounted(change.code)) ended += 1;
        const status = row.kind === 'move' ? MOVES[row.action] : 'updated';
        outcomes.push({ status, code: this.changes.show(change.code), changes: change.changes });
      }
    }
    await this.quotas.giveBackCodes(manager, caller.workspaceId, ended);
    if (dryRun) dryRun.issued -= ended;
    if (next.length > 0) await this.changes.storeAll(manager, caller, next);
    return outcomes;
  }

  /** @returns the change; undefined when the code is so already */
  private async attempt(
    table: DraftingTable,
    before: StoredCode | undefined,
    row: PlannedChange,
  ): Promise<CodeChange | { error: SignetError } | undefined> {
    try {
      if (!before) throw new SignetError('not-found', { detail: 'There is no such code' });
      if (row.ifVersion !== undefined && !ifMatchAllows(versionTag(row.ifVersion), versionTag(before.version)))
        throw new SignetError('version-mismatch', { detail: `The code is at version ${before.version}` });
      checkFixed(before, row.fixed);
      if (row.kind === 'move') {
        const moved = moveCode(before, row, this.clock.now());
        return moved && { ...moved, action: MOVES[row.action], ...(row.reason && { reason: row.reason }) };
      }
      const tags = retagged(row.body.tags ?? before.tags, row.retag);
      const edited = await table.edit(before, tags ? { ...row.body, tags } : row.body, row.passwordHash);
      return edited.changes.length === 0 ? undefined : { ...edited, action: 'updated' };
    } catch (error) {
      return { error: ofRow(error) };
    }
  }

  private async takeQuota(
    manager: EntityManager,
    { workspaceId }: Caller,
    { count, dryRun }: { count: number; dryRun: DryRun | undefined },
  ): Promise<{ granted: number; refusal: SignetError | undefined }> {
    const issued = dryRun?.issued ?? 0;
    const before = Math.max(0, issued);
    if (issued < 0) await this.quotas.giveBackCodes(manager, workspaceId, -issued);
    const { taken, refusal } = await this.quotas.takeCodesUpTo(manager, workspaceId, before + count);
    return { granted: Math.max(0, taken - before), refusal };
  }
}

async function draftRow(
  table: DraftingTable,
  { body, passwordHash }: PlannedIssue,
): Promise<SluggedDraft | { error: SignetError }> {
  try {
    return { ...(await table.draft(body, passwordHash)), slug: body.slug };
  } catch (error) {
    return { error: ofRow(error) };
  }
}

const unchanged = (changes: CodeChanges, code: StoredCode | undefined): Outcome =>
  code ? { status: 'unchanged', code: changes.show(code), changes: [] } : { error: new SignetError('not-found') };

/** What a row is refused for. @throws whatever is wrong with more than this row */
function ofRow(error: unknown): SignetError {
  if (error instanceof SignetError && !isTransient(error) && error.status < 500) return error;
  throw error;
}
