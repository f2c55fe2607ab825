import { CODE_KINDS, CODE_SORTS, CODE_STATUSES, type Code, type CodeSort } from '@signet/contracts';
import { CodesApi, queryOf, type Query } from '../codes-api.fixture.js';

let api: CodesApi;
beforeAll(async () => {
  api = await CodesApi.open();
});
afterAll(() => api.close());

const ids = (codes: readonly Pick<Code, 'id'>[]): string[] => codes.map(({ id }) => id);
const titles = async (query: Query, key?: string): Promise<string[]> =>
  (await api.listAll(query, key)).map(({ title }) => String(title)).toSorted();
const DAY = 86_400_000;

describe('the list of codes', () => {
  /** All of one workspace, also archived ones, in the order of their creation. */
  let all: Code[];
  let key: string;
  const after = (milliseconds: number): string =>
    new Date(api.platform.clock.now().getTime() + milliseconds).toISOString();

  // Every value of every filter beside every other, and more of one than a page has.
  beforeAll(async () => {
    key = await api.workspace();
    const folders = ['Shop', 'Shop/Winter', 'Shop/Winter/Late', 'Shops', 'shop', undefined];
    const campaigns = ['spring', 'autumn', undefined, undefined];
    const made: string[] = [];
    for (let index = 0; index < 48; index += 1) {
      if (index % 4 === 0) api.platform.clock.advance(1000);
      const isApp = index % 6 === 5;
      const { id } = await api.create(
        {
          ...(isApp && { kind: 'app', target: { ios: 'https://apps.example/1', fallback: 'https://example.org/app' } }),
          ...(index % 9 !== 0 && { title: `${['Beta', 'alpha', 'Gamma', 'beta'][index % 4]} ${index % 3}` }),
          tags: ['a', 'b', 'c'].filter((_tag, place) => (index >> place) % 2 === 1),
          folder: folders[index % folders.length],
          campaign: campaigns[(index >> 1) % campaigns.length],
          owner: ['ann', 'bob', undefined][index % 3],
          ...(index % 5 === 0 && { password: 'a password' }),
          ...(index % 8 === 1 && { maxScans: 1 }),
          ...(index % 4 === 2 && { expiresAt: after(DAY + (index % 3) * 1000) }),
          ...(index % 7 === 3 && { activeFrom: after(DAY / 2) }),
        },
        key,
      );
      made.push(id);
      if (index % 12 === 1) await api.sql('UPDATE codes.codes SET scans_used = 1 WHERE id = $1', [id]);
      if (index % 12 === 2) await api.sql('UPDATE codes.codes SET expires_at = $2 WHERE id = $1', [id, after(0)]);
      if (index % 10 === 4) await api.move(id, 'pause', {}, key);
      if (index % 10 === 6) await api.move(id, 'revoke', { reason: 'lost' }, key);
      if (index % 13 === 7)
        await api.sql(`UPDATE codes.codes SET domain = $2, slug_key = id || '/' || slug WHERE id = $1`, [
          id,
          'go.example',
        ]);
      if (index % 16 === 15) await api.ask('DELETE', `/v1/codes/${id}`, { key });
    }
    for (const id of made.slice(10, 20)) await api.edit(id, { notes: 'edited' }, key).catch(() => undefined);
    all = await Promise.all(made.map(async (id) => (await api.ask('GET', `/v1/codes/${id}`, { key })).json()));
  });

  interface Case {
    query: Query;
    holds: (code: Code) => boolean;
  }
  const isWithin = (folder: string | null, of: string): boolean =>
    folder === of || (folder?.startsWith(`${of}/`) ?? false);
  const filters = (): Case[] => [
    { query: {}, holds: () => true },
    { query: { q: 'ALPHA' }, holds: ({ title }) => title?.includes('alpha') ?? false },
    { query: { q: 'example.org/app' }, holds: ({ kind }) => kind === 'app' },
    { query: { tag: 'a' }, holds: ({ tags }) => tags.includes('a') },
    { query: { tag: ['a', 'c'] }, holds: ({ tags }) => tags.includes('a') && tags.includes('c') },
    { query: { folder: 'Shop' }, holds: ({ folder }) => isWithin(folder, 'Shop') },
    { query: { folder: 'Shop/Winter' }, holds: ({ folder }) => isWithin(folder, 'Shop/Winter') },
    { query: { campaign: 'spring' }, holds: ({ campaign }) => campaign === 'spring' },
    { query: { owner: 'bob' }, holds: ({ owner }) => owner === 'bob' },
    ...CODE_STATUSES.map((status) => ({ query: { status }, holds: (code: Code) => code.status === status })),
    ...CODE_KINDS.map((kind) => ({ query: { kind }, holds: (code: Code) => code.kind === kind })),
    { query: { domain: 'GO.example' }, holds: ({ domain }) => domain === 'go.example' },
    { query: { hasPassword: 'true' }, holds: ({ hasPassword }) => hasPassword },
    { query: { hasPassword: 'false' }, holds: ({ hasPassword }) => !hasPassword },
    {
      query: { expiresBefore: after(DAY) },
      holds: ({ expiresAt }) => expiresAt !== null && expiresAt < after(DAY),
    },
    {
      query: { createdFrom: all[8]?.createdAt, createdTo: all[20]?.createdAt },
      holds: ({ createdAt }) => createdAt >= (all[8]?.createdAt ?? '') && createdAt < (all[20]?.createdAt ?? ''),
    },
    {
      query: { tag: 'b', folder: 'Shop', owner: 'ann', hasPassword: 'false' },
      holds: ({ tags, folder, owner, hasPassword }) =>
        tags.includes('b') && isWithin(folder, 'Shop') && owner === 'ann' && !hasPassword,
    },
  ];
  const keyOf: Readonly<Record<string, (code: Code) => string>> = {
    createdAt: ({ createdAt }) => createdAt,
    updatedAt: ({ updatedAt }) => updatedAt,
    title: ({ title }) => (title ?? '').toLowerCase(),
    expiresAt: ({ expiresAt }) => expiresAt ?? 'never',
  };
  function inOrder(codes: readonly Code[], sort: CodeSort): Code[] {
    const sortKey = keyOf[sort.replace('-', '')];
    if (!sortKey) throw new Error(`no order ${sort}`);
    const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
    const sorted = codes.toSorted((one, other) => compare(sortKey(one), sortKey(other)) || compare(one.id, other.id));
    return sort.startsWith('-') ? sorted.toReversed() : sorted;
  }

  it.each(CODE_SORTS)(
    'has by %s, a page at a time, exactly the codes that a filter names, in their order',
    async (sort) => {
      for (const { query, holds } of filters()) {
        const expected = all.filter(
          (code) => holds(code) && (code.status !== 'archived' || query['status'] === 'archived'),
        );
        const found = await api.listAll({ ...query, sort, limit: 7 }, key);
        expect([query, ids(found)]).toEqual([query, ids(inOrder(expected, sort))]);
      }
    },
  );

  it('has something under each filter of these tests but those of kinds that nobody issued', () => {
    const without = filters().filter(({ holds }) => !all.some(holds));
    expect(without.map(({ query }) => query['kind'])).toEqual(['page', 'file', 'enrollment', 'signin', 'sealed']);
  });

  it('counts what is found, the same on each page and in each order', async () => {
    const expected = { value: all.filter(({ status, tags }) => status !== 'archived' && tags.includes('a')).length };
    const query = { tag: 'a', limit: 5, count: 'true' };
    expect((await api.list(query, key)).count).toEqual({ ...expected, isExact: true });
    for (const sort of CODE_SORTS) {
      const { nextCursor } = await api.list({ ...query, sort }, key);
      const next = await api.list({ ...query, sort, cursor: nextCursor ?? undefined }, key);
      expect(next.count).toEqual({ ...expected, isExact: true });
    }
    expect((await api.list({ tag: 'a' }, key)).count).toBeUndefined();
  });

  it.each<[Query, string]>([
    [{ status: 'gone' }, 'query.status'],
    [{ kind: 'poster' }, 'query.kind'],
    [{ sort: '-expiresAt' }, 'query.sort'],
    [{ limit: 201 }, 'query.limit'],
    [{ limit: 0 }, 'query.limit'],
    [{ tag: Array.from({ length: 11 }, (_, index) => `t${index}`) }, 'query.tag'],
    [{ q: 'x'.repeat(201) }, 'query.q'],
    [{ q: 'a\u0000b' }, 'query.q'],
    [{ q: '%' }, 'query.q'],
    [{ q: String.raw`_ \ ' "` }, 'query.q'],
    [{ hasPassword: 'perhaps' }, 'query.hasPassword'],
    [{ createdFrom: 'yesterday' }, 'query.createdFrom'],
    [{ domain: 'not a host' }, 'query.domain'],
    [{ filter: 'mine' }, 'query.filter'],
    [{ colour: 'red' }, 'query.colour'],
  ])('refuses %j, and says what is wrong', async (query, path) => {
    const answer = await api.call('GET', `/v1/codes${queryOf(query)}`);
    expect([answer.statusCode, answer.json().type]).toEqual([422, 'urn:signet:problem:invalid-request']);
    expect(answer.json().errors[0].path).toBe(path);
  });

  it('takes no cursor of another list, nor one that nobody gave out', async () => {
    const { nextCursor } = await api.list({ sort: 'title', limit: 1 }, key);
    const given = JSON.parse(Buffer.from(nextCursor ?? '', 'base64url').toString());
    const forged = (differences: object): string =>
      Buffer.from(JSON.stringify({ ...given, ...differences })).toString('base64url');
    const tried: Query[] = [
      { sort: 'createdAt', cursor: nextCursor ?? '' },
      { sort: 'title', tag: 'a', cursor: nextCursor ?? '' },
      { sort: 'title', cursor: forged({ key: 'a\u0000' }) },
      { sort: 'title', cursor: forged({ key: '\ud800' }) },
      { sort: 'title', cursor: forged({ id: 'x' }) },
      { sort: 'title', cursor: 'x' },
    ];
    const byTime = await api.list({ sort: 'createdAt', limit: 1 }, key);
    const ofTimes = JSON.parse(Buffer.from(byTime.nextCursor ?? '', 'base64url').toString());
    for (const time of ['0000-01-01T00:00:00Z', 'infinity', 'now', '2026-02-30T00:00:00Z'])
      tried.push({
        sort: 'createdAt',
        cursor: Buffer.from(JSON.stringify({ ...ofTimes, key: time })).toString('base64url'),
      });
    for (const query of tried) {
      const answer = await api.call('GET', `/v1/codes${queryOf({ ...query, limit: 1 })}`, { key });
      expect([query, answer.statusCode, answer.json().type]).toEqual([query, 400, 'urn:signet:problem:invalid-cursor']);
    }
  });
});

