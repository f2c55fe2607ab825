import type { Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { appendAudits, type AuditEntryDraft } from '@signet/audit';
import { ImportedSubjectSchema, type ImportedSubject, type SubjectImportResult } from '@signet/contracts';
import { Clock, newId, parse, SignetError, toRowProblem, toSignetError, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { readRows, type ImportRow, type ImportType } from './import-rows.js';
import { EMPTY_PROFILE, mergeProfile, profileOf } from './subject.js';
import { insertSubjects, lockSubject, updateSubject } from './subjects.sql.js';

/** Rows that are written in one transaction. */
const BATCH = 500;

type Checked = { index: number; row: ImportedSubject } | { index: number; error: SignetError };
type Result = Pick<SubjectImportResult, 'status' | 'subject'>;

/** Many subjects at once, each as a PUT would have it. */
@Injectable()
export class SubjectImport {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
  ) {}

  /**
   * Reads while it writes, so that length does not matter to memory. A row that is wrong keeps no other from going in;
   * of two with one name the later one wins.
   * @returns one result a row, in order
   */
  async *import(caller: Caller, stream: Readable, type: ImportType): AsyncGenerator<SubjectImportResult> {
    let batch: Checked[] = [];
    for await (const row of readRows(stream, type)) {
      batch.push(check(row));
      if (batch.length < BATCH) continue;
      yield* await this.write(caller, batch);
      batch = [];
    }
    yield* await this.write(caller, batch);
  }

  private async write(caller: Caller, batch: readonly Checked[]): Promise<SubjectImportResult[]> {
    const rows = batch.flatMap((checked) => ('row' in checked ? [checked.row] : []));
    const results = await this.store(caller, rows);
    return batch.map((checked) => {
      if ('error' in checked) return { index: checked.index, ...failed(checked.error) };
      return { index: checked.index, ...(results.shift() ?? failed(new SignetError('internal-error'))) };
    });
  }

  /** @returns what became of each; when the database refuses the batch, nothing of it went in */
  private async store(caller: Caller, rows: readonly ImportedSubject[]): Promise<(Result & object)[]> {
    if (rows.length === 0) return [];
    try {
      return await this.dataSource.transaction((manager) => this.storeAll(manager, caller, rows));
    } catch (error) {
      return rows.map(({ subject }) => ({ subject, ...failed(toSignetError(error)) }));
    }
  }

  private async storeAll(
    manager: EntityManager,
    { workspaceId, actor, requestId }: Caller,
    rows: readonly ImportedSubject[],
  ): Promise<Result[]> {
    const at = this.clock.now();
    const drafts = rows.map(({ subject, ...put }) => ({
      id: newId(),
      subject,
      profile: mergeProfile(EMPTY_PROFILE, put),
    }));
    const inserted = await insertSubjects(manager, { workspaceId, at }, drafts);
    const created = new Set(inserted.map(({ id }) => id));
    const results: Result[] = [];
    for (const [place, row] of rows.entries()) {
      const isNew = created.has(drafts[place]?.id ?? '');
      results.push({
        subject: row.subject,
        status: isNew ? 'created' : await this.change(manager, { workspaceId, row, at }),
      });
    }
    const entries = results.flatMap(({ subject, status }): AuditEntryDraft[] =>
      status === 'unchanged'
        ? []
        : [
            {
              at,
              workspaceId,
              actor,
              action: `subject.${status === 'created' ? 'create' : 'update'}`,
              subject,
              requestId,
            },
          ],
    );
    await appendAudits(manager, entries);
    return results;
  }

  private async change(
    manager: EntityManager,
    { workspaceId, row, at }: { workspaceId: string; row: ImportedSubject; at: Date },
  ): Promise<'updated' | 'unchanged'> {
    const { subject, ...put } = row;
    const before = await lockSubject(manager, workspaceId, subject);
    if (!before) throw new SignetError('internal-error', { cause: new Error('a subject vanished') });
    const profile = mergeProfile(before, put);
    if (isDeepStrictEqual(profile, profileOf(before))) return 'unchanged';
    await updateSubject(manager, { ...before, ...profile, version: before.version + 1, updatedAt: at });
    return 'updated';
  }
}

function check(row: ImportRow): Checked {
  const { index } = row;
  if ('unreadable' in row) return { index, error: row.unreadable };
  try {
    return { index, row: parse(ImportedSubjectSchema, row.body) };
  } catch (error) {
    return { index, error: toSignetError(error) };
  }
}

const failed = (error: SignetError): Pick<SubjectImportResult, 'problem'> & { status: 'error' } => ({
  status: 'error',
  problem: toRowProblem(error),
});
