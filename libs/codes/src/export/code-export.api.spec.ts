import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { CodeSchema, type Code } from '@signet/contracts';
import { decodeQrPng } from '@signet/testing';
import { parse as parseCsv } from 'csv-parse/sync';
import type { Logger as QueryLogger } from 'typeorm';
import { CodesApi, queryOf, type Query } from '../codes-api.fixture.js';

let api: CodesApi;
let key: string;
beforeAll(async () => {
  api = await CodesApi.open();
  await api.app.listen(0, '127.0.0.1');
});
beforeEach(async () => {
  key = await api.workspace();
});
afterAll(() => api.close());

const exported = (query: Query, as = key) => api.call('GET', `/v1/codes/export${queryOf(query)}`, { key: as });
const rowsOf = (csv: string): Record<string, string>[] => parseCsv(csv, { columns: true, bom: true });
const linesOf = (ndjson: string): Code[] =>
  ndjson
    .split('\n')
    .filter(Boolean)
    .map((line) => CodeSchema.parse(JSON.parse(line)));
const titlesOf = async (query: Query): Promise<(string | undefined)[]> =>
  rowsOf((await exported(query)).body).map(({ title }) => title);

/** More codes than a page of an export has, as bulk would make them. */
const many = (count: number): Promise<void> =>
  api.sql(
    `INSERT INTO codes.codes (id, workspace_id, slug, slug_key, kind, state, version, target, title, tags, created_at,
       updated_at, created_by)
     SELECT gen_random_uuid(), workspace_id, 'm' || n || id, 'm' || n || id, 'link', 'active', 1, target, 'code ' || n, '{}',
       created_at + n % 3 * interval '1 microsecond', updated_at, created_by
     FROM codes.codes, generate_series(1, $2::int) AS n WHERE id = $1`,
    [firstId, count],
  );
let firstId = '';
const fill = async (count: number): Promise<void> => {
  firstId = (await api.create({ title: 'code 0' }, key)).id;
  await many(count - 1);
};

/** As a spreadsheet writes it. */
function csvOf(columns: readonly string[], rows: readonly Record<string, string>[]): string {
  const quoted = (text = ''): string => `"${text.replaceAll('"', '""')}"`;
  return [columns, ...rows.map((row) => columns.map((column) => row[column]))]
    .map((cells) => cells.map(quoted).join(','))
    .join('\r\n');
}

/** Files of a ZIP without compression (APPNOTE 4.3.7), by their names. */
function unzip(zip: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  const end = zip.lastIndexOf(Buffer.from('PK\u0005\u0006'));
  let entry = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    const [size, nameLength, local] = [
      zip.readUInt32LE(entry + 24),
      zip.readUInt16LE(entry + 28),
      zip.readUInt32LE(entry + 42),
    ];
    const name = zip.toString('utf8', entry + 46, entry + 46 + nameLength);
    const from = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    files.set(name, zip.subarray(from, from + size));
    entry += 46 + nameLength + zip.readUInt16LE(entry + 30) + zip.readUInt16LE(entry + 32);
  }
  return files;
}