describe('pages of a list', () => {
  it.each(['createdAt', '-createdAt', 'updatedAt', '-updatedAt', 'expiresAt'])(
    'have by %s each code once, also those that a microsecond parts',
    async (sort) => {
      const key = await api.workspace();
      const made: string[] = [];
      for (let index = 0; index < 9; index += 1) made.push((await api.create({}, key)).id);
      for (const [index, id] of made.entries())
        await api.sql(
          `UPDATE codes.codes SET created_at = at, updated_at = at, expires_at = CASE WHEN $3 THEN at END
           FROM (SELECT '2090-01-01T00:00:00Z'::timestamptz + $2 * interval '1 microsecond' AS at) AS moved WHERE id = $1`,
          // Three of each.
          [id, Math.floor(index / 3), index < 6],
        );
      const expected = sort.startsWith('-') ? made.toReversed() : made;
      for (const limit of [1, 2, 4]) expect(ids(await api.listAll({ sort, limit }, key))).toEqual(expected);
    },
  );

  it('go on where they were when codes before and after are issued and put away meanwhile', async () => {
    const key = await api.workspace();
    const made: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      api.platform.clock.advance(1);
      made.push((await api.create({}, key)).id);
    }
    const first = await api.list({ sort: 'createdAt', limit: 2 }, key);
    await api.ask('DELETE', `/v1/codes/${made[1]}`, { key });
    await api.ask('DELETE', `/v1/codes/${made[3]}`, { key });
    api.platform.clock.advance(1);
    const late = (await api.create({}, key)).id;
    const rest = await api.list({ sort: 'createdAt', cursor: first.nextCursor ?? undefined }, key);
    expect(ids(rest.items)).toEqual([made[2], made[4], late]);
  });
});

