import { SubjectImportResultSchema, type Subject, type SubjectImportResult } from '@signet/contracts';
import { MfaApp } from './mfa-app.fixture.js';
import type { People } from './people.fixture.js';

const NDJSON = { 'content-type': 'application/x-ndjson' };
const CSV = { 'content-type': 'text/csv; charset=utf-8' };

describe('the directory of subjects', () => {
  let service: MfaApp;
  let people: People;

  beforeAll(async () => {
    service = await MfaApp.open();
    ({ people } = service);
  });
  afterAll(() => service.close());

  const send = async (text: string, headers = NDJSON): Promise<SubjectImportResult[]> => {
    const answer = await people.call('POST', '/v1/subjects/import', text, headers);
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'application/x-ndjson']);
    const lines = answer.body.split('\n').filter(Boolean);
    return lines.map((line) => SubjectImportResultSchema.parse(JSON.parse(line)));
  };
  const list = async (query: string): Promise<{ items: Subject[]; nextCursor: string | null }> =>
    (await people.call('GET', `/v1/subjects?${query}`)).json();
  const namesOf = (page: { items: Subject[] }): string[] => page.items.map(({ subject }) => subject);

  it('lists by name, page by page, and filters by group, role, status and text', async () => {
    const rows = [
      { subject: 'list-a', groups: ['g1', 'g2'], roles: ['dba'], email: 'a@example.com' },
      { subject: 'list-b', groups: ['g1'], displayName: 'Bêa 100%' },
      { subject: 'list-c', roles: ['dba'] },
    ];
    await send(rows.map((row) => JSON.stringify(row)).join('\n'));
    await people.call('PATCH', '/v1/subjects/list-c', { status: 'suspended' });
    expect(namesOf(await list('group=g1'))).toEqual(['list-a', 'list-b']);
    expect(namesOf(await list('group=g1&role=dba'))).toEqual(['list-a']);
    expect(namesOf(await list('status=suspended'))).toEqual(['list-c']);
    expect(namesOf(await list(`q=${encodeURIComponent('A@EXAMPLE')}`))).toEqual(['list-a']);
    expect(namesOf(await list(`q=${encodeURIComponent('100%')}`))).toEqual(['list-b']);
    expect(namesOf(await list(`q=${encodeURIComponent('list_')}`))).toEqual([]);
    const first = await list('q=list-&limit=2');
    const second = await list(`q=list-&limit=2&cursor=${first.nextCursor}`);
    expect([namesOf(first), namesOf(second), second.nextCursor]).toEqual([['list-a', 'list-b'], ['list-c'], null]);
  });

  it('changes what a PATCH gives, merges attributes, and refuses a stale version', async () => {
    const url = '/v1/subjects/patched';
    await people.call('PUT', url, { displayName: 'P', groups: ['a'], attributes: { shoe: 42, vip: true } });
    const patched = await people.call('PATCH', url, { attributes: { vip: null, floor: '3' } }, { 'if-match': '"1"' });
    expect(patched.json()).toMatchObject({
      displayName: 'P',
      groups: ['a'],
      attributes: { shoe: 42, floor: '3' },
      version: 2,
    });
    expect(patched.headers.etag).toBe('"2"');
    const stale = await people.call('PATCH', url, { groups: [] }, { 'if-match': '"1"' });
    expect([stale.statusCode, stale.json().type]).toEqual([412, 'urn:signet:problem:version-mismatch']);
    await people.call('PATCH', url, { attributes: { floor: '3' } }, { 'if-match': '"2"' });
    expect(await people.auditActions('patched')).toEqual(['subject.create', 'subject.update']);
  });

  it('bounds attributes', async () => {
    const many = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`a${index}`, 1]));
    const answers = [many, { 'no spaces': 1 }, { a: 'x'.repeat(501) }, { a: { b: 1 } }].map((attributes) =>
      people.call('PUT', '/v1/subjects/bounded', { attributes }),
    );
    expect((await Promise.all(answers)).map(({ statusCode }) => statusCode)).toEqual([422, 422, 422, 422]);
  });

  it('imports NDJSON: one result a row in order, where a wrong row keeps no other out and the later twin wins', async () => {
    await people.call('PUT', '/v1/subjects/there', { displayName: 'Old' });
    await people.call('PUT', '/v1/subjects/same', { displayName: 'Same' });
    const results = await send(
      [
        '{"subject":"there","displayName":"New"}',
        '{"subject":"same","displayName":"Same"}',
        '{"subject":"twin","displayName":"First"}',
        '{"subject":"","displayName":"nobody"}',
        'not json',
        '',
        '{"subject":"twin","displayName":"Second"}\r',
        '{"subject":"extra","shoe":42}',
      ].join('\n'),
    );
    expect(results.map(({ index, status, subject }) => [index, status, subject])).toEqual([
      [0, 'updated', 'there'],
      [1, 'unchanged', 'same'],
      [2, 'created', 'twin'],
      [3, 'error', undefined],
      [4, 'error', undefined],
      [5, 'updated', 'twin'],
      [6, 'error', undefined],
    ]);
    expect(results[3]?.problem).toMatchObject({ status: 422, errors: [{ path: 'subject' }] });
    expect(results[4]?.problem).toMatchObject({ status: 400 });
    expect((await people.call('GET', '/v1/subjects/twin')).json()).toMatchObject({ displayName: 'Second' });
    expect(await people.auditActions('twin')).toEqual(['subject.create', 'subject.update']);
    expect(await people.auditActions('same')).toEqual(['subject.create']);
  });

  it('imports CSV with joined groups and columns of attributes, each broken row an error of its own', async () => {
    const csv = [
      '\ufeffsubject,displayName,groups,attributes.floor',
      'csv-1,"Ann, ""A""",g1|g2,3',
      'too,many,cells,are,here',
      'csv-2,,,',
      'csv-3,"Carl" stray,,',
      'csv-4,"open',
      'csv-5,Bert',
    ].join('\r\n');
    const results = await send(csv, CSV);
    expect(results.map(({ index, status }) => [index, status])).toEqual([
      [0, 'created'],
      [1, 'error'],
      [2, 'created'],
      [3, 'created'],
      [4, 'error'],
      [5, 'created'],
    ]);
    expect((await people.call('GET', '/v1/subjects/csv-1')).json()).toMatchObject({
      displayName: 'Ann, "A"',
      groups: ['g1', 'g2'],
      attributes: { floor: '3' },
    });
  });

  it('imports thousands in batches, and refuses a row that is too long', async () => {
    const rows = Array.from({ length: 3000 }, (_, index) => `{"subject":"many-${index}"}`);
    const results = await send(rows.join('\n'));
    expect(results.map(({ index }) => index)).toEqual(rows.map((_, index) => index));
    expect(results.every(({ status }) => status === 'created')).toBe(true);
    const long = await send(`{"subject":"${'x'.repeat(70_000)}"}\n{"subject":"after"}`);
    expect(long.map(({ status, problem }) => [status, problem?.status])).toEqual([
      ['error', 413],
      ['created', undefined],
    ]);
  });

  it('takes its types for this call and for no other', async () => {
    const json = await people.call('POST', '/v1/subjects/import', { subject: 'x' });
    expect(json.statusCode).toBe(415);
    const put = await people.call('PUT', '/v1/subjects/x', '{"subject":"x"}', NDJSON);
    expect([put.statusCode, put.json().type]).toEqual([415, 'urn:signet:problem:unsupported-media-type']);
  });

  it('names a factor', async () => {
    const { factorId } = await people.enroll('namer');
    const named = await people.call('PATCH', `/v1/factors/${factorId}`, { name: 'work phone' });
    expect(named.json()).toMatchObject({ id: factorId, name: 'work phone' });
    const { items } = (await people.call('GET', '/v1/subjects/namer/factors')).json();
    expect(items).toMatchObject([{ name: 'work phone', lastUsedFrom: null }]);
    expect(await people.auditActions('namer')).toContain('factor.rename');
  });
});
