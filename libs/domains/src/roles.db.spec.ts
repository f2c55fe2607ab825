import { accessMigrations } from '@signet/access';
import { auditMigrations } from '@signet/audit';
import { newId } from '@signet/platform';
import { openTestDatabase, type TestDatabase } from '@signet/testing';
import type { DataSource } from 'typeorm';
import { readBrands, readLogo, readRevision, readSites } from './directory.sql.js';
import { newDomain } from './domain.js';
import { domainsMigrations } from './domains.migrations.js';
import { insertDomain } from './domains.sql.js';

// The embedded database has one user; only a server has roles to connect as.
const describeOnServer = process.env['SIGNET_TEST_DATABASE_URL'] ? describe : describe.skip;

describeOnServer('the roles of the services at domains and brands', () => {
  const appLinks = { ios: [{ appId: 'ABCDE12345.com.example.shop' }] };
  const domain = newDomain(
    { host: 'go.example', caseSensitive: true, appLinks },
    { workspaceId: newId(), at: new Date(), publicUrl: 'https://sgn.example', isProofNeeded: false },
  );
  let database: TestDatabase;
  let redirect: DataSource;
  beforeAll(async () => {
    database = await openTestDatabase([...auditMigrations, ...accessMigrations, ...domainsMigrations]);
    const enrollment = await database.as('signet_enrollment');
    await insertDomain(enrollment.manager, domain);
    redirect = await database.as('signet_redirect');
  });
  afterAll(() => database.close());

  it('let redirect read what its directories are made of', async () => {
    expect(await readSites(redirect.manager)).toMatchObject([{ id: domain.id, host: 'go.example', appLinks }]);
    expect(await readBrands(redirect.manager)).toEqual([]);
    expect(await readLogo(redirect.manager, newId(), 1)).toBeUndefined();
    expect(await readRevision(redirect.manager)).toBe('1');
  });

  it.each([
    'SELECT token FROM domains.domains',
    'UPDATE domains.domains SET is_active = true',
    'DELETE FROM domains.domains',
    'UPDATE domains.revision SET revision = 9',
    'INSERT INTO domains.logos SELECT * FROM domains.logos',
  ])('keep redirect from: %s', async (sql) => {
    await expect(redirect.query(sql)).rejects.toThrow('permission denied');
  });

  it('keep verification and analytics from both', async () => {
    for (const role of ['signet_verification', 'signet_analytics'] as const) {
      const other = await database.as(role);
      await expect(other.query('SELECT host FROM domains.domains')).rejects.toThrow('permission denied');
    }
  });
});
