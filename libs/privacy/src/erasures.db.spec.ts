import { newId } from '@signet/platform';
import { openTestDatabase, type TestDatabase } from '@signet/testing';
import { ErasedSubjects } from './erased-subjects.js';
import { findErasure, forgetOldHashes, insertErasure, markErased } from './erasures.sql.js';
import { privacyMigrations } from './privacy.migrations.js';

const requestedAt = new Date('2026-11-25T12:00:00Z');
const before = new Date('2026-11-25T11:59:59Z');
const after = new Date('2026-11-25T12:00:01Z');
// The embedded database has one user; only a server has roles to connect as.
const onServer = process.env['SIGNET_TEST_DATABASE_URL'] ? it : it.skip;

describe('subjects that were erased', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase(privacyMigrations);
  });
  afterAll(() => database.close());

  const erase = async (subject: string) => {
    const erasure = { id: newId(), workspaceId: newId(), subject, requestedAt, requestedBy: 'key:1' };
    await insertErasure(database.dataSource.manager, erasure, ['verifications', 'deliveries']);
    return erasure;
  };
  const among = (subjects: { workspaceId: string; subject: string }[]): Promise<ErasedSubjects> =>
    database.dataSource.transaction((manager) => ErasedSubjects.among(manager, subjects));

  it('are known by what happened before, in their own workspace, until the log has none of it', async () => {
    const { id, workspaceId, subject } = await erase('berta');
    const known = await among([{ workspaceId, subject }]);
    expect(known.erasureOf({ workspaceId, subject, at: before })).toBe(id);
    expect(known.erasureOf({ workspaceId, subject, at: after })).toBeUndefined();
    const elsewhere = newId();
    const other = await among([{ workspaceId: elsewhere, subject }]);
    expect(other.erasureOf({ workspaceId: elsewhere, subject, at: before })).toBeUndefined();
    expect(await forgetOldHashes(database.dataSource.manager, requestedAt)).toBe(0);
    expect(await forgetOldHashes(database.dataSource.manager, after)).toBeGreaterThan(0);
    const forgotten = await among([{ workspaceId, subject }]);
    expect(forgotten.erasureOf({ workspaceId, subject, at: before })).toBeUndefined();
  });

  it('are erased only after what was about to be stored is stored', async () => {
    const { workspaceId, subject } = await erase('cora');
    const order: string[] = [];
    let stored = (): void => {};
    const storing = database.dataSource.transaction(async (manager) => {
      await ErasedSubjects.among(manager, [{ workspaceId, subject }]);
      order.push('storing');
      await new Promise<void>((resolve) => (stored = resolve));
      order.push('stored');
    });
    while (order.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    // The embedded database has one connection, which does one after the other anyway.
    const erasing = database.dataSource.transaction(async (manager) => {
      await ErasedSubjects.hold(manager);
      order.push('erased');
    });
    stored();
    await Promise.all([storing, erasing]);
    expect(order).toEqual(['storing', 'stored', 'erased']);
  });

  it('count what each store did, and when it was through', async () => {
    const { id, workspaceId } = await erase('dora');
    const { manager } = database.dataSource;
    await markErased(manager, { erasureId: id, store: 'deliveries', records: 3 });
    await markErased(manager, { erasureId: id, store: 'deliveries', records: 2 }, after);
    await markErased(manager, { erasureId: id, store: 'deliveries', records: 0 }, new Date());
    expect((await findErasure(manager, workspaceId, id))?.stores).toEqual([
      { store: 'deliveries', records: 5, finishedAt: after },
      { store: 'verifications', records: 0, finishedAt: null },
    ]);
  });

  onServer('are known to analytics without their names', async () => {
    const { id, workspaceId, subject } = await erase('erna');
    const analytics = await database.as('signet_analytics');
    const known = await analytics.transaction((manager) => ErasedSubjects.among(manager, [{ workspaceId, subject }]));
    expect(known.erasureOf({ workspaceId, subject, at: before })).toBe(id);
    await markErased(analytics.manager, { erasureId: id, store: 'verifications', records: 1 }, after);
    await expect(analytics.query('SELECT subject FROM privacy.erasures')).rejects.toThrow('permission denied');
    await expect(analytics.query('DELETE FROM privacy.erasures')).rejects.toThrow('permission denied');
  });
});
