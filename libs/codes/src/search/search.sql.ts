import { normalizeHost, type CodeFilter, type CodeSort, type CodeStatus } from '@signet/contracts';
import type { EntityManager } from 'typeorm';
import { COLUMNS, toStoredCode, type CodeRow } from '../codes.sql.js';
import type { StoredCode } from '../code.js';
import { EXPIRY_KEY, SEARCHED_TEXT, TITLE_KEY } from './organising.migrations.js';

/** Where a page ends: the last code's sort key, as text that PostgreSQL reads back exactly, and id. */
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

/** How many codes of a list are read in its order at hardly any cost. */
const GLANCE = 2000;
/** How many more when many match: where 1 in 200 does, a page is full after 10,000. */
const WALK = 20_000;
/** Up to how many codes that match are few: collecting and sorting them costs less than looking for them in the order. */
const FEW = 5000;
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

/** A sort key as text. A `Date` of JavaScript has no microseconds: the codes within a millisecond would be lost, or repeated. */
const textOf = (key: string, { type }: Pick<Order, 'type'>): string =>
  type === 'text'
    ? key
    : `CASE WHEN isfinite(${key}) THEN to_char(${key} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') ELSE 'infinity' END`;
const CODE_KEYS = ['createdAt', 'updatedAt', 'title', 'expiresAt'] as const;

/** A condition with a `?` for each of its values. */
interface Condition {
  sql: string;
  values: readonly { value: unknown; type: string }[];
  /** Whether an index has the codes that meet it in the order of creation. */
  isOrdered: boolean;
  /** Whether it bounds the list in the order of its ends. */
  isOfEnds?: true;
}

const when = (sql: string, values: Condition['values'] = []): Condition => ({ sql, values, isOrdered: false });
const inOrder = (sql: string, values: Condition['values'] = []): Condition => ({ sql, values, isOrdered: true });
const ends = (compare: '<' | '<=' | '>', at: string | Date): Condition => ({
  ...when(`${EXPIRY_KEY} ${compare} ?`, [time(at)]),
  isOfEnds: true,
});
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
 * filters and sorting them is fast when few do. A glance at the beginning of the list is enough for most; else PostgreSQL
 * estimates how many match. Where the estimate misleads (it knows little of values together, and nothing of where in the
 * order they are), the first way gives up after a while.
 */
export async function searchCodes(manager: EntityManager, search: Search, limit: number): Promise<FoundCode[]> {
  const near = await read(manager, walkStatement(search, limit, GLANCE));
  if (near.length === limit || !hasFilter(search) || (await endsWithin(manager, search, GLANCE))) return near;
  const matching = await estimate(manager, search);
  if (matching > FEW) {
    // As far as collecting them all would cost, so that being misled costs twice the better way at most.
    const far = await read(manager, walkStatement(search, limit, Math.max(WALK, matching)));
    if (far.length === limit) return far;
  }
  return read(manager, gatherStatement(search, limit));
}

/** The first way: the list in its order, up to `reach` codes of it. */
export function walkStatement(search: Search, limit: number, reach = WALK): Statement {
  const parameters = new Parameters();
  const order = orderOf(search.sort);
  const { base, rest } = splitConditions(search);
  const sql = `SELECT ${COLUMNS}, ${textOf('sort_key', order)} AS position FROM (
       SELECT ${COLUMNS}, ${FILTER_COLUMNS}, ${order.key} AS sort_key FROM codes.codes
       WHERE ${parameters.all(base)} ORDER BY ${orderBy(search.sort, order.key)} LIMIT ${reach}
     ) AS list WHERE ${parameters.all(rest)}
     ORDER BY ${orderBy(search.sort, 'sort_key')} LIMIT ${limit}`;
  return { sql, values: parameters.values };
}

/**
 * The second way: everything that matches, whichever indexes find it fastest, and then its order. Where the page begins is
 * not said before: of codes with the same key, as those that never end, PostgreSQL would expect none behind it, and read
 * that index.
 */
