import { CodeVersionSchema, type Code, type CodeVersion } from '@signet/contracts';
import { DomainsModule } from '@signet/domains';
import { newId } from '@signet/platform';
import { CodesApi, queryOf, type Query } from './codes-api.fixture.js';

let api: CodesApi;
let key: string;
beforeAll(async () => {
  api = await CodesApi.open([DomainsModule]);
  key = await api.workspace();
  await api.ask('PUT', '/v1/settings/targets', { key, payload: { allowedSchemes: ['myapp'] } });
});
afterAll(() => api.close());

const pageOf = async (id: string, query: Query = {}): Promise<{ items: CodeVersion[]; nextCursor: string | null }> =>
  (await api.ask('GET', `/v1/codes/${id}/history${queryOf(query)}`, { key })).json();
/** Newest first. */
const historyOf = async (id: string): Promise<CodeVersion[]> =>
  CodeVersionSchema.strict()
    .array()
    .parse((await pageOf(id, { limit: 200 })).items);
const restore = (id: string, version: number, headers: Record<string, string> = {}) =>
  api.call('POST', `/v1/codes/${id}/restore`, { key, payload: { version }, headers });
const brand = async (): Promise<string> =>
  (await api.ask('POST', '/v1/brands', { key, payload: { name: `b-${newId()}`, primaryColor: '#336699' } })).json().id;

const url = 'https://example.org/';
/** Every field that an edit can change, as an edit may say it. */
const edited = {
  target: { url: 'https://example.org/b', deepLink: 'myapp://b' },
  title: 'Menu',
  notes: 'first line\nsecond line',
  tags: ['a', 'b'],
  folder: 'Shop/Winter',
  campaign: 'spring',
  owner: 'ann',
  activeFrom: '2090-01-01T00:00:00.000Z',
  expiresAt: '2091-01-01T00:00:00.000Z',
  maxScans: 7,
  claimMode: 'interstitial',
  rules: [
    { when: { os: 'ios', country: ['DE', 'AT'] }, target: { url: 'https://example.org/ios' } },
    { when: { weight: 50, sticky: true }, target: { url: 'https://example.org/half' } },
  ],
  forwardQuery: true,
  utm: { source: 'poster', campaign: 'spring' },
  offUrl: 'https://example.org/off',
};
type Field = keyof typeof edited | 'brandId';
const fieldsOf = (code: Code): Partial<Record<Field, unknown>> => ({
  ...Object.fromEntries(Object.keys(edited).map((field) => [field, Reflect.get(code, field)])),
  brandId: code.brandId,
});

describe('the history of a code', () => {
  it('says for every version who made it, when, with which key, and what was what before and after', async () => {
    const { id } = await api.create({ title: 'a', tags: ['x'] }, key);
    const colleague = (
      await api.ask('POST', '/v1/api-keys', { key, payload: { name: 'colleague', scopes: ['codes:write'] } })
    ).json();
    api.platform.clock.advance(1000);
    const at = api.platform.clock.now().toISOString();
    const brandId = await brand();
    await api.edit(id, { ...edited, brandId }, colleague.key);
    await api.move(id, 'pause', {}, key);
    await api.move(id, 'resume', {}, key);
    await api.ask('POST', `/v1/codes/${id}/restore`, { key, payload: { version: 1 } });
    await api.move(id, 'revoke', { reason: 'lost' }, key);
    await api.ask('DELETE', `/v1/codes/${id}`, { key });

    const history = await historyOf(id);
    expect(history.map(({ version, action }) => [version, action])).toEqual([
      [7, 'archived'],
      [6, 'revoked'],
      [5, 'restored'],
      [4, 'resumed'],
      [3, 'paused'],
      [2, 'updated'],
      [1, 'created'],
    ]);
    const [, revoked, restored, , , updated, created] = history;
    expect(updated).toMatchObject({ by: `key:${colleague.id}`, at });
    expect(created?.by).toMatch(/^key:/);
    expect(created?.by).not.toBe(updated?.by);
    const before: Record<string, unknown> = {
      target: { url },
      title: 'a',
      tags: ['x'],
      rules: [],
      forwardQuery: false,
    };
    const changes = Object.entries({ ...edited, brandId }).map(([field, to]) => ({
      field,
      from: before[field] ?? null,
      to,
    }));
    expect(updated?.changes.toSorted(byField)).toEqual(changes.toSorted(byField));
    const back = changes.map(({ field, from, to }) => ({ field, from: to, to: from }));
    expect(restored).toMatchObject({ restoredVersion: 1 });
    expect(restored?.changes.toSorted(byField)).toEqual(back.toSorted(byField));
    expect(revoked?.changes).toContainEqual({ field: 'revokedReason', from: null, to: 'lost' });
  });
  const byField = (one: { field: string }, other: { field: string }): number => (one.field < other.field ? -1 : 1);

  it('is read a page at a time, and only within the workspace', async () => {
    const { id } = await api.create({}, key);
    for (const title of ['a', 'b', 'c', 'd']) await api.edit(id, { title }, key);
    const versions: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await pageOf(id, { limit: 2, cursor });
      versions.push(...page.items.map(({ version }) => version));
      cursor = page.nextCursor ?? undefined;
    } while (cursor);
    expect(versions).toEqual([5, 4, 3, 2, 1]);
    expect((await api.call('GET', `/v1/codes/${id}/history`)).statusCode).toBe(404);
    for (const forged of ['9999999999', '"x"', '1.5'])
      expect(
        (await api.call('GET', `/v1/codes/${id}/history?cursor=${Buffer.from(forged).toString('base64url')}`, { key }))
          .statusCode,
      ).toBe(400);
  });

  it('knows that a password was set, changed and taken away, and never which', async () => {
    const { id } = await api.create({ password: 'first secret' }, key);
    await api.edit(id, { password: 'second secret' }, key);
    await api.edit(id, { password: null }, key);
    const history = await historyOf(id);
    expect(history.map(({ changes }) => changes.filter(({ field }) => field === 'password'))).toEqual([
      [{ field: 'password', from: '[set]', to: null }],
      [{ field: 'password', from: '[set]', to: '[set]' }],
      [{ field: 'password', from: null, to: '[set]' }],
    ]);
    const rows: object[] = await api.platform.dataSource.query(
      'SELECT changes, state FROM codes.versions WHERE code_id = $1',
      [id],
    );
    expect(JSON.stringify([history, rows])).not.toMatch(/secret|argon2/);
  });
});