describe('text', () => {
  let key: string;
  const written = [
    '100% wool',
    '100 wool',
    'under_score',
    "O'Neil “quoted”",
    'back\\slash',
    'Café Zürich',
    '東京日本橋',
    'Привет мир',
    '서울 카페',
    'naïve (draft)',
  ];
  beforeAll(async () => {
    key = await api.workspace();
    // A random slug may have what is looked for.
    for (const [index, title] of written.entries()) await api.create({ title, slug: `zz${index}` }, key);
    await api.create({ title: 'of a slug', slug: 'Kiosk-77' }, key);
    await api.create(
      { title: 'of a target', slug: 'zz-target', target: { url: 'https://wool_shop.example/a?b=%20c' } },
      key,
    );
  });

  it.each<[string, string[]]>([
    ['WOOL', ['100 wool', '100% wool', 'of a target']],
    ['100%', ['100% wool']],
    ['0% w', ['100% wool']],
    ['r_s', ['under_score']],
    ['wool_', ['of a target']],
    ["o'n", ["O'Neil “quoted”"]],
    ['“quoted”', ["O'Neil “quoted”"]],
    [String.raw`k\s`, [String.raw`back\slash`]],
    ['CAFÉ', ['Café Zürich']],
    ['zÜrich', ['Café Zürich']],
    ['cafe', []],
    ['日本橋', ['東京日本橋']],
    ['東京', ['東京日本橋']],
    ['привет', ['Привет мир']],
    ['МИР', ['Привет мир']],
    ['카페', ['서울 카페']],
    ['서', ['서울 카페']],
    ['10', ['100 wool', '100% wool']],
    ['W', ['100 wool', '100% wool']],
    ['oo', []],
    ['(d', ['naïve (draft)']],
    ['l--', []],
    ['kiosk-7', ['of a slug']],
    ['SHOP.EXAMPLE/A?B=%20', ['of a target']],
    ['100 wool', ['100 wool']],
    ['wool 100', []],
    ['nothing has this', []],
  ])('%j finds %j', async (q, expected) => {
    expect(await titles({ q }, key)).toEqual(expected.toSorted());
  });
});
