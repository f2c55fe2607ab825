import { normalizeHost, type CodeFilter, type CodeSort, type CodeStatus } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import { COLUMNS, toStoredCode, type CodeRow } from '../codes.sql.js';
import type { StoredCode } from '../code.js';
import { EXPIRY_KEY, SEARCHED_TEXT, TITLE_KEY } from './organising.migrations.js';

/** Where a page ends: the last code's sort key, as text, and id. */
export interface SearchPosition {
  key: string;
  id: string;
}
export interface Search {
  workspaceId: string;
  filter: CodeFilter;
  sort: CodeSort;
  after?: SearchPosition | undefined;
  at: Date;
}
export interface FoundCode {
  code: StoredCode;
  position: SearchPosition;
}

/** How far a list is read in its order before what is looked for counts as rare: some 10 ms. */
const WALK = 10_000;
const COUNTED_UP_TO = 10_000;

/** Columns that conditions use beyond those that are read. */
const FILTER_COLUMNS = 'phase';

interface Order {
  key: string;
  type: 'timestamptz' | 'text';
  direction: 'ASC' | 'DESC';
  compare: '<' | '>';
}
const KEYS = {
  createdAt: ['created_at', 'timestamptz'],
  updatedAt: ['updated_at', 'timestamptz'],
  title: [TITLE_KEY, 'text'],
  expiresAt: [EXPIRY_KEY, 'timestamptz'],
} as const;

function orderOf(sort: CodeSort): Order {
  const isDescending = sort.startsWith('-');
  const [name] = CODE_KEYS.filter((one) => sort.endsWith(one));
  const [key, type] = KEYS[name ?? 'createdAt'];
  return { key, type, direction: isDescending ? 'DESC' : 'ASC', compare: isDescending ? '<' : '>' };
}
const CODE_KEYS = ['createdAt', 'updatedAt', 'title', 'expiresAt'] as const;

/** A condition with a `?` for each of its values. */
interface Condition {
  sql: string;
  values: readonly { value: unknown; type: string }[];
  /** Whether an index has the codes that meet it in the order of creation. */
  isOrdered: boolean;
}

const when = (sql: string, values: Condition['values'] = []): Condition => ({ sql, values, isOrdered: false });
const inOrder = (sql: string, values: Condition['values'] = []): Condition => ({ sql, values, isOrdered: true });
const text = (value: string) => ({ value, type: 'text' });
const time = (value: string | Date) => ({ value, type: 'timestamptz' });

/** Values of a statement, numbered as they come. */
class Parameters {
  readonly values: unknown[] = [];

  all(conditions: readonly Condition[]): string {
    return conditions.length === 0 ? 'true' : conditions.map((condition) => this.one(condition)).join(' AND ');
  }

  private one({ sql, values }: Condition): string {
    const [first = '', ...others] = sql.split('?');
    return others.reduce((joined, part, index) => {
      const given = values[index];
      if (given === undefined) throw new Error(`no value for ${sql}`);
      this.values.push(given.value);
      return `${joined}$${this.values.length}::${given.type}${part}`;
    }, first);
  }
}

export interface Statement {
  sql: string;
  values: unknown[];
}

/**
 * Codes in their order, after `after`. Two ways of finding them are each fast where the other is slow. Reading the list in
 * its order and leaving out what does not match is fast when many match; collecting all that match by the indexes of the
 * filters and sorting them is fast when few do. Which it is, nobody knows before (statistics say nothing of values
 * together, nor of where in the order they are), so the first way is tried up to a limit, and the second taken when it
 * has not filled the page by then.
 */
export async function searchCodes(manager: EntityManager, search: Search, limit: number): Promise<FoundCode[]> {
  const near = await read(manager, walkStatement(search, limit));
  if (near.length === limit || !hasFilter(search) || (await endsWithinWalk(manager, search))) return near;
  return read(manager, gatherStatement(search, limit));
}

/** The first way: the list in its order, up to `WALK` codes of it. */
export function walkStatement(search: Search, limit: number): Statement {
  const parameters = new Parameters();
  const { key } = orderOf(search.sort);
  const { base, rest } = splitConditions(search);
  const sql = `SELECT ${COLUMNS}, sort_key FROM (
       SELECT ${COLUMNS}, ${FILTER_COLUMNS}, ${key} AS sort_key FROM codes.codes
       WHERE ${parameters.all(base)} ORDER BY ${orderBy(search.sort, key)} LIMIT ${WALK}
     ) AS list WHERE ${parameters.all(rest)}
     ORDER BY ${orderBy(search.sort, 'sort_key')} LIMIT ${limit}`;
  return { sql, values: parameters.values };
}