export function gatherStatement(search: Search, limit: number): Statement {
  const order = orderOf(search.sort);
  const parameters = new Parameters();
  const matching = matchingSql(search, parameters);
  const begin = parameters.all(search.after ? [positionAfter(search.after, order, 'sort_key')] : []);
  const sql = `WITH found AS MATERIALIZED (${matching}), page AS MATERIALIZED (
       SELECT id, sort_key FROM found WHERE ${begin} ORDER BY ${orderBy(search.sort, 'sort_key')} LIMIT ${limit})
     SELECT ${COLUMNS}, ${textOf('sort_key', order)} AS position FROM page JOIN codes.codes USING (id)
     ORDER BY ${orderBy(search.sort, 'sort_key')}`;
  return { sql, values: parameters.values };
}

function matchingSql(search: Search, parameters: Parameters): string {
  const { base, rest } = splitConditions({ ...search, after: undefined });
  return `SELECT id, ${orderOf(search.sort).key} AS sort_key FROM codes.codes WHERE ${parameters.all([...base, ...rest])}`;
}

/** @returns how many match, as PostgreSQL's statistics have it */
async function estimate(manager: EntityManager, search: Search): Promise<number> {
  const parameters = new Parameters();
  const sql = matchingSql(search, parameters);
  const [row]: { 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }[] = await manager.query(
    `EXPLAIN (FORMAT JSON) ${sql}`,
    parameters.values,
  );
  return row?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0;
}

/** @returns whether the list has no more than `reach` codes */
async function endsWithin(manager: EntityManager, search: Search, reach: number): Promise<boolean> {
  const parameters = new Parameters();
  const { key } = orderOf(search.sort);
  const { base } = splitConditions(search);
  const rows: unknown[] = await manager.query(
    `SELECT 1 FROM codes.codes WHERE ${parameters.all(base)} ORDER BY ${orderBy(search.sort, key)} OFFSET ${reach} LIMIT 1`,
    parameters.values,
  );
  return rows.length === 0;
}

/** @returns how many match, wherever in the order; counting ends at `upTo` */
export async function countCodes(
  manager: EntityManager,
  search: Omit<Search, 'after' | 'sort'>,
  upTo = COUNTED_UP_TO + 1,
): Promise<number> {
  const { sql, values } = countStatement(search, upTo);
  const [row]: { count: number }[] = await manager.query(sql, values);
  return row?.count ?? 0;
}

export function countStatement(search: Omit<Search, 'after' | 'sort'>, upTo = COUNTED_UP_TO + 1): Statement {
  const parameters = new Parameters();
  const { base, rest } = splitConditions({ ...search, after: undefined, sort: 'createdAt' });
  const matching = `SELECT 1 FROM codes.codes WHERE ${parameters.all([...base, ...rest])} LIMIT ${upTo}`;
  return { sql: `SELECT count(*)::int AS count FROM (${matching}) AS counted`, values: parameters.values };
}

/** `count` as it is told. */
export const toCount = (count: number): { value: number; isExact: boolean } => ({
  value: Math.min(count, COUNTED_UP_TO),
  isExact: count <= COUNTED_UP_TO,
});

/** Codes in the order of creation, after `after`, for whoever goes through all of them: each page goes on where one ended. */
export function findInOrder(manager: EntityManager, search: Omit<Search, 'sort'>, limit: number): Promise<FoundCode[]> {
  return read(manager, inOrderStatement(search, COLUMNS, limit));
}

/** Ids of codes in the order of creation, after `after`. */
export async function findIds(
  manager: EntityManager,
  search: Omit<Search, 'sort'>,
  limit: number,
): Promise<SearchPosition[]> {
  const { sql, values } = inOrderStatement(search, 'id', limit);
  const rows: { id: string; position: string }[] = await manager.query(sql, values);
  return rows.map(({ id, position }) => ({ id, key: position }));
}

