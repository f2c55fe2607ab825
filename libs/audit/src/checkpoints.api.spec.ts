import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AuditCheckpointSchema, type AuditCheckpoint, type AuditEntry } from '@signet/contracts';
import { newId } from '@signet/platform';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AuditCheckpoints } from './audit-checkpoints.js';
import { appendAudit } from './audit.js';
import { auditMigrations } from './audit.migrations.js';
import { AuditModule } from './audit.module.js';
import { AuditService } from './audit.service.js';
import { chainRecord, GENESIS, type Head } from './chain.js';
import { parseCheckpoints } from './checkpoint-file.js';
import { verifyExport } from './verify-export.js';

const HOUR = 3_600_000;

describe('signed checkpoints', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let audit: AuditService;
  let filePath: string;

  beforeAll(async () => {
    platform = await openTestPlatform(auditMigrations);
    app = await createTestApp(platform, [AuditModule]);
    audit = app.get(AuditService);
    filePath = join(platform.directory, 'audit-checkpoints.ndjson');
  });
  afterAll(async () => {
    await app.close();
    await platform.close();
  });

  const append = async (workspaceId: string, actions: readonly string[]): Promise<void> => {
    for (const action of actions)
      await platform.dataSource.transaction((manager) =>
        appendAudit(manager, { at: platform.clock.now(), workspaceId, actor: 'system', action }),
      );
    await audit.verify(workspaceId);
  };
  const signed = async (workspaceId: string): Promise<AuditCheckpoint[]> => {
    await app.get(AuditCheckpoints).signDue();
    return (await audit.checkpoints(workspaceId, { limit: 50 })).items;
  };
  /** A workspace of three entries, signed, and a fourth one. */
  const signedWorkspace = async (): Promise<string> => {
    const workspaceId = newId();
    await append(workspaceId, ['a', 'b', 'c']);
    expect(await signed(workspaceId)).toMatchObject([{ seq: 3 }]);
    await append(workspaceId, ['d']);
    return workspaceId;
  };
  const entriesOf = async (workspaceId: string): Promise<AuditEntry[]> => {
    const entries = [];
    for await (const entry of audit.entries(workspaceId)) entries.push(entry);
    return entries;
  };
  /** What somebody does who holds the whole database: changes an entry and chains everything anew. */
  const rewrite = async (workspaceId: string): Promise<void> => {
    let head: Head = { seq: 0, hash: GENESIS };
    for (const { seq, prevHash: _prev, hash: _hash, ...record } of await entriesOf(workspaceId)) {
      const entry = chainRecord(seq === 2 ? { ...record, action: 'forged' } : record, head);
      const { prevHash, hash, seq: _seq, ...forged } = entry;
      await platform.dataSource.query(
        'UPDATE audit.entries SET record = $3, prev_hash = $4, hash = $5 WHERE workspace_id = $1 AND seq = $2',
        [workspaceId, seq, JSON.stringify(forged), prevHash, hash],
      );
      head = entry;
    }
    await platform.dataSource.query('UPDATE audit.heads SET hash = $2 WHERE workspace_id = $1', [
      workspaceId,
      head.hash,
    ]);
  };
  const deleteCheckpoints = (workspaceId: string): Promise<unknown> =>
    platform.dataSource.query('DELETE FROM audit.checkpoints WHERE workspace_id = $1', [workspaceId]);
  const cutTail = async (workspaceId: string): Promise<void> => {
    await platform.dataSource.query('DELETE FROM audit.entries WHERE workspace_id = $1 AND seq > 2', [workspaceId]);
    await platform.dataSource.query(
      `UPDATE audit.heads h SET seq = 2, hash = e.hash FROM audit.entries e
       WHERE h.workspace_id = $1 AND e.workspace_id = $1 AND e.seq = 2`,
      [workspaceId],
    );
  };

  it('are made once an hour, when the chain has moved on, and go to the event log and the file', async () => {
    const workspaceId = await signedWorkspace();
    expect(await signed(workspaceId)).toHaveLength(1);
    platform.clock.advance(HOUR);
    expect((await signed(workspaceId)).map(({ seq }) => seq)).toEqual([4, 3]);
    platform.clock.advance(HOUR);
    expect(await signed(workspaceId)).toHaveLength(2);
    const filed = parseCheckpoints(readFileSync(filePath, 'utf8'));
    expect(filed.filter((one) => one.workspaceId === workspaceId).map(({ seq }) => seq)).toEqual([3, 4]);
    const rows: { payload: unknown }[] = await platform.dataSource.query(
      `SELECT payload FROM outbox.events WHERE type = 'audit.checkpoint' AND aggregateid = $1 ORDER BY position`,
      [workspaceId],
    );
    expect(rows.map(({ payload }) => AuditCheckpointSchema.parse(payload).seq)).toEqual([3, 4]);
    expect(await audit.verify(workspaceId)).toMatchObject({ ok: true, entries: 4, checkpoints: 2 });
  });

  it('show a log that was rewritten as a whole, of which each hash adds up', async () => {
    const workspaceId = await signedWorkspace();
    await rewrite(workspaceId);
    const problem = expect.stringMatching(/^entry 3 is not the one that was there at /);
    expect(await audit.verify(workspaceId)).toMatchObject({ ok: false, brokenAt: 3, problem });
    await deleteCheckpoints(workspaceId);
    expect(await audit.verify(workspaceId)).toMatchObject({ ok: false, brokenAt: 3, problem });
  });

  it('show a tail that was cut together with its head and its checkpoints', async () => {
    const workspaceId = await signedWorkspace();
    await cutTail(workspaceId);
    await deleteCheckpoints(workspaceId);
    expect(await audit.verify(workspaceId)).toMatchObject({
      ok: false,
      brokenAt: 3,
      problem: expect.stringMatching(/^the log ends at entry 2, and entry 3 was there at /),
    });
  });

  it('cannot be changed, nor signed by somebody else', async () => {
    const workspaceId = await signedWorkspace();
    await platform.dataSource.query(`UPDATE audit.checkpoints SET at = at + interval '1 day' WHERE workspace_id = $1`, [
      workspaceId,
    ]);
    // The file proves the true one; the altered one is another.
    expect(await audit.verify(workspaceId)).toMatchObject({ ok: true });
    rmSync(filePath);
    expect(await audit.verify(workspaceId)).toMatchObject({ problem: 'the checkpoint of entry 3 was altered' });
    await platform.dataSource.query(`UPDATE audit.checkpoints SET kid = 'mine' WHERE workspace_id = $1`, [workspaceId]);
    expect(await audit.verify(workspaceId)).toMatchObject({
      problem: 'the checkpoint of entry 3 is signed with a key that is not known',
    });
  });

  describe('of an export', () => {
    let entries: AuditEntry[];
    let proof: Parameters<typeof verifyExport>[1];
    beforeAll(async () => {
      const workspaceId = await signedWorkspace();
      entries = await entriesOf(workspaceId);
      const jwks = (await app.inject({ url: '/.well-known/jwks.json' })).json();
      proof = { checkpoints: (await audit.checkpoints(workspaceId, { limit: 9 })).items, jwks };
    });
    const verify = (list: readonly AuditEntry[], by = proof) =>
      verifyExport(
        (async function* lines() {
          for (const entry of list) yield JSON.stringify(entry);
        })(),
        by,
      );

    it('prove it with the published keys alone', async () => {
      expect(await verify(entries)).toEqual({ entries: 4, head: entries[3]?.hash, checkpoints: 1, cutAt: 0 });
    });

    it('show an altered row, a cut tail, another order and an empty export', async () => {
      const [first, second, third, last] = entries as [AuditEntry, AuditEntry, AuditEntry, AuditEntry];
      const problems = [
        [first, { ...second, action: 'forged' }, third, last],
        [first, second],
        [first, third, second, last],
        [],
      ].map(async (list) => (await verify(list)).problem);
      expect(await Promise.all(problems)).toEqual([
        { brokenAt: 2, problem: 'entry 2 was altered' },
        { brokenAt: 3, problem: expect.stringMatching(/^the log ends at entry 2/) },
        { brokenAt: 2, problem: 'entry 2 is missing' },
        { brokenAt: 1, problem: 'the export is empty' },
      ]);
    });

    it('mix no workspaces', async () => {
      const [other] = await entriesOf(await signedWorkspace());
      const [first] = entries;
      if (!first || !other) throw new Error('no entries');
      expect((await verify([first, other])).problem).toEqual({
        brokenAt: 2,
        problem: 'entry 2 is of another workspace',
      });
    });
  });
});
