import { accessMigrations } from '@signet/access';
import { auditMigrations } from '@signet/audit';
import { CODE_SORTS, type CodeFilter, type CodeSort } from '@signet/contracts';
import { newId } from '@signet/platform';
import { openTestDatabase, type TestDatabase } from '@signet/testing';
import { codesMigrations } from '../codes.migrations.js';
import {
  countStatement,
  findIds,
  findInOrder,
  gatherStatement,
  searchCodes,
  walkStatement,
  type Search,
  type SearchPosition,
  type Statement,
} from './search.sql.js';

const CODES = 20_000;
const LIMIT = 51;
const at = new Date('2030-01-01T00:00:00Z');
const workspaceId = newId();

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase([...auditMigrations, ...accessMigrations, ...codesMigrations]);
  await database.dataSource.query(
    `INSERT INTO codes.codes (id, workspace_id, slug, slug_key, kind, state, version, target, title, tags, folder, campaign,
       owner, active_from, expires_at, expired_told, max_scans, scans_used, password_hash, domain, created_at, updated_at,
       created_by)
     SELECT gen_random_uuid(), $1::uuid, md5(n::text), CASE WHEN n % 90 = 0 THEN $1::uuid || '/' ELSE '' END || md5(n::text),
       CASE WHEN n % 100 < 96 THEN 'link' WHEN n % 200 < 198 THEN 'page' ELSE 'app' END,
       CASE WHEN n % 50 = 1 THEN 'paused' WHEN n % 50 = 2 THEN 'revoked' WHEN n % 50 = 3 THEN 'archived' ELSE 'active' END,
       1, jsonb_build_object('url', 'https://example.org/' || n), 'Poster ' || md5(n || 'title'),
       ARRAY['tag ' || n % 2, 'tag ' || n % 400], 'Region ' || n % 30 || '/Branch ' || n % 17, 'campaign ' || n % 300,
       'owner ' || n % 250, CASE WHEN n % 100 = 7 THEN timestamptz '2030-06-01' END,
       CASE WHEN n % 10 = 0 THEN timestamptz '2029-01-01' + n * interval '1 hour' END, n % 10 = 0 AND n < 8000,
       CASE WHEN n % 40 = 8 THEN 1 END, CASE WHEN n % 80 = 8 THEN 1 ELSE 0 END, CASE WHEN n % 100 = 9 THEN 'x' END,
       CASE WHEN n % 90 = 0 THEN 'go.example' END, timestamptz '2029-01-01' + n * interval '1 second',
       timestamptz '2029-06-01' + (n * 7919 % 20000) * interval '1 second', 'system'
     FROM generate_series(1, $2::int) AS n`,
    [workspaceId, CODES],
  );
  await database.dataSource.query('VACUUM ANALYZE codes.codes');
});
afterAll(() => database.close());

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  Plans?: Plan[];
}
const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

/** How PostgreSQL would read the codes: the names of the indexes, and `Seq Scan` for the whole table. */
async function waysOf({ sql, values }: Statement): Promise<string[]> {
  const [row]: { 'QUERY PLAN': [{ Plan: Plan }] }[] = await database.dataSource.query(
    `EXPLAIN (FORMAT JSON) ${sql}`,
    values,
  );
  const nodes = row ? nodesOf(row['QUERY PLAN'][0].Plan) : [];
  const scans = nodes.flatMap((node) => node['Index Name'] ?? (node['Relation Name'] ? node['Node Type'] : []));
  return [...new Set(scans)].filter((way) => way !== 'Bitmap Heap Scan');
}
const searchFor = (filter: CodeFilter, sort: CodeSort = '-createdAt'): Search => ({ workspaceId, filter, sort, at });

