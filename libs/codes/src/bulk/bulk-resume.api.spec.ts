import { randomUUID } from 'node:crypto';
import { KeyRing } from '@signet/platform';
import { until } from '@signet/testing';
import { BulkClient, idsOf, lines, link, NDJSON, OpenUpload, summary } from './bulk.fixture.js';

const ROWS = 1200;

describe('a bulk call with an Idempotency-Key', () => {
  let bulk: BulkClient;
  let url: string;
  beforeAll(async () => {
    bulk = await BulkClient.open();
    await bulk.app.listen(0, '127.0.0.1');
    url = await bulk.app.getUrl();
  });
  afterAll(() => bulk.close());

  const rows = (prefix: string) =>
    Array.from({ length: ROWS }, (_, n) => link({ slug: `${prefix}-${n}`, title: `n ${n}` }));
  const stored = async (prefix: string): Promise<number> => {
    const [{ count }] = await bulk.platform.dataSource.query(
      'SELECT count(*)::int AS count FROM codes.codes WHERE slug LIKE $1',
      [`${prefix}-%`],
    );
    return count;
  };
  it('goes on where the connection was cut, and answers what was done as it was done', async () => {
    const all = rows('cut');
    const once = randomUUID();
    const upload = OpenUpload.begin(url, { key: bulk.admin, once });
    // A whole batch, and the beginning of another, which must not be done as one of its own.
    upload.write(`${lines(all.slice(0, 700))}\n${JSON.stringify(all[700]).slice(0, 20)}`);
    await until(() => upload.results.length > 0);
    upload.cut();
    await upload.ended;
    const before = upload.results;
    expect(before.map(({ status }) => status)).toEqual(before.map(() => 'created'));
    await bulk.call('PATCH', `/v1/codes/${before[0]?.code?.id}`, { title: 'edited meanwhile' });

    const results = await bulk.upload(lines(all), '', { once });
    expect(results.map(({ index, status }) => [index, status])).toEqual(all.map((_, n) => [n, 'created']));
    expect(results.slice(0, before.length)).toEqual(before);
    expect([new Set(idsOf(results)).size, await stored('cut')]).toEqual([ROWS, ROWS]);
    expect((await bulk.code(before[0]?.code?.id ?? '')).title).toBe('edited meanwhile');
    expect(await bulk.upload(lines(all), '', { once })).toEqual(results);
  });

  it('does not change twice what a row changed before', async () => {
    const code = await bulk.issue({ title: 'first' });
    const once = randomUUID();
    const change = lines([{ id: code.id, title: 'second' }]);
    const [done] = await bulk.upload(change, '', { once });
    await bulk.call('PATCH', `/v1/codes/${code.id}`, { title: 'third' });
    expect(await bulk.upload(change, '', { once })).toEqual([done]);
    expect(await bulk.code(code.id)).toMatchObject({ title: 'third', version: 3 });
  });

  it('is refused with other rows or another query, and anew after a day', async () => {
    const once = randomUUID();
    await bulk.upload(lines([link({ slug: 'day-1' })]), '', { once });
    const others = [
      ['', lines([link({ slug: 'day-2' })])],
      ['', lines([link({ slug: 'day-1' }), link()])],
      ['atomic=true', lines([link({ slug: 'day-1' })])],
    ] as const;
    for (const [query, text] of others) {
      const answer = await bulk.call('POST', `/v1/codes/bulk?${query}`, text, { type: NDJSON, once });
      expect([answer.statusCode, answer.json().type]).toEqual([409, 'urn:signet:problem:idempotency-conflict']);
    }
    bulk.platform.clock.advance(24 * 3_600_000 + 1000);
    expect(summary(await bulk.upload(lines([link({ slug: 'day-1' })]), '', { once }))).toEqual([
      [0, 'slug-taken', 'slug'],
    ]);
  });

  it('is done once when it is sent twice at the same time', async () => {
    const all = rows('both');
    const once = randomUUID();
    const [one, other] = await Promise.all([
      bulk.upload(lines(all), '', { once }),
      bulk.upload(lines(all), '', { once }),
    ]);
    expect(one).toEqual(other);
    expect([idsOf(one).length, await stored('both')]).toEqual([ROWS, ROWS]);
  });

  it('keeps no slug of a protected code where it can be read', async () => {
    const once = randomUUID();
    const [result] = await bulk.upload(lines([link({ maxScans: 1 })]), '', { once });
    const kept = await bulk.platform.dataSource.query('SELECT answer FROM codes.bulk_batches');
    expect(JSON.stringify(kept)).not.toContain(result?.code?.slug);
    expect(kept.every(({ answer }: { answer: Buffer }) => new KeyRing(KeyRing.generate()).isCurrent(answer))).toBe(
      true,
    );
  });

  it('gives each slug to one of two uploads that want the same ones at once', async () => {
    const all = rows('race');
    const [one, other] = await Promise.all([bulk.upload(lines(all)), bulk.upload(lines(all.toReversed()))]);
    const slugs = [...one, ...other].flatMap(({ code }) => code?.slug ?? []);
    expect([slugs.length, new Set(slugs).size, await stored('race')]).toEqual([ROWS, ROWS, ROWS]);
    const refused = [...one, ...other].filter(({ problem }) => problem?.type === 'urn:signet:problem:slug-taken');
    expect(refused).toHaveLength(ROWS);
  });

  it('reads the whole body of a client that reads no answer before', async () => {
    const text = lines(Array.from({ length: 3000 }, () => link({ notes: 'x'.repeat(2000) })));
    const answer = await fetch(`${url}/v1/codes/bulk?dryRun=true`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bulk.admin}`, 'content-type': NDJSON },
      body: text,
    });
    expect((await answer.text()).split('\n').filter(Boolean)).toHaveLength(3000);
  });
});
