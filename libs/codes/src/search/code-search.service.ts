import { createHash } from 'node:crypto';
import {
  hasControlCharacters,
  type CodeFilter,
  type CodePage,
  type CodeSort,
  type ListCodesQuery,
} from '@signet/contracts';
import { Clock, decodeCursor, SignetError, toPage, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import { CodeChanges } from '../code-changes.js';
import { findSavedFilter } from './saved-filters.sql.js';
import { countCodes, searchCodes, toCount, type Search, type SearchPosition } from './search.sql.js';

const DEFAULT_SORT: CodeSort = '-createdAt';

/** Finds codes: the list of them, by any filters and in any order. */
@Injectable()
export class CodeSearch {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly changes: CodeChanges,
  ) {}

  /**
   * Without archived codes, unless they are asked for.
   * @throws SignetError `not-found` for the saved filter; `invalid-cursor`, also for one of another list
   */
  async list(caller: Caller, query: ListCodesQuery): Promise<CodePage> {
    const { filter, sort } = await this.resolve(caller, query);
    const { limit } = query;
    const at = this.clock.now();
    const after = positionIn(query.cursor, { filter, sort });
    const search: Search = { workspaceId: caller.workspaceId, filter, sort, after, at };
    const found = await searchCodes(this.dataSource.manager, search, limit + 1);
    const page = toPage(found, limit, ({ position }) => ({ ...position, of: listHash({ filter, sort }) }));
    const items = page.items.map(({ code }) => this.changes.show(code, at));
    if (query.count !== true) return { items, nextCursor: page.nextCursor };
    return { items, nextCursor: page.nextCursor, count: toCount(await countCodes(this.dataSource.manager, search)) };
  }

  /** @returns what the query and the saved filter that it names say together */
  async resolve(
    caller: Caller,
    query: CodeFilter & Pick<ListCodesQuery, 'filter' | 'sort'>,
  ): Promise<{ filter: CodeFilter; sort: CodeSort }> {
    const saved = await this.saved(caller, query.filter);
    const { sort = DEFAULT_SORT, ...filter } = {
      ...saved,
      ...definedOf(filterOf(query)),
      ...definedOf({ sort: query.sort }),
    };
    return { filter, sort };
  }

  private async saved(caller: Caller, id: string | undefined): Promise<CodeFilter & { sort?: CodeSort | undefined }> {
    if (id === undefined) return {};
    const saved = await findSavedFilter(this.dataSource.manager, caller.workspaceId, id);
    if (!saved) throw new SignetError('not-found', { detail: 'There is no such saved filter' });
    return saved.query;
  }
}

const definedOf = <Fields extends object>(fields: Fields): Partial<Fields> =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the entries are some of these fields
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<Fields>;

const filterOf = (query: CodeFilter): CodeFilter => ({
  q: query.q,
  tag: query.tag,
  folder: query.folder,
  campaign: query.campaign,
  owner: query.owner,
  status: query.status,
  kind: query.kind,
  domain: query.domain,
  hasPassword: query.hasPassword,
  expiresBefore: query.expiresBefore,
  createdFrom: query.createdFrom,
  createdTo: query.createdTo,
});

interface List {
  filter: CodeFilter;
  sort: CodeSort;
}

/** Names a list, so that a cursor of one is not taken for a place in another. */
function listHash({ filter, sort }: List): string {
  const named = Object.entries({ ...filter, sort }).filter(([, value]) => value !== undefined);
  const sorted = named.toSorted(([one], [other]) => (one < other ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('base64url').slice(0, 12);
}

/** As `SearchPosition` has them: times to the microsecond, titles as they are stored. */
const instant = z.iso.datetime().refine((text) => !text.startsWith('0000'));
const title = z
  .string()
  .max(500)
  .refine((text) => !hasControlCharacters(text));
const keySchemas = { title, time: instant, expiry: z.union([instant, z.literal('infinity')]) };

function positionIn(cursor: string | undefined, list: List): SearchPosition | undefined {
  const kind = list.sort.endsWith('title') ? 'title' : list.sort === 'expiresAt' ? 'expiry' : 'time';
  const schema = z.strictObject({ key: keySchemas[kind], id: z.uuid(), of: z.literal(listHash(list)) });
  const position = decodeCursor(cursor, schema);
  return position && { key: position.key, id: position.id };
}
