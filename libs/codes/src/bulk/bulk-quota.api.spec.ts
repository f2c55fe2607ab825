import { BulkClient, lines, link, NDJSON, summary } from './bulk.fixture.js';

describe('quotas of bulk calls', () => {
  let bulk: BulkClient;
  beforeAll(async () => {
    bulk = await BulkClient.open();
  });
  afterAll(() => bulk.close());

  const links = (count: number) => Array.from({ length: count }, () => link());

  it('gives the room that is left to the first rows that can have it, and tells the others the numbers', async () => {
    const key = await bulk.workspace({ codes: 5 });
    await bulk.upload(lines([link({ slug: 'quota-there' })]), '', { key });
    const rows = [link(), { target: {} }, link({ slug: 'quota-there' }), ...links(5)];
    const results = await bulk.upload(lines(rows), '', { key });
    expect(summary(results)).toEqual([
      [0, 'created'],
      [1, 'invalid-request', 'target.url'],
      [2, 'slug-taken', 'slug'],
      [3, 'created'],
      [4, 'created'],
      [5, 'created'],
      [6, 'quota-exceeded'],
      [7, 'quota-exceeded'],
    ]);
    expect(results[7]?.problem).toMatchObject({ status: 403, limit: 5, used: 5 });
    expect(await bulk.codesUsed(key)).toBe(5);
  });

  it('counts what was issued: not what was refused, nor what an atomic upload took back', async () => {
    const key = await bulk.workspace({ codes: 5 });
    const refused = await bulk.call('POST', '/v1/codes/bulk?atomic=true', lines(links(6)), { type: NDJSON, key });
    expect(refused.json().errors).toMatchObject([{ index: 5, path: '' }]);
    expect(await bulk.codesUsed(key)).toBe(0);
    await bulk.upload(lines(links(5)), 'atomic=true', { key });
    expect(await bulk.codesUsed(key)).toBe(5);
  });

  it('has room again behind a row that ends a code, not before it', async () => {
    const key = await bulk.workspace({ codes: 1 });
    const [first] = await bulk.upload(lines(links(1)), '', { key });
    const rows = [link(), { id: first?.code?.id, action: 'revoke', reason: 'lost' }, link(), link()];
    for (const query of ['dryRun=true', ''])
      expect(summary(await bulk.upload(lines(rows), query, { key }))).toEqual([
        [0, 'quota-exceeded'],
        [1, 'revoked'],
        [2, 'created'],
        [3, 'quota-exceeded'],
      ]);
    expect(await bulk.codesUsed(key)).toBe(1);
  });

  it('is kept exactly by uploads at once', async () => {
    const key = await bulk.workspace({ codes: 100 });
    const uploads = Array.from({ length: 4 }, () => bulk.upload(lines(links(40)), '', { key }));
    const created = (await Promise.all(uploads)).flat().filter(({ status }) => status === 'created');
    expect([created.length, await bulk.codesUsed(key)]).toEqual([100, 100]);
  });

  it('takes as many rows as the workspace may send at once, and says so to the next', async () => {
    const key = await bulk.workspace({ bulkRows: 3 });
    const results = await bulk.upload(lines(links(6)), '', { key });
    expect(summary(results)).toEqual([
      [0, 'created'],
      [1, 'created'],
      [2, 'created'],
      [3, 'quota-exceeded'],
    ]);
    expect(results[3]?.problem).toMatchObject({ limit: 3 });
    const many = { filter: { kind: 'link' }, reason: 'x' };
    await bulk.upload(lines(links(1)), '', { key });
    const answer = await bulk.call('POST', '/v1/codes/bulk/revoke', many, { key });
    expect([answer.statusCode, answer.json()]).toMatchObject([403, { limit: 3 }]);
    expect((await bulk.call('GET', '/v1/codes?status=revoked', undefined, { key })).json().items).toEqual([]);
  });
});
