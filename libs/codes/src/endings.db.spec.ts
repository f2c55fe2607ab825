import { AccessModule, accessMigrations } from '@signet/access';
import { AuditModule, auditMigrations } from '@signet/audit';
import { CodeEventDataSchema, type Code, type CodeStatus } from '@signet/contracts';
import { OutboxRelay } from '@signet/platform';
import { createTestApp, openTestPlatform, testLogger, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DataSource } from 'typeorm';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClaimArbiter } from './claim-arbiter.js';
import { CodeEndings } from './code-endings.js';
import { CodesOf } from './codes.fixture.js';
import { codesMigrations } from './codes.migrations.js';
import { CodesModule } from './codes.module.js';
import { findExpired, findUsedUp } from './endings.sql.js';

const INSTANCES = 3;
const isServer = process.env['SIGNET_TEST_DATABASE_URL'] !== undefined;

let platform: TestPlatform;
let app: NestFastifyApplication;
let codes: CodesOf;
let arbiter: ClaimArbiter;
let sources: DataSource[];
/** Those of other processes; the app's own runs, too. */
let instances: CodeEndings[];
beforeAll(async () => {
  platform = await openTestPlatform([...auditMigrations, ...accessMigrations, ...codesMigrations]);
  app = await createTestApp(platform, [AuditModule, AccessModule, CodesModule]);
  arbiter = new ClaimArbiter(platform.dataSource);
  // The embedded run is one process with one pool.
  sources = await Promise.all(
    Array.from({ length: isServer ? INSTANCES : 0 }, () => new DataSource(platform.dataSource.options).initialize()),
  );
  const { clock, config } = platform;
  instances = Array.from(
    { length: INSTANCES },
    (_, index) =>
      new CodeEndings(sources[index] ?? platform.dataSource, clock, config, app.get(OutboxRelay), testLogger()),
  );
});
beforeEach(() => {
  codes = new CodesOf(app);
});
afterAll(async () => {
  await app.close();
  for (const source of sources) await source.destroy();
  await platform.close();
});

const inSeconds = (seconds: number): string => new Date(platform.clock.now().getTime() + seconds * 1000).toISOString();
const claim = (codeId: string) => arbiter.claim({ codeId, at: platform.clock.now() });

/** All instances at once, as often as it takes until nothing is due, also not what the app's own is busy with. */
async function tellAll(): Promise<void> {
  const { manager } = platform.dataSource;
  do await Promise.all(instances.map((instance) => instance.tell()));
  while ([await findUsedUp(manager, 1), await findExpired(manager, platform.clock.now(), 1)].flat().length > 0);
}
interface Told {
  codeId: string;
  type: string;
  status: CodeStatus;
  time: string;
}
async function endingsOf(...ids: string[]): Promise<Told[]> {
  const rows: { aggregateid: string; type: string; payload: unknown; timestamp: Date }[] =
    await platform.dataSource.query(
      `SELECT aggregateid, type, payload, timestamp FROM outbox.events
       WHERE aggregateid = ANY($1) AND type IN ('code.expired', 'code.exhausted') ORDER BY tx, position`,
      [ids],
    );
  return rows.map(({ aggregateid: codeId, type, payload, timestamp }) => {
    const { status } = CodeEventDataSchema.parse(payload);
    return { codeId, type, status, time: timestamp.toISOString() };
  });
}

