import { accessMigrations } from '@signet/access';
import { auditMigrations } from '@signet/audit';
import { openTestDatabase, type TestDatabase } from '@signet/testing';
import type { DataSource } from 'typeorm';
import { ClaimArbiter } from './claim-arbiter.js';
import { storedCode } from './codes.fixture.js';
import { codesMigrations } from './codes.migrations.js';
import { codeBelongsTo, findEntryByKey, insertCode } from './codes.sql.js';
import {
  countLabelledCodes,
  findLabelledCodes,
  labelsOfCodes,
  readLabelVersions,
  type Labels,
} from './labelled-codes.sql.js';
import { markUsedUp } from './endings.sql.js';

// The embedded database has one user; only a server has roles to connect as.
const describeOnServer = process.env['SIGNET_TEST_DATABASE_URL'] ? describe : describe.skip;

describeOnServer('the roles of the services', () => {
  const code = storedCode({ maxScans: 2 });
  let database: TestDatabase;
  let redirect: DataSource;
  let analytics: DataSource;
  beforeAll(async () => {
    database = await openTestDatabase([...auditMigrations, ...accessMigrations, ...codesMigrations]);
    await insertCode(database.dataSource.manager, code);
    redirect = await database.as('signet_redirect');
    analytics = await database.as('signet_analytics');
  });
  afterAll(() => database.close());

  it('let redirect find a code and decide a claim', async () => {
    expect(await findEntryByKey(redirect.manager, code.slugKey)).toMatchObject({ snapshot: { id: code.id }, used: 0 });
    const claim = { codeId: code.id, at: new Date(), nonceHash: 'a'.repeat(64) };
    const arbiter = new ClaimArbiter(redirect);
    expect(await arbiter.claim(claim)).toMatchObject({ outcome: 'claimed', used: 1 });
    expect(await arbiter.claim(claim)).toMatchObject({ outcome: 'repeated', used: 1 });
  });

  it.each([
    'SELECT title FROM codes.codes',
    'SELECT created_by FROM codes.codes',
    "UPDATE codes.codes SET state = 'active'",
    'UPDATE codes.codes SET max_scans = 1000',
    'UPDATE codes.codes SET exhausted_told = true',
    'DELETE FROM codes.codes',
    'DELETE FROM codes.uses',
    'UPDATE codes.uses SET use_no = 9',
    'SELECT changes FROM codes.versions',
    'SELECT code_id FROM codes.unpropagated',
    'SELECT key_hash FROM access.api_keys',
    'SELECT record FROM audit.entries',
    'SELECT payload FROM outbox.events',
  ])('keep redirect from: %s', async (sql) => {
    await expect(redirect.query(sql)).rejects.toThrow('permission denied');
  });

  it('let enrollment tell of a code that is used up, and change no use', async () => {
    const enrollment = await database.as('signet_enrollment');
    const usedUp = storedCode({ maxScans: 1 });
    await insertCode(enrollment.manager, usedUp);
    const at = new Date('2099-01-01T00:00:00.000Z');
    await new ClaimArbiter(redirect).claim({ codeId: usedUp.id, at });
    const told = await markUsedUp(enrollment.manager, [usedUp.id]);
    expect(told).toMatchObject([{ code: { id: usedUp.id, scansUsed: 1 }, endedAt: at }]);
    await expect(enrollment.query('DELETE FROM codes.uses')).rejects.toThrow('permission denied');
    await expect(enrollment.query('SELECT target_url FROM codes.uses')).rejects.toThrow('permission denied');
  });

  it('let analytics ask whose a code is', async () => {
    expect(await codeBelongsTo(analytics.manager, code.workspaceId, code.id)).toBe(true);
  });

  it('let analytics find codes by their labels, archived ones too', async () => {
    const labels = { tags: ['print', 'food'], folder: 'Shop/Winter', campaign: 'spring' };
    const [live, archived] = [storedCode(labels), storedCode({ ...labels, state: 'archived' })];
    const { workspaceId } = live;
    for (const one of [live, { ...archived, workspaceId }]) await insertCode(database.dataSource.manager, one);
    const find = async (wanted: Labels) =>
      (await findLabelledCodes(analytics.manager, { workspaceId, limit: 10, ...wanted })).toSorted();
    const both = [live.id, archived.id].toSorted();
    expect(await find({ tag: 'food', folder: 'Shop', campaign: 'spring' })).toEqual(both);
    expect(await find({ folder: 'Shop/Winter' })).toEqual(both);
    expect(await find({ folder: 'Sho' })).toEqual([]);
    expect(await find({ domain: 'go.example' })).toEqual([]);
    expect(await findLabelledCodes(analytics.manager, { workspaceId, tag: 'food', limit: 1 })).toHaveLength(1);
  });

  it('let analytics count codes by their labels, each of which finds its codes', async () => {
    const first = storedCode({ tags: ['print', 'food', 'food'], folder: 'Shop/Winter', campaign: 'spring' });
    const { workspaceId } = first;
    const second = { ...storedCode({ folder: 'Shop', state: 'archived' }), workspaceId };
    for (const one of [first, second]) await insertCode(database.dataSource.manager, one);
    const rows: { code_id: string; kind: string; value: string }[] = await analytics.query(labelsOfCodes, [
      workspaceId,
    ]);
    const labels = [...new Set(rows.map(({ kind, value }) => `${kind} ${value}`))].toSorted();
    expect(labels).toEqual(['campaign spring', 'folder Shop', 'folder Shop/Winter', 'tag food', 'tag print']);
    for (const label of labels) {
      const [kind = '', value] = label.split(' ');
      const having = rows.filter((row) => row.kind === kind && row.value === value).map((row) => row.code_id);
      const wanted = { workspaceId, [kind]: value };
      expect(having.toSorted()).toEqual(
        (await findLabelledCodes(analytics.manager, { ...wanted, limit: 10 })).toSorted(),
      );
      expect((await countLabelledCodes(analytics.manager, wanted)).codes).toBe(having.length);
    }
  });

  it('let analytics see that a label has changed', async () => {
    const printed = storedCode({ tags: ['print'] });
    const { manager } = database.dataSource;
    await insertCode(manager, printed);
    const version = async () =>
      (await readLabelVersions(analytics.manager, 1)).find(({ workspaceId }) => workspaceId === printed.workspaceId)
        ?.version;
    const before = await version();
    expect(await version()).toBe(before);
    await manager.query(`UPDATE codes.codes SET campaign = 'spring' WHERE id = $1`, [printed.id]);
    expect(await version()).not.toBe(before);
  });

  it.each([
    'SELECT slug FROM codes.codes',
    'SELECT title FROM codes.codes',
    'SELECT target FROM codes.codes',
    'SELECT use_no FROM codes.uses',
  ])('keep analytics from: %s', async (sql) => {
    await expect(analytics.query(sql)).rejects.toThrow('permission denied');
  });

  it('keep verification from codes', async () => {
    const verification = await database.as('signet_verification');
    await expect(verification.query('SELECT id FROM codes.codes')).rejects.toThrow('permission denied');
  });
});
