import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditEntry, AuditVerification, ListAuditQuery } from '@signet/contracts';
import { decodeCursor, toPage } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import { AuditSequencer } from './audit-sequencer.js';
import { countUnchained, readChainAfter, readEntriesBefore, readHeads } from './audit.sql.js';
import { checkEntry, GENESIS, type Head } from './chain.js';

const PAGE = 1000;
const WAIT_MILLISECONDS = 2000;
const LOOK_AGAIN_MILLISECONDS = 20;

/** Reading the log: pages, the whole chain, and whether it adds up. */
@Injectable()
export class AuditService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly sequencer: AuditSequencer,
  ) {}

  async list(workspaceId: string, query: ListAuditQuery): Promise<{ items: AuditEntry[]; nextCursor: string | null }> {
    const beforeSeq = decodeCursor(query.cursor, z.int());
    const filter = { beforeSeq, action: query.action, subject: query.subject, limit: query.limit + 1 };
    const entries = await readEntriesBefore(this.dataSource.manager, workspaceId, filter);
    return toPage(entries, query.limit, ({ seq }) => seq);
  }

  /** Every chained entry in order, read a page at a time; waits a moment for those that are not chained yet. */
  async *entries(workspaceId: string): AsyncGenerator<AuditEntry> {
    await this.chainPending(workspaceId);
    for (let seq = 0; ;) {
      const page = await readChainAfter(this.dataSource.manager, workspaceId, seq, PAGE);
      yield* page;
      const last = page.at(-1);
      if (!last || page.length < PAGE) return;
      seq = last.seq;
    }
  }

  /**
   * Recomputes every hash, and requires that the chain reaches the head that the sequencer kept before: a cut tail shows,
   * and an entry that is chained meanwhile does no harm.
   */
  async verify(workspaceId: string): Promise<AuditVerification> {
    const kept = (await readHeads(this.dataSource.manager, [workspaceId])).get(workspaceId);
    let head: Head = { seq: 0, hash: GENESIS };
    const answer = (problem?: { brokenAt: number; problem: string }, pending = 0): AuditVerification => ({
      ok: problem === undefined,
      entries: head.seq,
      head: head.seq === 0 ? null : head.hash,
      pending,
      ...problem,
    });
    for await (const entry of this.entries(workspaceId)) {
      const problem = checkEntry(entry, head);
      if (problem) return answer({ brokenAt: head.seq + 1, problem });
      head = entry;
    }
    if (kept && kept.seq > head.seq)
      return answer({
        brokenAt: head.seq + 1,
        problem: `the log ends at entry ${head.seq}, its head is entry ${kept.seq}`,
      });
    return answer(undefined, await countUnchained(this.dataSource.manager, workspaceId));
  }

  /** An open transaction, also of another database of the server, keeps younger entries from being chained. */
  private async chainPending(workspaceId: string): Promise<void> {
    const deadline = performance.now() + WAIT_MILLISECONDS;
    do {
      await this.sequencer.chainAll();
      if ((await countUnchained(this.dataSource.manager, workspaceId)) === 0) return;
      await sleep(LOOK_AGAIN_MILLISECONDS);
    } while (performance.now() < deadline);
  }
}