describe('the end of a code', () => {
  it('by its time is told once by three instances, with that time, and nobody scanned', async () => {
    const expiresAt = inSeconds(60);
    const made: Code[] = [];
    while (made.length < 500)
      made.push(...(await Promise.all(Array.from({ length: 50 }, () => codes.create({ expiresAt })))));
    const lasting = await codes.create({ expiresAt: inSeconds(61) });
    const ids = made.map(({ id }) => id);
    platform.clock.advance(59_999);
    await tellAll();
    expect(await endingsOf(...ids)).toEqual([]);
    platform.clock.advance(1);
    await tellAll();
    platform.clock.advance(1);
    await tellAll();
    const told = await endingsOf(...ids, lasting.id);
    expect(told.map(({ codeId }) => codeId).toSorted()).toEqual(ids.toSorted());
    for (const one of told) expect(one).toMatchObject({ type: 'code.expired', status: 'expired', time: expiresAt });
    expect((await codes.get(ids[0] ?? '')).version).toBe(1);
  });

  it('by its last use is told once, with the time of that use', async () => {
    const { id } = await codes.create({ maxScans: 2 });
    await claim(id);
    await tellAll();
    expect(await endingsOf(id)).toEqual([]);
    platform.clock.advance(1000);
    await Promise.all([claim(id), claim(id), claim(id)]);
    const time = inSeconds(0);
    platform.clock.advance(1000);
    await tellAll();
    await tellAll();
    expect(await endingsOf(id)).toEqual([{ codeId: id, type: 'code.exhausted', status: 'exhausted', time }]);
  });

  it('is told by the service itself within a few seconds', async () => {
    const { id } = await codes.create({ expiresAt: inSeconds(0) });
    while ((await endingsOf(id)).length === 0) await sleep(20);
    expect(await endingsOf(id)).toHaveLength(1);
  });

  it('by an edit is told with the time of the edit', async () => {
    const { id } = await codes.create({ maxScans: 3 });
    await claim(id);
    platform.clock.advance(1000);
    await codes.update(id, { maxScans: 1 });
    const time = inSeconds(0);
    const { id: other } = await codes.create();
    await codes.update(other, { expiresAt: inSeconds(-3600) });
    await tellAll();
    expect(await endingsOf(id)).toMatchObject([{ type: 'code.exhausted', time }]);
    expect(await endingsOf(other)).toMatchObject([{ type: 'code.expired', time }]);
  });

  it('in both ways is told as it went, the lasting status last', async () => {
    const { id } = await codes.create({ maxScans: 1, expiresAt: inSeconds(5) });
    await claim(id);
    platform.clock.advance(5000);
    await tellAll();
    expect((await endingsOf(id)).map(({ type, status }) => [type, status])).toEqual([
      ['code.exhausted', 'exhausted'],
      ['code.expired', 'expired'],
    ]);
  });

  it('is told again when an edit reopened the code and it ended again, and after no other edit', async () => {
    const { id } = await codes.create({ maxScans: 1, expiresAt: inSeconds(5) });
    const types = async (): Promise<string[]> => (await endingsOf(id)).map(({ type }) => type);
    await claim(id);
    platform.clock.advance(5000);
    await tellAll();
    await codes.update(id, { title: 'over', expiresAt: inSeconds(-1) });
    await tellAll();
    expect(await types()).toEqual(['code.exhausted', 'code.expired']);
    await codes.update(id, { maxScans: 2, expiresAt: inSeconds(5) });
    await tellAll();
    expect(await types()).toHaveLength(2);
    await claim(id);
    await tellAll();
    expect(await types()).toEqual(['code.exhausted', 'code.expired', 'code.exhausted']);
    platform.clock.advance(5000);
    await tellAll();
    expect(await types()).toEqual(['code.exhausted', 'code.expired', 'code.exhausted', 'code.expired']);
    await codes.update(id, { maxScans: null, expiresAt: null });
    await tellAll();
    expect(await types()).toHaveLength(4);
  });

  it('of a paused code is told when it is resumed, of a revoked or archived one never', async () => {
    const expiresAt = inSeconds(5);
    const all = await Promise.all(['pause', 'revoke', 'archive'].map(() => codes.create({ expiresAt })));
    const [paused = '', revoked = '', archived = ''] = all.map(({ id }) => id);
    await codes.pause(paused);
    await codes.revoke(revoked);
    await codes.archive(archived);
    platform.clock.advance(6000);
    await tellAll();
    expect(await endingsOf(paused, revoked, archived)).toEqual([]);
    await codes.resume(paused);
    const time = inSeconds(0);
    await tellAll();
    expect(await endingsOf(paused, revoked, archived)).toEqual([
      { codeId: paused, type: 'code.expired', status: 'expired', time },
    ]);
  });

  it('that is reached while the limit changes is told for as often as it lasts', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { id } = await codes.create({ maxScans: 20 });
      await Promise.all([
        ...Array.from({ length: 30 }, () => claim(id)),
        codes.update(id, { maxScans: 35 }),
        codes.update(id, { maxScans: 40 }),
        tellAll(),
      ]);
      while ((await claim(id)).outcome !== 'refused');
      await tellAll();
      const [row]: { used_up: boolean; told: boolean }[] = await platform.dataSource.query(
        'SELECT used_up, exhausted_told AS told FROM codes.codes WHERE id = $1',
        [id],
      );
      expect([(await codes.get(id)).status, row]).toEqual(['exhausted', { used_up: true, told: true }]);
      const told = await endingsOf(id);
      expect(told.at(-1)).toMatchObject({ type: 'code.exhausted', status: 'exhausted' });
      expect(told.length).toBeLessThanOrEqual(3);
    }
  });

  it.each([
    ['expires_at <= now()', 'ORDER BY expires_at', 'NOT expired_told', 'codes_expiring'],
    ['used_up', 'ORDER BY id', 'NOT exhausted_told', 'codes_used_up'],
  ])('is looked for where %s in an index of what is due alone', async (due, order, untold, index) => {
    const plan: object[] = await platform.dataSource.query(
      `EXPLAIN SELECT id FROM codes.codes WHERE state = 'active' AND ${untold} AND ${due} ${order} LIMIT 200`,
    );
    expect(JSON.stringify(plan)).toContain(index);
    expect(JSON.stringify(plan)).not.toContain('Seq Scan');
  });
});
