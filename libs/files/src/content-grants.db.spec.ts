import { newId } from '@signet/platform';
import { openTestDatabase, type TestDatabase } from '@signet/testing';
import { accessMigrations } from '@signet/access';
import { auditMigrations } from '@signet/audit';
import { ContentGrants, GRANT_SECONDS } from './content-grants.js';
import { filesMigrations } from './files.migrations.js';

const SECOND = 1000;
const DAY = 24 * 3600 * SECOND;

describe('ContentGrants', () => {
  const at = new Date('2026-11-24T23:55:00Z');
  const granted = { codeId: newId(), fileId: newId(), passwordHash: '$argon2id$a' };
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase([...auditMigrations, ...accessMigrations, ...filesMigrations]);
  });
  afterAll(() => database.close());
  beforeEach(() => database.dataSource.query('DELETE FROM files.grant_keys'));

  const newGrants = (): ContentGrants => new ContentGrants(database.dataSource);
  const later = (milliseconds: number): Date => new Date(at.getTime() + milliseconds);

  it('are honoured by every process until their time is over, also beyond midnight', async () => {
    const grant = await newGrants().issue(granted, at);
    for (const grants of [newGrants(), newGrants()]) {
      expect(await grants.allows(grant, granted, at)).toBe(true);
      expect(await grants.allows(grant, granted, later((GRANT_SECONDS - 1) * SECOND))).toBe(true);
      expect(await grants.allows(grant, granted, later(GRANT_SECONDS * SECOND))).toBe(false);
    }
  });

  it('let nobody in to another code, file or password', async () => {
    const grants = newGrants();
    const grant = await grants.issue(granted, at);
    for (const other of [
      { codeId: newId() },
      { fileId: newId() },
      { passwordHash: '$argon2id$b' },
      { passwordHash: undefined },
    ])
      expect(await grants.allows(grant, { ...granted, ...other }, at)).toBe(false);
  });

  it('cannot be made up, prolonged or cut', async () => {
    const grants = newGrants();
    const grant = await grants.issue(granted, at);
    const [until = '', signature = ''] = grant.split('.');
    const made = [
      `${Number(until) - 1}.${signature}`,
      `${Number(until) + DAY}.${signature}`,
      `${until}.${'A'.repeat(43)}`,
      `${until}.`,
      grant.slice(0, -1),
      '',
      undefined,
    ];
    for (const other of made) expect(await grants.allows(other, granted, at)).toBe(false);
  });

  it('end for good when their key is deleted, two days later', async () => {
    await newGrants().issue(granted, at);
    await newGrants().issue(granted, later(3 * DAY));
    const rows: { day: string }[] = await database.dataSource.query('SELECT day::text AS day FROM files.grant_keys');
    expect(rows).toEqual([{ day: '2026-11-28' }]);
  });
});
