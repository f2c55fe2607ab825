import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KeyRing, loadConfig, newId, SystemClock } from '@signet/platform';
import { openTestDatabase, testLogger, type TestDatabase } from '@signet/testing';
import { appendAudit } from './audit.js';
import { auditMigrations } from './audit.migrations.js';
import { AuditSequencer } from './audit-sequencer.js';
import { AuditService } from './audit.service.js';
import { CheckpointFile } from './checkpoint-file.js';
import { CheckpointSigningKeys } from './checkpoint-keys.js';

describe('the audit log', () => {
  let database: TestDatabase;
  let sequencer: AuditSequencer;
  let audit: AuditService;
  let directory: string;
  beforeAll(async () => {
    database = await openTestDatabase(auditMigrations);
    sequencer = new AuditSequencer(database.dataSource, testLogger());
    const keys = new CheckpointSigningKeys(new KeyRing(KeyRing.generate()));
    directory = mkdtempSync(join(tmpdir(), 'signet-audit-'));
    const file = new CheckpointFile(loadConfig({ SIGNET_DATA_DIR: directory }));
    audit = new AuditService(database.dataSource, sequencer, keys, file);
  });
  afterAll(async () => {
    await database.close();
    rmSync(directory, { recursive: true });
  });

  const append = (workspaceId: string, action: string): Promise<void> =>
    database.dataSource.transaction((manager) =>
      appendAudit(manager, { at: new SystemClock().now(), workspaceId, actor: 'system', action, subject: 'anna' }),
    );
  const entriesOf = async (workspaceId: string) => {
    const entries = [];
    for await (const entry of audit.entries(workspaceId)) entries.push(entry);
    return entries;
  };

  it('chains each workspace by itself, also when many append and two sequencers run at once', async () => {
    const [one, two] = [newId(), newId()];
    const other = new AuditSequencer(database.dataSource, testLogger());
    const appending = Array.from({ length: 60 }, (_, index) => append(index % 2 ? one : two, `a${index}`));
    await Promise.all([...appending, sequencer.chainAll(), other.chainAll(), sequencer.chainAll()]);
    for (const workspace of [one, two]) {
      expect((await entriesOf(workspace)).map(({ seq }) => seq)).toEqual(
        Array.from({ length: 30 }, (_, index) => index + 1),
      );
      expect(await audit.verify(workspace)).toMatchObject({ ok: true, entries: 30, pending: 0 });
    }
  });

  it('leaves no entry of a transaction that was rolled back', async () => {
    const workspaceId = newId();
    const failing = database.dataSource.transaction(async (manager) => {
      await appendAudit(manager, { at: new Date(), workspaceId, actor: 'system', action: 'never' });
      throw new Error('rolled back');
    });
    await expect(failing).rejects.toThrow('rolled back');
    expect(await audit.verify(workspaceId)).toMatchObject({ ok: true, entries: 0, head: null });
  });

  it.each([
    [
      'an altered entry',
      `UPDATE audit.entries SET record = jsonb_set(record, '{action}', '"other"') WHERE workspace_id = $1 AND seq = 2`,
      2,
    ],
    ['a removed entry', 'DELETE FROM audit.entries WHERE workspace_id = $1 AND seq = 2', 2],
    ['a cut tail', 'DELETE FROM audit.entries WHERE workspace_id = $1 AND seq = 3', 3],
    [
      'exchanged entries',
      'UPDATE audit.entries e SET record = (SELECT record FROM audit.entries o WHERE o.workspace_id = e.workspace_id AND o.seq = 4 - e.seq) WHERE workspace_id = $1 AND seq <> 2',
      1,
    ],
  ])('finds %s', async (_what, tampering, brokenAt) => {
    const workspaceId = newId();
    for (const action of ['a', 'b', 'c']) await append(workspaceId, action);
    expect(await audit.verify(workspaceId)).toMatchObject({ ok: true, entries: 3 });
    await database.dataSource.query(tampering, [workspaceId]);
    expect(await audit.verify(workspaceId)).toMatchObject({ ok: false, brokenAt });
  });

  it('raises no false alarm while entries are being chained', async () => {
    const workspaceId = newId();
    const writing = (async () => {
      for (let index = 0; index < 100; index += 1) {
        await append(workspaceId, `a${index}`);
        await sequencer.chainAll();
      }
    })();
    for (let index = 0; index < 20; index += 1) expect(await audit.verify(workspaceId)).toMatchObject({ ok: true });
    await writing;
    expect(await audit.verify(workspaceId)).toMatchObject({ ok: true, entries: 100 });
  });

  it('lists the newest first, by page and by filter', async () => {
    const workspaceId = newId();
    for (const action of ['a', 'b', 'b', 'a', 'b']) await append(workspaceId, action);
    await audit.verify(workspaceId);
    const first = await audit.list(workspaceId, { limit: 2, action: 'b' });
    expect(first.items.map(({ seq }) => seq)).toEqual([5, 3]);
    const second = await audit.list(workspaceId, { limit: 2, action: 'b', cursor: first.nextCursor ?? '' });
    expect([second.items.map(({ seq }) => seq), second.nextCursor]).toEqual([[2], null]);
    expect((await audit.list(workspaceId, { limit: 9, subject: 'nobody' })).items).toEqual([]);
  });
});