function inOrderStatement(search: Omit<Search, 'sort'>, columns: string, limit: number): Statement {
  const parameters = new Parameters();
  const sort = 'createdAt';
  const order = orderOf(sort);
  const { base, rest } = splitConditions({ ...search, sort });
  const sql = `SELECT ${columns}, ${textOf(order.key, order)} AS position FROM codes.codes
    WHERE ${parameters.all([...base, ...rest])} ORDER BY ${orderBy(sort, order.key)} LIMIT ${limit}`;
  return { sql, values: parameters.values };
}

const orderBy = (sort: CodeSort, key: string): string => {
  const { direction } = orderOf(sort);
  return `${key} ${direction}, id ${direction}`;
};

async function read(manager: EntityManager, { sql, values }: Statement): Promise<FoundCode[]> {
  const rows: (CodeRow & { position: string })[] = await manager.query(sql, values);
  return rows.map(({ position, ...row }) => ({ code: toStoredCode(row), position: { key: position, id: row.id } }));
}

const hasFilter = ({ filter }: Search): boolean => Object.values(filter).some((value) => value !== undefined);

/**
 * @returns what bounds the list that is read in its order, and what is looked for in it. In the order of creation the
 * list may be that of one campaign, say: then one filter is met by all of it. In the order of ends it begins or stops where
 * a filter says.
 */
function splitConditions(search: Search): { base: Condition[]; rest: Condition[] } {
  const { workspaceId, filter, after } = search;
  const order = orderOf(search.sort);
  const base: Condition[] = [when('workspace_id = ?', [{ value: workspaceId, type: 'uuid' }])];
  base.push(when(filter.status === 'archived' ? `state = 'archived'` : `state <> 'archived'`));
  if (after) base.push(positionAfter(after, order, order.key));
  const conditions = conditionsOf(search);
  const bounds = creationBounds(filter);
  if (search.sort === 'expiresAt') {
    const [ofEnds, others] = [conditions.filter((one) => one.isOfEnds), conditions.filter((one) => !one.isOfEnds)];
    return { base: [...base, ...ofEnds], rest: [...others, ...bounds] };
  }
  if (!search.sort.endsWith('createdAt')) return { base, rest: [...conditions, ...bounds] };
  const ordered = conditions.find(({ isOrdered }) => isOrdered);
  const rest = conditions.filter((condition) => condition !== ordered);
  return { base: [...base, ...bounds, ...(ordered ? [ordered] : [])], rest };
}

const positionAfter = (after: SearchPosition, { type, compare }: Order, key: string): Condition =>
  when(`(${key}, id) ${compare} (?, ?)`, [
    { value: after.key, type },
    { value: after.id, type: 'uuid' },
  ]);

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
  if (expiresBefore !== undefined) conditions.push(ends('<', expiresBefore));
  if (q !== undefined) conditions.push(when(`${SEARCHED_TEXT} LIKE lower(?)`, [text(likePattern(q))]));
  return conditions;
}

/** `/` and `0` are neighbours: between them is everything below the folder. */
const folderCondition = (folder: string): Condition =>
  when('(folder = ? OR (folder ~>=~ ? AND folder ~<~ ?))', [text(folder), text(`${folder}/`), text(`${folder}0`)]);

/** What has a trigram wherever it stands: three letters, the end of a word, or the beginning of one. */
const HAS_TRIGRAM = /[\p{L}\p{N}]{3}|[\p{L}\p{N}]{2}[^\p{L}\p{N}]|[^\p{L}\p{N}][\p{L}\p{N}]/u;

/** `%` and `_` as they are. What has no trigram of its own, as one or two letters, has one with the space before a word. */
function likePattern(q: string): string {
  const escaped = q.replaceAll(/[\\%_]/g, String.raw`\$&`);
  return HAS_TRIGRAM.test(q) ? `%${escaped}%` : `% ${escaped}%`;
}

/** `statusOf` in SQL: its phase, which an index has, and what the clock says. */
function statusConditions(status: CodeStatus, at: Date): Condition[] {
  const now = [time(at)];
  const isUnexpired = ends('>', at);
  switch (status) {
    case 'expired':
      return [when(`phase IN ('expired', 'exhausted', 'live')`), ends('<=', at)];
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