describe('the indexes of codes', () => {
  it.each<[CodeSort, string, string]>([
    ['createdAt', 'codes_by_creation', 'codes_by_phase'],
    ['-createdAt', 'codes_by_creation', 'codes_by_phase'],
    ['updatedAt', 'codes_by_update', 'codes_archived_by_update'],
    ['-updatedAt', 'codes_by_update', 'codes_archived_by_update'],
    ['title', 'codes_by_title', 'codes_archived_by_title'],
    ['-title', 'codes_by_title', 'codes_archived_by_title'],
    ['expiresAt', 'codes_by_expiry', 'codes_archived_by_expiry'],
  ])('have the order by %s in them, from the beginning and from a page’s end', async (sort, live, archived) => {
    expect(await waysOf(walkStatement(searchFor({}, sort), LIMIT))).toEqual([live]);
    expect(await waysOf(walkStatement(searchFor({ status: 'archived' }, sort), LIMIT))).toEqual([archived]);
    const key = sort === 'title' || sort === '-title' ? 'poster 7' : '2029-03-01T00:00:00.000001Z';
    const after: SearchPosition = { key, id: newId() };
    expect(await waysOf(walkStatement({ ...searchFor({}, sort), after }, LIMIT))).toEqual([live]);
  });

  // Values as few codes have them: those are what the order alone would not find.
  it.each<[CodeFilter, string]>([
    [{ q: 'poster c4ca42' }, 'codes_by_text'],
    [{ q: 'c4ca4238a0' }, 'codes_by_text'],
    [{ q: 'zq' }, 'codes_by_text'],
    [{ tag: 'tag 77' }, 'codes_tags_idx'],
    [{ tag: ['tag 1', 'tag 77'] }, 'codes_tags_idx'],
    [{ folder: 'Region 7' }, 'codes_by_folder'],
    [{ folder: 'Region 7/Branch 3' }, 'codes_by_folder'],
    [{ campaign: 'campaign 77' }, 'codes_by_campaign'],
    [{ owner: 'owner 77' }, 'codes_by_owner'],
    [{ kind: 'app' }, 'codes_by_kind'],
    [{ kind: 'signin' }, 'codes_by_kind'],
    [{ domain: 'go.example' }, 'codes_workspace_id_domain_created_at_id_idx'],
    [{ hasPassword: true }, 'codes_with_password'],
    [{ status: 'paused' }, 'codes_by_phase'],
    [{ status: 'revoked' }, 'codes_by_phase'],
    [{ status: 'exhausted' }, 'codes_by_phase'],
    [{ status: 'scheduled' }, 'codes_scheduled'],
    [{ expiresBefore: '2029-01-02T00:00:00.000Z' }, 'codes_by_expiry'],
    [{ createdFrom: '2029-01-01T00:10:00.000Z', createdTo: '2029-01-01T00:12:00.000Z' }, 'codes_by_creation'],
  ])('find the few with %j, in whatever order, and never by reading all', async (filter, index) => {
    for (const sort of ['title', '-updatedAt', 'createdAt'] as const) {
      const ways = await waysOf(gatherStatement(searchFor(filter, sort), LIMIT));
      expect([sort, ways]).toEqual([sort, expect.arrayContaining([index])]);
      expect(ways).not.toContain('Seq Scan');
    }
    expect(await waysOf(countStatement(searchFor(filter)))).toEqual([index]);
  });

  // What many have is met soon in any order, so it has none of its own.
  it.each<CodeFilter>([
    { status: 'active' },
    { status: 'expired' },
    { kind: 'link' },
    { hasPassword: false },
    { tag: 'tag 1' },
    { q: 'poster' },
  ])('are enough to find the many with %j', async (filter) => {
    for (const sort of CODE_SORTS)
      expect(await waysOf(walkStatement(searchFor(filter, sort), LIMIT))).not.toContain('Seq Scan');
  });
});

describe('a search', () => {
  const found = async (filter: CodeFilter, sort: CodeSort, limit = LIMIT): Promise<string[]> =>
    (await searchCodes(database.dataSource.manager, searchFor(filter, sort), limit)).map(({ code }) => code.id);
  const sorted = async (where: string, order: string): Promise<string[]> => {
    const rows: { id: string }[] = await database.dataSource.query(
      `SELECT id FROM codes.codes WHERE state <> 'archived' AND ${where} ORDER BY ${order} LIMIT ${LIMIT}`,
    );
    return rows.map(({ id }) => id);
  };

  // Met at a glance; few, wherever in the order; many, and none of them where one looks first; none.
  it.each<[CodeFilter, string]>([
    [{ tag: 'tag 1' }, `'tag 1' = ANY(tags)`],
    [{ campaign: 'campaign 299' }, `campaign = 'campaign 299'`],
    [{ createdFrom: '2029-01-01T03:00:00.000Z' }, `created_at >= '2029-01-01T03:00:00Z'`],
    [{ owner: 'nobody' }, 'false'],
  ])('for %j finds the same as sorting all that match would', async (filter, where) => {
    expect(await found(filter, 'createdAt')).toEqual(await sorted(where, 'created_at, id'));
    expect(await found(filter, '-updatedAt')).toEqual(await sorted(where, 'updated_at DESC, id DESC'));
    expect(await found(filter, 'title')).toEqual(await sorted(where, 'lower(title), id'));
  });

  it('that goes through all codes with something sees each once, in pages of any size', async () => {
    const filter: CodeFilter = { folder: 'Region 7' };
    const search = { workspaceId, filter, at };
    const seen: string[] = [];
    let after: SearchPosition | undefined;
    do {
      const page = await findInOrder(database.dataSource.manager, { ...search, after }, 100);
      seen.push(...page.map(({ code }) => code.id));
      after = page.at(-1)?.position;
    } while (after);
    const ids = await findIds(database.dataSource.manager, search, CODES);
    expect(seen).toEqual(ids.map(({ id }) => id));
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBeGreaterThan(600);
  });
});