/** The second way: everything that matches, whichever indexes find it fastest, and then its order. */
export function gatherStatement(search: Search, limit: number): Statement {
  const parameters = new Parameters();
  const { key } = orderOf(search.sort);
  const { base, rest } = splitConditions(search);
  const sql = `WITH found AS MATERIALIZED (
       SELECT id, ${key} AS sort_key FROM codes.codes WHERE ${parameters.all([...base, ...rest])}
     ), page AS MATERIALIZED (SELECT id, sort_key FROM found ORDER BY ${orderBy(search.sort, 'sort_key')} LIMIT ${limit})
     SELECT ${COLUMNS}, sort_key FROM page JOIN codes.codes USING (id) ORDER BY ${orderBy(search.sort, 'sort_key')}`;
  return { sql, values: parameters.values };
}

/** @returns whether the list is over before the first way gives up */
async function endsWithinWalk(manager: EntityManager, search: Search): Promise<boolean> {
  const parameters = new Parameters();
  const { key } = orderOf(search.sort);
  const { base } = splitConditions(search);
  const rows: unknown[] = await manager.query(
    `SELECT 1 FROM codes.codes WHERE ${parameters.all(base)} ORDER BY ${orderBy(search.sort, key)} OFFSET ${WALK - 1} LIMIT 1`,
    parameters.values,
  );
  return rows.length === 0;
}

/** @returns how many match, wherever in the order; at most one more than are counted */
export async function countCodes(manager: EntityManager, search: Omit<Search, 'after' | 'sort'>): Promise<number> {
  const { sql, values } = countStatement(search);
  const [row]: { count: number }[] = await manager.query(sql, values);
  return row?.count ?? 0;
}

export function countStatement(search: Omit<Search, 'after' | 'sort'>): Statement {
  const parameters = new Parameters();
  const { base, rest } = splitConditions({ ...search, sort: 'createdAt' });
  const matching = `SELECT 1 FROM codes.codes WHERE ${parameters.all([...base, ...rest])} LIMIT ${COUNTED_UP_TO + 1}`;
  return { sql: `SELECT count(*)::int AS count FROM (${matching}) AS counted`, values: parameters.values };
}

/** `count` as it is told. */
export const toCount = (count: number): { value: number; isExact: boolean } => ({
  value: Math.min(count, COUNTED_UP_TO),
  isExact: count <= COUNTED_UP_TO,
});

/** Ids of codes in the order of creation, after `after`. */
export async function findIds(
  manager: EntityManager,
  { workspaceId, filter, at, after }: Omit<Search, 'sort'>,
  limit: number,
): Promise<SearchPosition[]> {
  const search: Search = { workspaceId, filter, at, after, sort: 'createdAt' };
  const parameters = new Parameters();
  const { base, rest } = splitConditions(search);
  const rows: { id: string; sort_key: Date }[] = await manager.query(
    `SELECT id, created_at AS sort_key FROM codes.codes WHERE ${parameters.all([...base, ...rest])} ORDER BY created_at, id LIMIT ${limit}`,
    parameters.values,
  );
  return rows.map(({ id, sort_key: key }) => ({ id, key: toKey(key) }));
}

const orderBy = (sort: CodeSort, key: string): string => {
  const { direction } = orderOf(sort);
  return `${key} ${direction}, id ${direction}`;
};

async function read(manager: EntityManager, { sql, values }: Statement): Promise<FoundCode[]> {
  const rows: (CodeRow & { sort_key: Date | number | string })[] = await manager.query(sql, values);
  return rows.map(({ sort_key: key, ...row }) => ({
    code: toStoredCode(row),
    position: { key: toKey(key), id: row.id },
  }));
}

/** As PostgreSQL reads it back; the driver gives 'infinity' as a number. */
function toKey(key: Date | number | string): string {
  if (key instanceof Date) return key.toISOString();
  return typeof key === 'number' ? 'infinity' : key;
}

const hasFilter = ({ filter }: Search): boolean => Object.values(filter).some((value) => value !== undefined);

/**
 * @returns what bounds the list that is read in its order, and what is looked for in it. In the order of creation the
 * list may be that of one campaign, say: then one filter is met by all of it.
 */
