import { readFileSync } from 'node:fs';
import type { BulkResult } from '@signet/contracts';
import { BulkClient, CSV, NDJSON, summary } from '../bulk.fixture.js';

const exported = (name: string): string => readFileSync(new URL(`exports/${name}`, import.meta.url), 'utf8');

describe('exports of other products', () => {
  let bulk: BulkClient;
  beforeAll(async () => {
    bulk = await BulkClient.open();
  });
  afterAll(() => bulk.close());

  /** On the installation's own domain, unless the rows may say otherwise. */
  const bring = (name: string, query = '&domain=sgn.example'): Promise<BulkResult[]> =>
    bulk.upload(exported(name), `format=${name.split('.')[0]}${query}`, { type: name.endsWith('.csv') ? CSV : NDJSON });
  const shown = (results: readonly BulkResult[]) => results.map(({ code }) => code);

  it('of Shlink’s web client keep slugs, titles, tags and counts', async () => {
    const results = await bring('shlink.csv');
    expect(summary(results)).toEqual([
      [0, 'created'],
      [1, 'created'],
      [2, 'invalid-request', 'slug'],
    ]);
    expect(shown(results)).toMatchObject([
      {
        slug: 'menu',
        shortUrl: 'https://sgn.example/menu',
        target: { url: 'https://example.org/menu?lang=de' },
        title: 'Summer menu, 2023',
        tags: ['food', 'summer'],
        importedScans: 1204,
        scansUsed: 0,
      },
      { slug: 'Ab3xY', title: null, importedScans: 0 },
      undefined,
    ]);
    expect(await bulk.code(results[0]?.code?.id ?? '')).toMatchObject({ importedScans: 1204 });
  });

  it('are refused where they name a domain that is not the workspace’s', async () => {
    expect(summary(await bring('shlink.csv', '&dryRun=true')).slice(0, 2)).toEqual([
      [0, 'invalid-request', 'domain'],
      [1, 'invalid-request', 'domain'],
    ]);
  });

  it('of Shlink’s API keep times and the uses that are left', async () => {
    const results = await bring('shlink.ndjson');
    expect(summary(results)).toEqual([
      [0, 'created'],
      [1, 'invalid-request', 'maxVisits'],
    ]);
    expect(results[0]?.code).toMatchObject({
      activeFrom: '2024-01-01T23:00:00.000Z',
      expiresAt: '2099-12-31T23:59:59.000Z',
      maxScans: 60,
      importedScans: 40,
      forwardQuery: true,
    });
  });

  it('of Kutt keep addresses and visits, and leave out what must not come open', async () => {
    const results = await bring('kutt.ndjson');
    expect(summary(results)).toEqual([
      [0, 'created'],
      [1, 'invalid-request', 'password'],
      [2, 'invalid-request', 'banned'],
    ]);
    expect(results[0]?.code).toMatchObject({
      slug: 'kutt1',
      title: 'A link',
      importedScans: 31,
      expiresAt: '2099-01-01T00:00:00.000Z',
    });
    const table = await bring('kutt.csv');
    expect(summary(table)).toEqual([
      [0, 'created'],
      [1, 'invalid-request', 'password'],
    ]);
    expect(table[0]?.code).toMatchObject({ importedScans: 12, expiresAt: '2099-01-01T00:00:00.000Z' });
  });

  it('of YOURLS keep keywords and clicks', async () => {
    const results = await bring('yourls.csv');
    expect(summary(results)).toEqual([
      [0, 'created'],
      [1, 'invalid-request', 'slug'],
      [2, 'created'],
    ]);
    expect(results[0]?.code).toMatchObject({ slug: 'ozh', title: 'Ozh’s "blog" and more', importedScans: 98_765 });
    expect(results[2]?.code?.target).toEqual({ url: 'https://example.org/?a=1&b=2' });
  });

  it('of Bitly keep the back-half that is printed, and its engagements', async () => {
    const results = await bring('bitly.csv');
    expect(shown(results)).toMatchObject([
      { slug: '3AbCdEf', title: 'Spring, again', tags: ['spring', 'print'], importedScans: 1024 },
      { slug: 'offer', importedScans: 7 },
    ]);
    const links = await bring('bitly.ndjson');
    expect(summary(links)).toEqual([
      [0, 'created'],
      [1, 'invalid-request', 'archived'],
    ]);
    expect(links[0]?.code).toMatchObject({ slug: 'own-name', title: 'Own name', tags: ['x'] });
  });

  it('are not taken for one another', async () => {
    const answer = await bulk.call('POST', '/v1/codes/bulk?format=yourls', exported('shlink.csv'), { type: CSV });
    expect(answer.statusCode).toBe(422);
    expect(answer.json().errors.map(({ path }: { path: string }) => path)).toEqual(['keyword', 'url']);
  });
});