describe('restoring a version', () => {
  it('brings back each field, alone and all together, as the next version', async () => {
    const brandId = await brand();
    const { id } = await api.create({}, key);
    const states: Code[] = [];
    const read = async (): Promise<Code> => (await api.ask('GET', `/v1/codes/${id}`, { key })).json();
    states.push(await read());
    for (const [field, value] of Object.entries({ ...edited, brandId })) {
      await api.edit(id, { [field]: value }, key);
      states.push(await read());
    }
    for (const former of states.toReversed().slice(1)) {
      const { version } = await read();
      const answer = await restore(id, former.version);
      expect([answer.statusCode, answer.headers['etag']]).toEqual([200, `"${version + 1}"`]);
      expect(fieldsOf(answer.json())).toEqual(fieldsOf(former));
    }
    const newest = states.at(-1);
    expect(fieldsOf((await restore(id, newest?.version ?? 0)).json())).toEqual(newest && fieldsOf(newest));
  });

  it('brings back the target of an app', async () => {
    const first = { ios: 'https://apps.example/ios', fallback: url };
    const { id } = await api.create({ kind: 'app', target: first }, key);
    await api.edit(id, { target: { android: 'https://apps.example/android', fallback: url } }, key);
    expect((await restore(id, 1)).json()).toMatchObject({ kind: 'app', target: first, version: 3 });
  });

  it('leaves the password as it is, whichever there was', async () => {
    const { id } = await api.create({ title: 'open' }, key);
    await api.edit(id, { title: 'closed', password: 'a password' }, key);
    expect((await restore(id, 1)).json()).toMatchObject({ title: 'open', hasPassword: true });
    await api.edit(id, { title: 'open again', password: null }, key);
    expect((await restore(id, 2)).json()).toMatchObject({ title: 'closed', hasPassword: false });
  });

  it('of a code with a brand that is gone is refused; with another brand it is not', async () => {
    const [gone, kept] = [await brand(), await brand()];
    const { id } = await api.create({ brandId: gone }, key);
    await api.edit(id, { brandId: kept }, key);
    await api.ask('DELETE', `/v1/brands/${gone}`, { key });
    const answer = await restore(id, 1);
    expect([answer.statusCode, answer.json().errors]).toEqual([
      422,
      [{ path: 'brandId', message: expect.any(String) }],
    ]);
    await api.edit(id, { title: 'x', brandId: null }, key);
    expect((await restore(id, 2)).json()).toMatchObject({ brandId: kept, title: null });
  });

  it('keeps the code where it is: slug, domain, kind and uses', async () => {
    const { id, slug } = await api.create({ maxScans: 5 }, key);
    await api.sql(`UPDATE codes.codes SET domain = $2, slug_key = id || '/' || slug, scans_used = 2 WHERE id = $1`, [
      id,
      'go.example',
    ]);
    await api.edit(id, { maxScans: 9 }, key);
    expect((await restore(id, 1)).json()).toMatchObject({ slug, domain: 'go.example', scansUsed: 2, maxScans: 5 });
  });

  it('follows If-Match, and finds no version that never was', async () => {
    const { id } = await api.create({ title: 'a' }, key);
    await api.edit(id, { title: 'b' }, key);
    expect((await restore(id, 1, { 'if-match': '"1"' })).statusCode).toBe(412);
    for (const version of [3, 0, -1, 2 ** 31, 10 ** 15])
      expect([version, (await restore(id, version)).statusCode]).toEqual([version, 422]);
    expect((await restore(id, 1, { 'if-match': '"2"' })).json()).toMatchObject({ title: 'a', version: 3 });
    expect((await api.call('POST', `/v1/codes/${id}/restore`, { payload: { version: 1 } })).statusCode).toBe(404);
  });
});
