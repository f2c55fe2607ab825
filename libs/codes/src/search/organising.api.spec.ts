import { MAX_SAVED_FILTERS, SavedFilterSchema, type SavedFilter } from '@signet/contracts';
import { CodesApi, queryOf, type Query, type Sent } from '../codes-api.fixture.js';
import { Labels } from './labels.service.js';

let api: CodesApi;
let key: string;
beforeAll(async () => {
  api = await CodesApi.open();
});
beforeEach(async () => {
  key = await api.workspace();
});
afterAll(() => api.close());

const problemOf = (answer: Awaited<ReturnType<CodesApi['call']>>): unknown[] => [
  answer.statusCode,
  answer.json().type.replace('urn:signet:problem:', ''),
];
const titles = async (query: Query): Promise<(string | null)[]> =>
  (await api.list(query, key)).items.map(({ title }) => title);

describe('a saved filter', () => {
  const save = async (name: string, query: object, sent: Sent = {}): Promise<SavedFilter> =>
    SavedFilterSchema.parse(
      (await api.ask('POST', '/v1/saved-filters', { key, payload: { name, query }, ...sent })).json(),
    );

  it('keeps every filter of the list, and the order, under its name and whose it is', async () => {
    const query = {
      q: 'poster',
      tag: ['a', 'b'],
      folder: 'Shop',
      campaign: 'spring',
      owner: 'ann',
      status: 'active',
      kind: 'link',
      domain: 'go.example',
      hasPassword: false,
      expiresBefore: '2099-01-01T00:00:00.000Z',
      createdFrom: '2020-01-01T00:00:00.000Z',
      createdTo: '2030-01-01T00:00:00.000Z',
      sort: 'title',
    };
    const answer = await api.ask('POST', '/v1/saved-filters', { key, payload: { name: 'Spring', query } });
    const saved: SavedFilter = SavedFilterSchema.strict().parse(answer.json());
    expect(saved).toMatchObject({ name: 'Spring', query, version: 1, createdAt: saved.updatedAt });
    expect(saved.query).toEqual(query);
    expect(saved.createdBy).toMatch(/^key:/);
    expect(answer.headers).toMatchObject({ etag: '"1"', location: `/v1/saved-filters/${saved.id}` });
    expect((await api.ask('GET', `/v1/saved-filters/${saved.id}`, { key })).json()).toEqual(saved);
    expect((await api.ask('GET', '/v1/saved-filters', { key })).json()).toEqual({ items: [saved], nextCursor: null });
  });

  it('is what the list shows when it is named, and what is said beside it goes before it', async () => {
    await api.create({ title: 'b', tags: ['x'] }, key);
    await api.create({ title: 'a', tags: ['x'], folder: 'Shop' }, key);
    await api.create({ title: 'c', tags: ['y'] }, key);
    const { id } = await save('x by title', { tag: 'x', sort: 'title' });
    expect(await titles({ filter: id })).toEqual(['a', 'b']);
    expect(await titles({ filter: id, sort: '-title' })).toEqual(['b', 'a']);
    expect(await titles({ filter: id, folder: 'Shop' })).toEqual(['a']);
    expect(await titles({ filter: id, tag: 'y' })).toEqual(['c']);
    const page = await api.list({ filter: id, limit: 1 }, key);
    expect((await api.list({ filter: id, limit: 1, cursor: page.nextCursor ?? '' }, key)).items).toMatchObject([
      { title: 'b' },
    ]);
  });

  it('that was changed takes no cursor of what it was', async () => {
    for (const title of ['a', 'b']) await api.create({ title, tags: ['x'] }, key);
    const { id } = await save('x', { tag: 'x' });
    const { nextCursor } = await api.list({ filter: id, limit: 1 }, key);
    await api.ask('PATCH', `/v1/saved-filters/${id}`, { key, payload: { query: { tag: 'y' } } });
    const answer = await api.call('GET', `/v1/codes${queryOf({ filter: id, cursor: nextCursor ?? '' })}`, { key });
    expect(problemOf(answer)).toEqual([400, 'invalid-cursor']);
  });

  it('is renamed and changed under the version that was read, and not once that is old', async () => {
    const { id } = await save('one', { tag: 'x' });
    const url = `/v1/saved-filters/${id}`;
    const patch = (payload: object, version: string) =>
      api.call('PATCH', url, { key, payload, headers: { 'if-match': version } });
    const renamed = await patch({ name: 'two' }, '"1"');
    expect([renamed.statusCode, renamed.headers['etag'], renamed.json()]).toEqual([
      200,
      '"2"',
      expect.objectContaining({ name: 'two', query: { tag: 'x' }, version: 2 }),
    ]);
    expect(problemOf(await patch({ name: 'three' }, '"1"'))).toEqual([412, 'version-mismatch']);
    expect((await patch({ query: { status: 'paused' } }, '"2"')).json()).toMatchObject({
      name: 'two',
      query: { status: 'paused' },
      version: 3,
    });
    expect((await patch({ name: 'two' }, '"3"')).headers['etag']).toBe('"3"');
    const remove = (version: string) => api.call('DELETE', url, { key, headers: { 'if-match': version } });
    expect(problemOf(await remove('"1"'))).toEqual([412, 'version-mismatch']);
    expect((await remove('"3"')).statusCode).toBe(204);
    expect(problemOf(await api.call('GET', url, { key }))).toEqual([404, 'not-found']);
  });

  it('has a name that no other one of its workspace has, also when two are given it at once', async () => {
    const payload = { name: 'mine', query: {} };
    const made = await Promise.all([1, 2, 3].map(() => api.call('POST', '/v1/saved-filters', { key, payload })));
    expect(made.map(({ statusCode }) => String(statusCode)).toSorted()).toEqual(['201', '409', '409']);
    const others = await Promise.all(['a', 'b', 'c'].map((name) => save(name, {})));
    const renamed = await Promise.all(
      others.map(({ id }) => api.call('PATCH', `/v1/saved-filters/${id}`, { key, payload: { name: 'same' } })),
    );
    expect(renamed.map(({ statusCode }) => String(statusCode)).toSorted()).toEqual(['200', '409', '409']);
    for (const refused of [...made, ...renamed].filter(({ statusCode }) => statusCode === 409))
      expect(problemOf(refused)).toEqual([409, 'name-taken']);
    await save('mine', {}, { key: await api.workspace() });
  });

  it('is made once by calls with one Idempotency-Key', async () => {
    const sent = { headers: { 'idempotency-key': 'k1' } };
    const first = await save('mine', {}, { ...sent, key, payload: { name: 'mine', query: {} } });
    expect(await save('mine', {}, { ...sent, key, payload: { name: 'mine', query: {} } })).toEqual(first);
  });

  it('is of its workspace only', async () => {
    const { id } = await save('mine', { tag: 'x' });
    const other = await api.workspace();
    const url = `/v1/saved-filters/${id}`;
    expect((await api.ask('GET', '/v1/saved-filters', { key: other })).json().items).toEqual([]);
    for (const answer of [
      await api.call('GET', url, { key: other }),
      await api.call('PATCH', url, { key: other, payload: { name: 'theirs' } }),
      await api.call('DELETE', url, { key: other }),
      await api.call('GET', `/v1/codes?filter=${id}`, { key: other }),
    ])
      expect(problemOf(answer)).toEqual([404, 'not-found']);
  });

  it.each<[object, string]>([
    [{ query: {} }, 'name'],
    [{ name: 'a' }, 'query'],
    [{ name: 'a', query: { status: 'gone' } }, 'query.status'],
    [{ name: 'a', query: { limit: 5 } }, 'query.limit'],
    [{ name: 'x'.repeat(101), query: {} }, 'name'],
    [{ name: 'a', query: { hasPassword: 'perhaps' } }, 'query.hasPassword'],
  ])('is refused as %j', async (payload, path) => {
    const answer = await api.call('POST', '/v1/saved-filters', { key, payload });
    expect(problemOf(answer)).toEqual([422, 'invalid-request']);
    expect(answer.json().errors[0].path).toBe(path);
  });

  it('is not changed by a call that says nothing', async () => {
    const { id } = await save('mine', {});
    expect(problemOf(await api.call('PATCH', `/v1/saved-filters/${id}`, { key, payload: {} }))).toEqual([
      422,
      'invalid-request',
    ]);
  });

  it('has room beside so many others, and is refused beside more, with the numbers', async () => {
    await save('first', {});
    await api.sql(
      `INSERT INTO codes.saved_filters (id, workspace_id, name, query, version, created_at, updated_at, created_by)
       SELECT gen_random_uuid(), workspace_id, 'f' || n, query, version, created_at, updated_at, created_by
       FROM codes.saved_filters, generate_series(2, $1::int) AS n WHERE name = 'first'`,
      [MAX_SAVED_FILTERS],
    );
    const answer = await api.call('POST', '/v1/saved-filters', { key, payload: { name: 'more', query: {} } });
    expect(problemOf(answer)).toEqual([403, 'quota-exceeded']);
    expect(answer.json()).toMatchObject({ limit: MAX_SAVED_FILTERS, used: MAX_SAVED_FILTERS });
    await api.sql(`DELETE FROM codes.saved_filters WHERE name = 'f2'`);
    await save('more', {});
  });

  it('is listed by name, a page at a time', async () => {
    for (const name of ['b', 'c', 'a']) await save(name, {});
    const page = async (query: Query) => (await api.ask('GET', `/v1/saved-filters${queryOf(query)}`, { key })).json();
    const first = await page({ limit: 2 });
    expect(first.items.map(({ name }: SavedFilter) => name)).toEqual(['a', 'b']);
    const second = await page({ limit: 2, cursor: first.nextCursor });
    expect([second.items.map(({ name }: SavedFilter) => name), second.nextCursor]).toEqual([['c'], null]);
  });
});

