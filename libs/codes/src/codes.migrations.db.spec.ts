import { accessMigrations } from '@signet/access';
import { auditMigrations } from '@signet/audit';
import { newId } from '@signet/platform';
import { openTestDatabase, type TestDatabase } from '@signet/testing';
import { findUsedUp, markUsedUp } from './endings.sql.js';
import { codesMigrations } from './codes.migrations.js';
import { fieldsAt } from './versions.js';

describe('the lifecycle comes to a database of the first release', () => {
  const [first, ...later] = codesMigrations;
  const id = newId();
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase([...auditMigrations, ...accessMigrations, ...(first ? [first] : [])]);
    const { dataSource } = database;
    await dataSource.query(
      `INSERT INTO codes.codes (id, workspace_id, slug, slug_key, kind, state, version, target, title, tags, max_scans,
                                scans_used, created_at, updated_at, created_by)
       VALUES ($1, $2, 'menu', 'menu', 'link', 'active', 2, '{"url": "https://example.org/b"}', 'Menu', '{}', 1, 1,
               '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z', 'system')`,
      [id, newId()],
    );
    await dataSource.query(
      `INSERT INTO codes.versions (code_id, version, at, by, action, changes)
       VALUES ($1, 1, '2026-01-01T00:00:00Z', 'system', 'created',
               '[{"field": "target", "from": null, "to": {"url": "https://example.org/a"}},
                 {"field": "title", "from": null, "to": "Menu"}, {"field": "maxScans", "from": null, "to": 1}]'),
              ($1, 2, '2026-01-02T00:00:00Z', 'system', 'updated',
               '[{"field": "target", "from": {"url": "https://example.org/a"}, "to": {"url": "https://example.org/b"}}]')`,
      [id],
    );
    const runner = dataSource.createQueryRunner();
    for (const Migration of later) await new Migration().up(runner);
    await runner.release();
  });
  afterAll(() => database.close());

  it('and its versions can be restored from their changes', async () => {
    const { manager } = database.dataSource;
    const fields = { title: 'Menu', tags: [], folder: null, expiresAt: null, maxScans: 1, claimMode: null };
    expect(await fieldsAt(manager, id, 1)).toMatchObject({ ...fields, target: { url: 'https://example.org/a' } });
    expect(await fieldsAt(manager, id, 2)).toMatchObject({ ...fields, target: { url: 'https://example.org/b' } });
  });

  it('and what was used up before is told of once', async () => {
    const { manager } = database.dataSource;
    expect(await findUsedUp(manager, 10)).toEqual([id]);
    expect(await markUsedUp(manager, [id])).toMatchObject([{ endedAt: new Date('2026-01-02T00:00:00Z') }]);
    expect(await findUsedUp(manager, 10)).toEqual([]);
  });
});
