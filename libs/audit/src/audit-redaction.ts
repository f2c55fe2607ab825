import { newId } from '@signet/platform';
import type { AuditEntry, AuditRecord } from '@signet/contracts';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { AuditEntryDraft } from './audit.js';
import { countEntriesOf, lockSequencer, readEntriesOf, redactEntries } from './audit.sql.js';
import { chainNow } from './chain-now.js';
import { hashJson } from './chain.js';

/** Of one entry that says so, and of one transaction, which the chain waits for. */
const AT_ONCE = 500;
const PAGE = 1000;

export interface SubjectOfEntries {
  workspaceId: string;
  subject: string;
}

/** Takes a person out of the log, in a way that the chain goes on adding up and says what was done. */
@Injectable()
export class AuditRedaction {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Redacts the oldest entries of a subject, and chains a `subject.erase` that names them and what was left of them, in
   * one transaction: whoever reads a redacted entry finds, further on, the erasure that explains it.
   * @param draft who asked for it, when, under which id
   * @returns how many entries, and whether there are more, be it because they are not chained yet
   */
  redact(
    of: SubjectOfEntries,
    draft: Pick<AuditEntryDraft, 'at' | 'actor' | 'erasureId'>,
  ): Promise<{ redacted: number; more: boolean }> {
    return this.dataSource.transaction(async (manager) => {
      await lockSequencer(manager);
      const left = await redactEntries(manager, of, AT_ONCE);
      if (left.length > 0) await chainNow(manager, toRecord(of.workspaceId, draft, left));
      return { redacted: left.length, more: (await countEntriesOf(manager, of.workspaceId, of.subject)) > 0 };
    });
  }

  /** What the log says of a subject, oldest first, also what is not chained yet. */
  async *entriesOf(of: SubjectOfEntries): AsyncGenerator<AuditRecord> {
    for (let after = '-1'; ;) {
      const page = await readEntriesOf(this.dataSource.manager, of, { after, limit: PAGE });
      for (const { record } of page) yield record;
      const last = page.at(-1);
      if (!last || page.length < PAGE) return;
      after = last.position;
    }
  }
}

function toRecord(
  workspaceId: string,
  { at, ...draft }: Pick<AuditEntryDraft, 'at' | 'actor' | 'erasureId'>,
  left: readonly AuditEntry[],
): AuditRecord {
  const erased = Object.fromEntries(left.map((entry) => [String(entry.seq), hashJson(entry)]));
  return {
    id: newId(),
    at: at.toISOString(),
    workspaceId,
    ...draft,
    action: 'subject.erase',
    result: 'redacted',
    erased,
  };
}