function splitConditions(search: Search): { base: Condition[]; rest: Condition[] } {
  const { workspaceId, filter, after } = search;
  const { key, type, compare } = orderOf(search.sort);
  const base: Condition[] = [when('workspace_id = ?', [{ value: workspaceId, type: 'uuid' }])];
  if (filter.status !== 'archived') base.push(when(`state <> 'archived'`));
  if (after) {
    const position = [
      { value: after.key, type },
      { value: after.id, type: 'uuid' },
    ];
    base.push(when(`(${key}, id) ${compare} (?, ?)`, position));
  }
  const conditions = conditionsOf(search);
  const bounds = creationBounds(filter);
  if (!search.sort.endsWith('createdAt')) return { base, rest: [...conditions, ...bounds] };
  const ordered = conditions.find(({ isOrdered }) => isOrdered);
  const rest = conditions.filter((condition) => condition !== ordered);
  return { base: [...base, ...bounds, ...(ordered ? [ordered] : [])], rest };
}

function creationBounds({ createdFrom, createdTo }: CodeFilter): Condition[] {
  const bounds: Condition[] = [];
  if (createdFrom !== undefined) bounds.push(when('created_at >= ?', [time(createdFrom)]));
  if (createdTo !== undefined) bounds.push(when('created_at < ?', [time(createdTo)]));
  return bounds;
}

/** Those whose index is the narrowest, as a rule, first. */
function conditionsOf({ filter, at }: Search): Condition[] {
  const { q, tag, folder, campaign, owner, status, kind, domain, hasPassword, expiresBefore } = filter;
  const conditions: Condition[] = [];
  if (campaign !== undefined) conditions.push(inOrder('campaign = ?', [text(campaign)]));
  if (owner !== undefined) conditions.push(inOrder('owner = ?', [text(owner)]));
  if (domain !== undefined) conditions.push(inOrder('domain = ?', [text(normalizeHost(domain) ?? domain)]));
  if (hasPassword === true) conditions.push(inOrder('password_hash IS NOT NULL'));
  if (hasPassword === false) conditions.push(when('password_hash IS NULL'));
  if (kind === 'link') conditions.push(when(`kind = 'link'`));
  else if (kind !== undefined) conditions.push(inOrder(`kind <> 'link' AND kind = ?`, [text(kind)]));
  if (status !== undefined) conditions.push(...statusConditions(status, at));
  if (tag !== undefined) conditions.push(when('tags @> ?', [{ value: [tag].flat(), type: 'text[]' }]));
  if (folder !== undefined) conditions.push(folderCondition(folder));
  if (expiresBefore !== undefined) conditions.push(when(`${EXPIRY_KEY} < ?`, [time(expiresBefore)]));
  if (q !== undefined) conditions.push(when(`${SEARCHED_TEXT} LIKE lower(?)`, [text(likePattern(q))]));
  return conditions;
}

/** `/` and `0` are neighbours: between them is everything below the folder. */
const folderCondition = (folder: string): Condition =>
  when('(folder = ? OR (folder ~>=~ ? AND folder ~<~ ?))', [text(folder), text(`${folder}/`), text(`${folder}0`)]);

/** `%` and `_` as they are. One or two characters have no trigram of their own, but with the space before a word they do. */
function likePattern(q: string): string {
  const escaped = q.replaceAll(/[\\%_]/g, String.raw`\$&`);
  return Array.from(q).length < 3 ? `% ${escaped}%` : `%${escaped}%`;
}

/** `statusOf` in SQL: its phase, which an index has, and what the clock says. */
function statusConditions(status: CodeStatus, at: Date): Condition[] {
  const now = [time(at)];
  const isUnexpired = when(`${EXPIRY_KEY} > ?`, now);
  switch (status) {
    case 'expired':
      return [when(`phase IN ('expired', 'exhausted', 'live')`), when(`${EXPIRY_KEY} <= ?`, now)];
    case 'exhausted':
      return [inOrder(`phase = 'exhausted'`), isUnexpired];
    case 'scheduled':
      return [inOrder(`phase = 'live'`), isUnexpired, when(`state = 'active' AND active_from > ?`, now)];
    case 'active':
      return [inOrder(`phase = 'live'`), isUnexpired, when('(active_from IS NULL OR active_from <= ?)', now)];
    case 'paused':
    case 'revoked':
    case 'archived':
      return [inOrder(`phase = '${status}'`)];
  }
}