describe('an export', () => {
  it('as NDJSON is every code as the API shows it, in the order of creation', async () => {
    const made: Code[] = [];
    for (const title of ['b', 'a', 'c']) {
      api.platform.clock.advance(1);
      made.push(await api.create({ title, tags: ['x'], maxScans: 2, utm: { source: 's' } }, key));
    }
    const answer = await exported({ format: 'ndjson' });
    expect(answer.headers).toMatchObject({
      'content-type': 'application/x-ndjson',
      'content-disposition': 'attachment; filename="codes.ndjson"',
      'cache-control': 'no-store',
    });
    expect(linesOf(answer.body)).toEqual(made);
  });

  it('as CSV has the fields of a body under their names first, and then what a code shows besides', async () => {
    const code = await api.create(
      {
        title: 'Menu, "large"',
        notes: 'first\nsecond',
        tags: ['a', 'b,c'],
        folder: 'Shop',
        expiresAt: '2099-01-01T00:00:00.000Z',
        maxScans: 3,
        rules: [{ when: { os: 'ios' }, target: { url: 'https://example.org/ios' } }],
        utm: { source: 'poster' },
        forwardQuery: true,
      },
      key,
    );
    const app = await api.create(
      { kind: 'app', target: { ios: 'https://apps.example/1', fallback: 'https://example.org/' }, tags: ['a,b'] },
      key,
    );
    const answer = await exported({});
    expect(answer.headers['content-type']).toMatch(/^text\/csv; charset=utf-8/);
    expect(answer.body.startsWith('\ufeffslug,domain,kind,url,title,notes,tags,folder,campaign,owner,')).toBe(true);
    const [first, second] = rowsOf(answer.body);
    expect(first).toMatchObject({
      slug: code.slug,
      kind: 'link',
      url: 'https://example.org/',
      title: 'Menu, "large"',
      notes: 'first\nsecond',
      tags: 'a|b,c',
      folder: 'Shop',
      campaign: '',
      expiresAt: '2099-01-01T00:00:00.000Z',
      maxScans: '3',
      target: '',
      forwardQuery: 'true',
      utm: '{"source":"poster"}',
      id: code.id,
      shortUrl: code.shortUrl,
      status: 'active',
      hasPassword: 'false',
    });
    expect(JSON.parse(first?.['rules'] ?? '')).toEqual(code.rules);
    expect(second).toMatchObject({ url: '', tags: 'a,b|' });
    expect(JSON.parse(second?.['target'] ?? '')).toEqual(app.target);
  });

  it.each(['=1+1', '+49 30 1', '-10%', '@me', "=cmd|' /C calc'!A0", '＝1+1'])(
    'as CSV has no cell that a spreadsheet runs: %j',
    async (title) => {
      await api.create({ title, notes: `\t${title}`, tags: [title], folder: title, owner: title }, key);
      const [row] = rowsOf((await exported({})).body);
      for (const cell of ['title', 'tags', 'folder', 'owner']) expect(row?.[cell]).toBe(`'${title}`);
      for (const cell of Object.values(row ?? {})) expect(cell).not.toMatch(/^[=+\-@\t\r＝＋－＠]/);
    },
  );

  it('takes the filters of the list, and a saved one', async () => {
    await api.create({ title: 'alpha', tags: ['x'], folder: 'Shop/Winter' }, key);
    await api.create({ title: 'beta', tags: ['x'] }, key);
    const { id } = await api.create({ title: 'gamma', tags: ['y'] }, key);
    await api.ask('DELETE', `/v1/codes/${id}`, { key });
    expect(await titlesOf({})).toEqual(['alpha', 'beta']);
    expect(await titlesOf({ tag: 'x', folder: 'Shop' })).toEqual(['alpha']);
    expect(await titlesOf({ status: 'archived' })).toEqual(['gamma']);
    expect(await titlesOf({ q: 'nothing' })).toEqual([]);
    const saved = await api.ask('POST', '/v1/saved-filters', {
      key,
      payload: { name: 'f', query: { tag: 'x', sort: '-title' } },
    });
    expect(await titlesOf({ filter: saved.json().id, q: 'beta' })).toEqual(['beta']);
    expect(rowsOf((await exported({}, await api.workspace())).body)).toEqual([]);
  });

  it('that was edited is sent back, and changes those codes', async () => {
    const { id } = await api.create({ title: 'old', tags: ['a'], maxScans: 3 }, key);
    await api.create({ title: 'same' }, key);
    const rows = rowsOf((await exported({})).body).map((row) => (row['id'] === id ? { ...row, title: '=new' } : row));
    const payload = csvOf(Object.keys(rows[0] ?? {}), rows);
    const sent = await api.ask('POST', '/v1/codes/bulk', { key, payload, headers: { 'content-type': 'text/csv' } });
    const results = sent.body
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).status);
    expect(results).toEqual(['updated', 'unchanged']);
    expect((await api.list({ q: '=new' }, key)).items).toMatchObject([{ id, title: '=new', tags: ['a'], maxScans: 3 }]);
  });

  it('comes back through an upload as the same codes', async () => {
    await api.create(
      {
        title: '=1+1',
        notes: 'a\nb',
        tags: ['a', 'b'],
        folder: 'Shop',
        expiresAt: '2099-01-01T00:00:00.000Z',
        utm: { source: 's' },
      },
      key,
    );
    await api.create({ kind: 'app', target: { ios: 'https://apps.example/1', fallback: 'https://example.org/' } }, key);
    const before = await api.listAll({ sort: 'createdAt' }, key);
    const rows = rowsOf((await exported({})).body);
    // In another workspace, under new slugs.
    const other = await api.workspace();
    const columns = Object.keys(rows[0] ?? {}).filter((column) => column !== 'id' && column !== 'slug');
    const csv = csvOf(columns, rows);
    const answer = await api.ask('POST', '/v1/codes/bulk', {
      key: other,
      payload: csv,
      headers: { 'content-type': 'text/csv' },
    });
    expect(answer.body.match(/"status":"created"/g)).toHaveLength(2);
    const whatItIs = ({ kind, target, title, notes, tags, folder, expiresAt, utm, rules, maxScans }: Code) => ({
      kind,
      target,
      title,
      notes,
      tags,
      folder,
      expiresAt,
      utm,
      rules,
      maxScans,
    });
    expect((await api.listAll({ sort: 'createdAt' }, other)).map(whatItIs)).toEqual(before.map(whatItIs));
  });

  it('never has the link of a code whose slug is a secret', async () => {
    const { id, slug } = await api.create({ title: 'enroll' }, key);
    await api.sql(`UPDATE codes.codes SET kind = 'enrollment', slug = NULL WHERE id = $1`, [id]);
    for (const format of ['csv', 'ndjson', 'zip']) expect((await exported({ format })).body).not.toContain(slug);
    expect(rowsOf((await exported({})).body)).toMatchObject([{ id, slug: '', shortUrl: '' }]);
    expect(unzip((await exported({ format: 'zip' })).rawPayload).size).toBe(0);
  });

  it('has each code once, however many pages it takes', async () => {
    await fill(1203);
    const titles = await titlesOf({});
    expect(titles).toHaveLength(1203);
    expect(new Set(titles).size).toBe(1203);
  });
});

