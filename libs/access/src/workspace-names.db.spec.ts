import { auditMigrations } from '@signet/audit';
import { newId } from '@signet/platform';
import { openTestDatabase, type TestDatabase } from '@signet/testing';
import { accessMigrations } from './access.migrations.js';
import { insertWorkspace } from './access.sql.js';
import { findWorkspaceName, UNNAMED_WORKSPACE } from './workspace-names.js';

// The embedded database has one user; only a server has roles to connect as.
const itOnServer = process.env['SIGNET_TEST_DATABASE_URL'] ? it : it.skip;

describe('the name of a workspace', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase([...auditMigrations, ...accessMigrations]);
  });
  afterAll(() => database.close());

  const create = async (name: string): Promise<string> => {
    const id = newId();
    await insertWorkspace(database.dataSource.manager, { id, name, at: new Date() });
    return id;
  };

  itOnServer('is all that the redirect may know of a workspace and its keys', async () => {
    const redirect = await database.as('signet_redirect');
    expect(await findWorkspaceName(redirect.manager, await create('Nordwind'))).toBe('Nordwind');
    await expect(redirect.query('SELECT quota_codes FROM access.workspaces')).rejects.toThrow('permission denied');
    await expect(redirect.query('SELECT id FROM access.api_keys')).rejects.toThrow('permission denied');
  });

  it('is none that nobody has given it, or of no workspace', async () => {
    const { manager } = database.dataSource;
    expect(await findWorkspaceName(manager, await create(UNNAMED_WORKSPACE))).toBeUndefined();
    expect(await findWorkspaceName(manager, newId())).toBeUndefined();
  });
});
