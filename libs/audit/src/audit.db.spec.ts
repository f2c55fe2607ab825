import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KeyRing, loadConfig, newId, SystemClock } from '@signet/platform';
import { openTestDatabase, testLogger, type TestDatabase } from '@signet/testing';
import { appendAudit } from './audit.js';
import { auditMigrations } from './audit.migrations.js';
import { AuditRedaction } from './audit-redaction.js';
import { AuditSequencer } from './audit-sequencer.js';
import { AuditService } from './audit.service.js';
import { CheckpointFile } from './checkpoint-file.js';
import { CheckpointSigningKeys } from './checkpoint-keys.js';
import { verifyExport } from './verify-export.js';

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

  describe('of a subject that was erased', () => {
    const who = { at: new Date('2026-11-25T12:00:00Z'), actor: 'key:1' };
    let redaction: AuditRedaction;
    let workspaceId: string;
    beforeEach(async () => {
      redaction = new AuditRedaction(database.dataSource);
      workspaceId = newId();
      await database.dataSource.transaction(async (manager) => {
        const entry = { at: who.at, workspaceId, ip: '203.0.113.7', deviceId: 'laptop', city: 'Ulm', country: 'DE' };
        const attempt = { ...entry, actor: 'key:1', action: 'verification.attempt', result: 'rejected' };
        await appendAudit(manager, { ...attempt, subject: 'berta', reason: 'wrong-code', requestId: newId() });
        await appendAudit(manager, { ...attempt, subject: 'anna', reason: 'wrong-code' });
        await appendAudit(manager, {
          ...entry,
          actor: `subject:${newId()}`,
          action: 'enrollment.claim',
          subject: 'berta',
        });
        const told = { reason: 'Berta moved to Ulm', actor: 'key:1', action: 'subject.offboard' };
        await appendAudit(manager, { ...entry, ...told, subject: 'berta' });
      });
      await sequencer.chainAll();
    });
    const redact = () => redaction.redact({ workspaceId, subject: 'berta' }, { ...who, erasureId: newId() });
    const tamper = (text: string) => database.dataSource.query(text, [workspaceId]);
    const verifyLines = async () => {
      const lines = (await entriesOf(workspaceId)).map((entry) => JSON.stringify(entry));
      return verifyExport(
        (async function* () {
          yield* lines;
        })(),
        { checkpoints: [], jwks: { keys: [] } },
      );
    };

    it('nothing is left that names the person, and the chain adds up, here and offline', async () => {
      const before = await entriesOf(workspaceId);
      expect(await redact()).toEqual({ redacted: 3, more: false });
      const after = await entriesOf(workspaceId);
      expect(after.map(({ hash }) => hash).slice(0, 4)).toEqual(before.map(({ hash }) => hash));
      expect(JSON.stringify(after.filter(({ seq }) => seq !== 2))).not.toMatch(
        /berta|203\.0\.113|laptop|Ulm|subject:/i,
      );
      expect(after[1]).toEqual(before[1]);
      expect(after[0]).toMatchObject({ redacted: true, action: 'verification.attempt', reason: 'wrong-code' });
      expect(after[4]).toMatchObject({ action: 'subject.erase', seq: 5, result: 'redacted', actor: 'key:1' });
      expect(Object.keys(after[4]?.erased ?? {})).toEqual(['1', '3', '4']);
      expect(await audit.verify(workspaceId)).toMatchObject({ ok: true, entries: 5, pending: 0 });
      expect(await verifyLines()).toMatchObject({ entries: 5 });
      expect((await audit.list(workspaceId, { limit: 9, subject: 'berta' })).items).toEqual([]);
      expect(await redact()).toEqual({ redacted: 0, more: false });
      expect(await entriesOf(workspaceId)).toHaveLength(5);
    });

    it('what is not chained yet is redacted by a later call', async () => {
      await append(workspaceId, 'late');
      await tamper(
        `UPDATE audit.entries SET record = record || '{"subject": "berta"}' WHERE workspace_id = $1 AND seq IS NULL`,
      );
      expect(await redact()).toEqual({ redacted: 3, more: true });
      await sequencer.chainAll();
      expect(await redact()).toEqual({ redacted: 1, more: false });
      expect(await audit.verify(workspaceId)).toMatchObject({ ok: true, entries: 7 });
    });

    it.each([
      [
        'an entry that was altered and called redacted',
        `UPDATE audit.entries SET record = record || '{"result": "accepted", "redacted": true}' WHERE workspace_id = $1 AND seq = 2`,
        2,
      ],
      [
        'what was left of one, altered afterwards',
        `UPDATE audit.entries SET record = record || '{"result": "accepted"}' WHERE workspace_id = $1 AND seq = 1`,
        1,
      ],
      [
        'an erasure that was altered to name one more',
        `UPDATE audit.entries SET record = jsonb_set(record, '{erased,2}', '"${'0'.repeat(64)}"') WHERE workspace_id = $1 AND seq = 5`,
        5,
      ],
      ['an erasure that was removed with the tail', 'DELETE FROM audit.entries WHERE workspace_id = $1 AND seq = 5', 1],
      [
        'an erasure that calls itself redacted',
        `UPDATE audit.entries SET record = record || '{"redacted": true}' WHERE workspace_id = $1 AND seq = 5`,
        1,
      ],
    ])('finds %s', async (_what, tampering, brokenAt) => {
      await redact();
      await tamper(tampering);
      expect(await audit.verify(workspaceId)).toMatchObject({ ok: false, brokenAt });
      expect((await verifyLines()).problem).toMatchObject({ brokenAt });
    });
  });
});
