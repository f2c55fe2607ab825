import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditCheckpoint, AuditEntry, AuditVerification, ListAuditQuery } from '@signet/contracts';
import { decodeCursor, toPage } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import { readCut } from './audit-cut.sql.js';
import { AuditSequencer } from './audit-sequencer.js';
import { countUnchained, readChainAfter, readEntriesBefore, readHeads } from './audit.sql.js';
import { ChainCheck } from './chain-check.js';
import type { ChainProblem, Head } from './chain.js';
import { CheckpointFile } from './checkpoint-file.js';
import { CheckpointSigningKeys, keysOf } from './checkpoint-keys.js';
import { readCheckpoints } from './checkpoints.sql.js';

const PAGE = 1000;
const WAIT_MILLISECONDS = 2000;
const LOOK_AGAIN_MILLISECONDS = 20;

/** Reading the log: pages, the whole chain, and whether it adds up. */
@Injectable()
export class AuditService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly sequencer: AuditSequencer,
    private readonly keys: CheckpointSigningKeys,
    private readonly file: CheckpointFile,
  ) {}

  async list(workspaceId: string, query: ListAuditQuery): Promise<{ items: AuditEntry[]; nextCursor: string | null }> {
    const beforeSeq = decodeCursor(query.cursor, z.int());
    const filter = { beforeSeq, action: query.action, subject: query.subject, limit: query.limit + 1 };
    const entries = await readEntriesBefore(this.dataSource.manager, workspaceId, filter);
    return toPage(entries, query.limit, ({ seq }) => seq);
  }

  /** Every chained entry in order that was not cut off, read a page at a time; waits a moment for those that are not chained yet. */
  async *entries(workspaceId: string): AsyncGenerator<AuditEntry> {
    await this.chainPending(workspaceId);
    for (let seq = await readCut(this.dataSource.manager, workspaceId); ;) {
      const page = await readChainAfter(this.dataSource.manager, workspaceId, seq, PAGE);
      yield* page;
      const last = page.at(-1);
      if (!last || page.length < PAGE) return;
      seq = last.seq;
    }
  }

  /** The newest first. @throws SignetError `invalid-cursor` */
  async checkpoints(
    workspaceId: string,
    { limit, cursor }: { limit: number; cursor?: string | undefined },
  ): Promise<{ items: AuditCheckpoint[]; nextCursor: string | null }> {
    const beforeSeq = decodeCursor(cursor, z.int());
    const found = await readCheckpoints(this.dataSource.manager, workspaceId, { beforeSeq, limit: limit + 1 });
    return toPage(found, limit, ({ seq }) => seq);
  }

  /**
   * Recomputes every hash, and requires that the chain agrees with its signed checkpoints, those of the database and those
   * of the file, and reaches the head that the sequencer kept before: a cut tail shows, and an entry that is chained
   * meanwhile does no harm.
   */
  async verify(workspaceId: string): Promise<AuditVerification> {
    const kept = (await readHeads(this.dataSource.manager, [workspaceId])).get(workspaceId);
    const check = new ChainCheck(await this.allCheckpoints(workspaceId), keysOf(this.keys.jwks));
    const answer = (problem?: ChainProblem, pending = 0): AuditVerification => ({
      ok: problem === undefined,
      entries: check.head.seq,
      head: check.head.seq === 0 ? null : check.head.hash,
      checkpoints: check.agreed,
      pending,
      ...(check.cutAt > 0 && { cutAt: check.cutAt }),
      ...problem,
    });
    for await (const entry of this.entries(workspaceId)) {
      const problem = check.accept(entry);
      if (problem) return answer(problem);
    }
    const missing = check.end() ?? beyond(kept, check.head);
    if (missing) return answer(missing);
    return answer(undefined, await countUnchained(this.dataSource.manager, workspaceId));
  }

  /** Each once: what the database still has is in the file, too. */
  private async allCheckpoints(workspaceId: string): Promise<AuditCheckpoint[]> {
    const stored = await readCheckpoints(this.dataSource.manager, workspaceId, {});
    const filed = await this.file.read(workspaceId);
    return [...new Map([...stored, ...filed].map((checkpoint) => [checkpoint.signature, checkpoint])).values()];
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

/** @returns what is missing when a chain ends before the head that was kept */
function beyond(kept: Head | undefined, head: Head): ChainProblem | undefined {
  if (!kept || kept.seq <= head.seq) return undefined;
  return { brokenAt: head.seq + 1, problem: `the log ends at entry ${head.seq}, its head is entry ${kept.seq}` };
}