describe('a ZIP', () => {
  it('has the QR image of each code, under the name that was asked for', async () => {
    const first = await api.create({ title: 'Menu', folder: 'Shop/Winter' }, key);
    const second = await api.create({ title: 'Menu' }, key);
    const zip = await exported({ format: 'zip' });
    expect(zip.headers).toMatchObject({
      'content-type': 'application/zip',
      'content-disposition': 'attachment; filename="codes.zip"',
    });
    const svgs = unzip(zip.rawPayload);
    expect([...svgs.keys()]).toEqual([`Shop/Winter/Menu-${first.slug}.svg`, `Menu-${second.slug}.svg`]);
    const image = await api.ask('GET', `/v1/codes/${first.id}/qr?format=svg`, { key });
    expect(svgs.get(`Shop/Winter/Menu-${first.slug}.svg`)?.toString()).toBe(image.body);

    const pngs = unzip(
      (await exported({ format: 'zip', image: 'png', size: 300, ecc: 'H', fileName: '{title}' })).rawPayload,
    );
    expect([...pngs.keys()]).toEqual(['Menu.png', 'Menu (2).png']);
    const drawn = await Promise.all([...pngs.values()].map((png) => decodeQrPng(png)));
    expect(drawn).toEqual([first.shortUrl, second.shortUrl]);
  });

  it.each<[Query, number, string]>([
    [{ fileName: '{password}' }, 422, 'invalid-request'],
    [{ fileName: '' }, 422, 'invalid-request'],
    [{ image: 'gif' }, 422, 'invalid-request'],
    [{ size: 5 }, 422, 'invalid-request'],
    [{ dark: '#777777', light: '#888888' }, 422, 'contrast-too-low'],
    [{ format: 'xlsx' }, 422, 'invalid-request'],
    [{ limit: 5 }, 422, 'invalid-request'],
    [{ filter: '01a21394-0059-7419-a381-e9f4fe0c76f2' }, 404, 'not-found'],
  ])('with %j is answered as a problem, not begun', async (query, status, kind) => {
    await api.create({}, key);
    const answer = await exported({ format: 'zip', ...query });
    expect([answer.statusCode, answer.json().type]).toEqual([status, `urn:signet:problem:${kind}`]);
  });
});

describe('over a connection', () => {
  const begin = async (query: Query): Promise<IncomingMessage> => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
    const { port } = api.app.getHttpServer().address() as AddressInfo;
    const headers = { authorization: `Bearer ${key}` };
    const outgoing = request({ port, path: `/v1/codes/export${queryOf(query)}`, headers, agent: false });
    outgoing.on('error', () => undefined).end();
    const [answer]: IncomingMessage[] = await once(outgoing, 'response');
    if (!answer) throw new Error('no answer');
    return answer;
  };
  const ignored = (): void => undefined;
  /** What is asked of the database from now on. */
  const watchQueries = (onQuery: (sql: string) => void): void => {
    const logger: QueryLogger = {
      logQuery: onQuery,
      logQueryError: ignored,
      logQuerySlow: ignored,
      logSchemaBuild: ignored,
      logMigration: ignored,
      log: ignored,
    };
    api.platform.dataSource.logger = logger;
  };
  const isPage = (sql: string): boolean => sql.includes('ORDER BY created_at ASC, id ASC LIMIT 500');

  it('that is slow, no more is read than it takes; that is gone, nothing', async () => {
    await fill(20_000);
    let pages = 0;
    watchQueries((sql) => void (pages += isPage(sql) ? 1 : 0));
    const answer = await begin({ format: 'ndjson' });
    answer.pause();
    // Until what lies between the two is full.
    let before = -1;
    while (before !== pages) {
      before = pages;
      await sleep(300);
    }
    expect(pages).toBeLessThan(40);
    answer.destroy();
    await sleep(300);
    expect(pages).toBeLessThanOrEqual(before + 1);
  });

  it('what goes wrong in the middle cuts it off, so that half an export is not taken for one', async () => {
    await fill(1500);
    let pages = 0;
    watchQueries((sql) => {
      if (!isPage(sql)) return;
      pages += 1;
      if (pages === 3) throw new Error('the database is gone');
    });
    const answer = await begin({ format: 'csv' });
    expect(answer.statusCode).toBe(200);
    let text = '';
    answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const [error]: { code?: string }[] = await once(answer, 'error');
    expect([error?.code, answer.complete]).toEqual(['ECONNRESET', false]);
    expect(text.split('\r\n').length).toBeGreaterThan(900);
    watchQueries(ignored);
  });

  it('what goes wrong before the first code is answered as a problem', async () => {
    await fill(3);
    await api.sql('ALTER TABLE codes.codes RENAME TO codes_away');
    const answer = await exported({});
    await api.sql('ALTER TABLE codes.codes_away RENAME TO codes');
    expect([answer.statusCode, answer.json().type]).toEqual([500, 'urn:signet:problem:internal-error']);
  });
});
