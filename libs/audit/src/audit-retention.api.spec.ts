import type { AuditCheckpoint, AuditEntry } from '@signet/contracts';
import { newId } from '@signet/platform';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AuditCheckpoints } from './audit-checkpoints.js';
import { AuditRedaction } from './audit-redaction.js';
import { AuditRetention } from './audit-retention.js';
import { appendAudit } from './audit.js';
import { auditMigrations } from './audit.migrations.js';
import { AuditModule, AuditRedactionModule } from './audit.module.js';
import { AuditService } from './audit.service.js';
import { verifyExport, type ExportVerification } from './verify-export.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe('an audit log that is kept for 30 days', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let audit: AuditService;
  let retention: AuditRetention;
  let workspaceId: string;
  beforeAll(async () => {
    platform = await openTestPlatform(auditMigrations, { SIGNET_AUDIT_RETENTION_DAYS: '30' });
    app = await createTestApp(platform, [AuditModule, AuditRedactionModule]);
    audit = app.get(AuditService);
    retention = app.get(AuditRetention);
  });
  afterAll(async () => {
    await app.close();
    await platform.close();
  });

  const append = async (action: string): Promise<void> => {
    const entry = { at: platform.clock.now(), workspaceId, actor: 'system', action, subject: 'anna' };
    await platform.dataSource.transaction((manager) => appendAudit(manager, entry));
    await audit.verify(workspaceId);
  };
  const sign = async (): Promise<void> => void (await app.get(AuditCheckpoints).signDue());
  /** Twice: once to cut, and once to remove. */
  const passDays = async (days: number): Promise<void> => {
    platform.clock.advance(days * DAY);
    await retention.step();
    await retention.step();
  };
  const entries = async (): Promise<AuditEntry[]> => {
    const found = [];
    for await (const entry of audit.entries(workspaceId)) found.push(entry);
    return found;
  };
  const told = async (): Promise<string[]> => (await entries()).map(({ seq, action }) => `${seq} ${action}`);
  const storedSeqs = async (): Promise<number[]> => {
    const rows: { seq: string }[] = await platform.dataSource.query(
      'SELECT seq FROM audit.entries WHERE workspace_id = $1 ORDER BY seq',
      [workspaceId],
    );
    return rows.map(({ seq }) => Number(seq));
  };
  const checkpoints = async (): Promise<AuditCheckpoint[]> =>
    (await audit.checkpoints(workspaceId, { limit: 50 })).items;
  const verifyOffline = async (
    list: readonly AuditEntry[],
    signed: readonly AuditCheckpoint[],
  ): Promise<ExportVerification> =>
    verifyExport(
      (async function* lines() {
        for (const entry of list) yield JSON.stringify(entry);
      })(),
      { checkpoints: signed, jwks: (await app.inject({ url: '/.well-known/jwks.json' })).json() },
    );

  /** a and b, signed; three days later c and d, signed; e. */
  beforeEach(async () => {
    workspaceId = newId();
    await append('a');
    await append('b');
    await sign();
    platform.clock.advance(3 * DAY);
    await append('c');
    await append('d');
    await sign();
    await append('e');
  });

  it('is cut where a checkpoint was signed so long ago, and verifies from there, here and offline', async () => {
    await passDays(27);
    expect(await storedSeqs()).toEqual([1, 2, 3, 4, 5]);
    await passDays(1.5);
    expect(await told()).toEqual(['3 c', '4 d', '5 e', '6 audit.cut']);
    expect(await storedSeqs()).toEqual([3, 4, 5, 6]);
    const left = await entries();
    const signed = await checkpoints();
    expect(left.at(-1)).toMatchObject({ actor: 'system', cut: { '2': left[0]?.prevHash } });
    expect(await audit.verify(workspaceId)).toMatchObject({ ok: true, entries: 6, cutAt: 2, checkpoints: 2 });
    const head = left.at(-1)?.hash;
    expect(await verifyOffline(left, signed)).toEqual({ entries: 6, head, checkpoints: 2, cutAt: 2 });
    expect(await verifyOffline(left, [])).toEqual({ entries: 6, head, checkpoints: 0, cutAt: 2 });
  });

  it('is cut again, the cut of before with it, and is left alone where nothing but cuts would go', async () => {
    await passDays(31.5);
    expect(await told()).toEqual(['5 e', '6 audit.cut']);
    await sign();
    await passDays(32);
    expect(await told()).toEqual(['7 audit.cut']);
    expect(await audit.verify(workspaceId)).toMatchObject({ ok: true, entries: 7, cutAt: 6 });
    await sign();
    await passDays(32);
    await append('f');
    expect(await told()).toEqual(['7 audit.cut', '8 f']);
    expect(await audit.verify(workspaceId)).toMatchObject({ ok: true, entries: 8, cutAt: 6 });
  });

  it('keeps redacted entries proved, whose erasure is behind the cut', async () => {
    const who = { at: platform.clock.now(), actor: 'key:1', erasureId: newId() };
    await app.get(AuditRedaction).redact({ workspaceId, subject: 'anna' }, who);
    await passDays(28.5);
    expect(await told()).toEqual(['3 c', '4 d', '5 e', '6 subject.erase', '7 audit.cut']);
    expect(await audit.verify(workspaceId)).toMatchObject({ ok: true, cutAt: 2 });
  });

  it('keeps what does not add up', async () => {
    await platform.dataSource.query(
      `UPDATE audit.entries SET record = record || '{"action": "forged"}' WHERE workspace_id = $1 AND seq = 1`,
      [workspaceId],
    );
    await passDays(31.5);
    expect(await storedSeqs()).toEqual([1, 2, 3, 4, 5]);
    expect(await audit.verify(workspaceId)).toMatchObject({ ok: false, brokenAt: 1 });
  });

  it('cannot lose its beginning by another hand', async () => {
    const remove = (seq: number): Promise<unknown> =>
      platform.dataSource.query('DELETE FROM audit.entries WHERE workspace_id = $1 AND seq <= $2', [workspaceId, seq]);
    const [all, signed] = [await entries(), await checkpoints()];
    await remove(2);
    const unsaid = { brokenAt: 2, problem: 'the log begins after entry 2, and none says that it was cut' };
    expect(await audit.verify(workspaceId)).toMatchObject({ ok: false, ...unsaid });
    expect(await verifyOffline(all.slice(2), [])).toMatchObject({ problem: unsaid });
    await remove(3);
    const unsigned = { brokenAt: 4, problem: 'the log begins after entry 3, and no signed checkpoint is of that one' };
    expect(await audit.verify(workspaceId)).toMatchObject({ ok: false, ...unsigned });
    expect(await verifyOffline(all.slice(3), signed)).toMatchObject({ problem: unsigned });
    const another = { ...signed.at(-1), hash: '0'.repeat(64) };
    expect(await verifyOffline(all.slice(2), [another as AuditCheckpoint])).toMatchObject({
      problem: { problem: 'the checkpoint of entry 2 was altered' },
    });
  });

  it('lets no service delete an entry by itself, and only the control plane what was cut off', async () => {
    const rows: { role: string; deletes: boolean; removes: boolean }[] = await platform.dataSource.query(
      `SELECT role, has_table_privilege(role, 'audit.entries', 'DELETE') AS deletes,
         has_function_privilege(role, 'audit.remove_cut(int)', 'EXECUTE') AS removes
       FROM unnest(ARRAY['signet_enrollment', 'signet_verification', 'signet_redirect', 'signet_analytics']) AS role`,
    );
    expect(rows.filter(({ deletes }) => deletes)).toEqual([]);
    expect(rows.filter(({ removes }) => removes).map(({ role }) => role)).toEqual(['signet_enrollment']);
  });
});