describe('tags, folders and campaigns', () => {
  type Kind = 'tags' | 'folders' | 'campaigns';
  const labels = async (kind: Kind, query: Query = {}): Promise<Record<string, number>> => {
    const { items } = (await api.ask('GET', `/v1/${kind}${queryOf(query)}`, { key })).json();
    return Object.fromEntries(items.map(({ name, codes }: { name: string; codes: number }) => [name, codes]));
  };
  const fold = async (): Promise<void> => void (await api.app.get(Labels).fold());

  it.each([
    ['before', () => Promise.resolve()],
    ['after', fold],
  ])('say how many codes have them, %s the changes are added up', async (_when, settle) => {
    const first = await api.create({ tags: ['a', 'b', 'a'], folder: 'Shop', campaign: 'spring' }, key);
    const second = await api.create({ tags: ['b'], folder: 'Shop/Winter', campaign: 'spring' }, key);
    await settle();
    expect(await labels('tags')).toEqual({ a: 1, b: 2 });
    expect(await labels('folders')).toEqual({ Shop: 1, 'Shop/Winter': 1 });
    expect(await labels('campaigns')).toEqual({ spring: 2 });

    await api.edit(first.id, { tags: ['c'], folder: null }, key);
    await api.move(second.id, 'revoke', { reason: 'lost' }, key);
    await settle();
    expect(await labels('tags')).toEqual({ b: 1, c: 1 });
    expect(await labels('folders')).toEqual({ 'Shop/Winter': 1 });

    await api.move(first.id, 'restore', { version: 1 }, key);
    await settle();
    expect(await labels('tags')).toEqual({ a: 1, b: 2 });
    expect(await labels('folders')).toEqual({ Shop: 1, 'Shop/Winter': 1 });

    await api.ask('DELETE', `/v1/codes/${second.id}`, { key });
    await api.ask('DELETE', `/v1/codes/${second.id}`, { key });
    await api.move(first.id, 'reissue', { reason: 'lost' }, key);
    await settle();
    expect(await labels('tags')).toEqual({ a: 2, b: 2 });
    expect(await labels('campaigns')).toEqual({ spring: 2 });
  });

  it('count as many as the list finds, however changes meet', async () => {
    const codes = await Promise.all(Array.from({ length: 6 }, () => api.create({ tags: ['x'] }, key)));
    await Promise.all([
      ...codes.map(({ id }, index) => api.edit(id, { tags: index % 2 === 0 ? ['x', 'y'] : ['z'] }, key)),
      fold(),
      fold(),
    ]);
    const counted = await labels('tags');
    for (const tag of ['x', 'y', 'z'])
      expect([tag, (await api.list({ tag }, key)).items.length]).toEqual([tag, counted[tag]]);
  });

  it('are found by how their names begin, in any case, and % and _ are letters', async () => {
    await api.create({ tags: ['Winter', 'winter_sale', 'winterXsale', 'summer', '100%', 'Écharpe'] }, key);
    expect(Object.keys(await labels('tags', { q: 'WINTER' }))).toEqual(['Winter', 'winterXsale', 'winter_sale']);
    expect(Object.keys(await labels('tags', { q: 'winter_' }))).toEqual(['winter_sale']);
    expect(Object.keys(await labels('tags', { q: '%' }))).toEqual([]);
    expect(Object.keys(await labels('tags', { q: '100%' }))).toEqual(['100%']);
    expect(Object.keys(await labels('tags', { q: 'éch' }))).toEqual(['Écharpe']);
  });

  it('are listed by name, a page at a time, those of the workspace only', async () => {
    await api.create({ tags: ['b', 'c', 'a'] }, key);
    await api.create({ tags: ['theirs'] });
    const first = (await api.ask('GET', '/v1/tags?limit=2', { key })).json();
    expect(first.items).toEqual([
      { name: 'a', codes: 1 },
      { name: 'b', codes: 1 },
    ]);
    const second = (await api.ask('GET', `/v1/tags?limit=2&cursor=${first.nextCursor}`, { key })).json();
    expect(second).toEqual({ items: [{ name: 'c', codes: 1 }], nextCursor: null });
    expect(problemOf(await api.call('GET', '/v1/tags?cursor=x', { key }))).toEqual([400, 'invalid-cursor']);
  });
});
