import { randomBytes } from 'node:crypto';
import { accessMigrations } from '@signet/access';
import { auditMigrations } from '@signet/audit';
import { newId } from '@signet/platform';
import { openTestDatabase, type TestDatabase } from '@signet/testing';
import type { DataSource } from 'typeorm';
import { ContentGrants } from './content-grants.js';
import { filesMigrations } from './files.migrations.js';
import { findFile, insertFile, keepFile, lockFile } from './files.sql.js';
import { adoptLooseObject, doomOverdueObjects, insertLooseObject } from './loose-objects.sql.js';
import { storeFileUses } from './uses.sql.js';

// The embedded database has one user; only a server has roles to connect as.
const describeOnServer = process.env['SIGNET_TEST_DATABASE_URL'] ? describe : describe.skip;

describeOnServer('the roles of the services', () => {
  const at = '2026-11-24T12:00:00.000Z';
  const file = {
    id: newId(),
    workspaceId: newId(),
    objectId: newId(),
    name: 'a.pdf',
    contentType: 'application/pdf',
    bytes: 3,
    sha256: randomBytes(32).toString('hex'),
    revision: 1,
    createdAt: at,
    updatedAt: at,
    createdBy: 'key',
  };
  let database: TestDatabase;
  let redirect: DataSource;
  beforeAll(async () => {
    database = await openTestDatabase([...auditMigrations, ...accessMigrations, ...filesMigrations]);
    redirect = await database.as('signet_redirect');
  });
  afterAll(() => database.close());

  it('let the control plane keep files, uses and loose objects', async () => {
    const { manager } = await database.as('signet_enrollment');
    await insertFile(manager, file);
    expect(await lockFile(manager, file)).toEqual(file);
    expect(await keepFile(manager, file)).toBe('application/pdf');
    await storeFileUses(manager, [{ codeId: newId(), fileIds: [file.id] }]);
    const id = newId();
    await insertLooseObject(manager, { id, removeAfter: new Date(at) });
    expect(await doomOverdueObjects(manager, { at: new Date(at), limit: 5 })).toEqual([id]);
    expect(await adoptLooseObject(manager, id)).toBe(false);
  });

  it('let redirect find a file, and sign that somebody was let in', async () => {
    expect(await findFile(redirect.manager, file)).toEqual(file);
    const grants = new ContentGrants(redirect);
    const granted = { codeId: newId(), fileId: file.id };
    const grant = await grants.issue(granted, new Date());
    expect(await new ContentGrants(redirect).allows(grant, granted, new Date())).toBe(true);
  });

  it.each([
    "UPDATE files.files SET name = 'b'",
    'DELETE FROM files.files',
    'SELECT code_id FROM files.uses',
    'SELECT id FROM files.loose_objects',
    'UPDATE files.grant_keys SET day = now()',
  ])('keep redirect from: %s', async (sql) => {
    await expect(redirect.query(sql)).rejects.toThrow('permission denied');
  });

  it('keep verification and analytics from files', async () => {
    for (const role of ['signet_verification', 'signet_analytics'] as const) {
      const other = await database.as(role);
      await expect(other.query('SELECT id FROM files.files')).rejects.toThrow('permission denied');
    }
  });
});
