import { BulkClient, CSV, idsOf, lines, link, NDJSON, summary } from './bulk.fixture.js';

describe('POST /v1/codes/bulk', () => {
  let bulk: BulkClient;
  beforeAll(async () => {
    bulk = await BulkClient.open();
  });
  afterAll(() => bulk.close());

  it('issues a code a row, as a call of its own would: with slug, history, event and CodeState', async () => {
    const results = await bulk.upload(
      lines([
        link({ slug: 'bulk-one', title: 'One', tags: ['a', 'b'], folder: 'Menus' }),
        link({ maxScans: 1 }),
        link({ password: 'open sesame', importedScans: 12 }),
      ]),
    );
    expect(summary(results)).toEqual([
      [0, 'created'],
      [1, 'created'],
      [2, 'created'],
    ]);
    const [first, second, third] = results.map(({ code }) => code);
    expect(first).toMatchObject({ slug: 'bulk-one', title: 'One', tags: ['a', 'b'], propagation: 'effective' });
    expect(second?.slug).toHaveLength(22);
    expect(third).toMatchObject({ hasPassword: true, importedScans: 12 });
    const { propagation: _told, ...stored } = first ?? {};
    expect(await bulk.code(first?.id ?? '')).toEqual(stored);
    const history = (await bulk.call('GET', `/v1/codes/${third?.id}/history`)).json();
    expect(history.items).toMatchObject([{ version: 1, action: 'created' }]);
    expect(JSON.stringify(history)).not.toContain('sesame');
    expect(await bulk.platform.codeState.read('bulk-one')).toMatchObject({ snapshot: { id: first?.id } });
    const told = await bulk.platform.dataSource.query(
      "SELECT record->>'action' AS action FROM audit.entries WHERE record->>'codeId' = $1",
      [first?.id],
    );
    expect(told).toEqual([{ action: 'code.create' }]);
    const events = await bulk.platform.dataSource.query('SELECT type FROM outbox.events WHERE aggregateid = $1', [
      first?.id,
    ]);
    expect(events).toEqual([{ type: 'code.created' }]);
  });

  it('answers each broken row of NDJSON in its place, and does the others', async () => {
    await bulk.issue({ slug: 'somebodys' });
    const results = await bulk.upload(
      [
        '{"target":{"url":"https://example.org/"}}',
        '{"target":',
        '',
        '[]',
        '{"target":{"url":"javascript:alert(1)"},"maxScans":0}',
        '{"target":{"url":"https://example.org/"},"colour":"red"}',
        '{"target":{"url":"https://example.org/"},"slug":"somebodys"}',
        '{"target":{"url":"https://example.org/"},"slug":"L0gin"}',
        '{"target":{"url":"https://example.org/"},"slug":"twin"}',
        '{"target":{"url":"https://example.org/"},"slug":"twin"}',
        '{"target":{"url":"https://sgn.example/loop"}}',
        '{"target":{"url":"https://example.org/"},"domain":"nobody.example"}',
        '{"target":{"url":"https://example.org/"},"brandId":"0198c5a2-7f00-7000-8000-000000000001"}',
        `{"target":{"url":"https://example.org/"},"notes":"${'x'.repeat(70_000)}"}`,
        '{"target":{"url":"https://example.org/last"}}\r',
      ].join('\n'),
    );
    expect(summary(results)).toEqual([
      [0, 'created'],
      [1, 'unreadable-request'],
      [2, 'invalid-request', ''],
      [3, 'invalid-request', 'target.url', 'maxScans'],
      [4, 'invalid-request', 'colour'],
      [5, 'slug-taken', 'slug'],
      [6, 'slug-reserved', 'slug'],
      [7, 'created'],
      [8, 'slug-taken', 'slug'],
      [9, 'target-not-allowed', 'target.url'],
      [10, 'invalid-request', 'domain'],
      [11, 'invalid-request', 'brandId'],
      [12, 'body-too-large'],
      [13, 'created'],
    ]);
    expect(results[5]?.problem).toMatchObject({ status: 409, detail: expect.stringContaining('is free') });
  });

  it('reads CSV as spreadsheets write it, and answers each broken row in its place', async () => {
    const csv = [
      '\ufeffurl,slug,title,tags,maxScans,forwardQuery,utm.source,expiresAt',
      'https://example.org/1,csv-1,"Quoted, ""twice""\r\nand on two lines",a|b c,3,true,flyer,2099-01-01T00:00:00Z',
      'https://example.org/2,,,,,,,',
      'https://example.org/3,csv-3',
      'https://example.org/4,csv-4,,,many,,,',
      'https://example.org/5,csv-5,,,,perhaps,,',
      'not a url,csv-6,,,,,,tomorrow',
      'https://example.org/7,csv-7,,,,,,,too,many',
      'https://example.org/8,csv-8,stray "quote" here,,,,,',
      '"https://example.org/9"x,csv-9,,,,,,',
      "https://example.org/10,csv-10,'=1+1,,,,,",
      'https://example.org/11,csv-11,"never closed',
    ].join('\r\n');
    const results = await bulk.upload(csv, '', { type: CSV });
    expect(summary(results)).toEqual([
      [0, 'invalid-request', 'title'],
      [1, 'created'],
      [2, 'created'],
      [3, 'invalid-request', 'maxScans'],
      [4, 'invalid-request', 'forwardQuery'],
      [5, 'invalid-request', 'target.url', 'target.url', 'expiresAt'],
      [6, 'unreadable-request'],
      [7, 'created'],
      [8, 'invalid-request', 'target.url'],
      [9, 'created'],
      [10, 'unreadable-request'],
    ]);
    expect(results[9]?.code?.title).toBe('=1+1');
    const whole = await bulk.upload(
      'url,slug,title,notes,tags,maxScans,forwardQuery,utm.source,scansUsed\nhttps://example.org/1,csv-1,"Quoted, ""twice""","two\nlines",a|b c,3,TRUE,flyer,7\n',
      '',
      { type: CSV },
    );
    expect(whole[0]?.code).toMatchObject({
      title: 'Quoted, "twice"',
      notes: 'two\nlines',
      tags: ['a', 'b c'],
      maxScans: 3,
      forwardQuery: true,
      utm: { source: 'flyer' },
      scansUsed: 0,
    });
  });

  it.each([
    ['columns that are no fields', 'url,colour\nhttps://example.org/,red', CSV, 422, 'colour'],
    ['a column twice', 'url,title,title\nhttps://example.org/,a,b', CSV, 422, 'title'],
    ['no header', '', CSV, 400, undefined],
    ['a header that never ends', '"url,title\n', CSV, 400, undefined],
    ['another type', '{}', 'application/json', 415, undefined],
  ])('refuses %s as a whole', async (_what, text, type, status, path) => {
    const answer = await bulk.call('POST', '/v1/codes/bulk', text, { type });
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    const paths = answer.json().errors?.map((error: { path: string }) => error.path);
    expect(paths).toEqual(path === undefined ? undefined : [path]);
  });

  it('says of a body that is not UTF-8 where it ends', async () => {
    const latin = Buffer.from('{"target":{"url":"https://example.org/"}}\n{"title":"Caf\u00e9"}\n', 'latin1');
    const answer = await bulk.app.inject({
      method: 'POST',
      url: '/v1/codes/bulk',
      payload: latin,
      headers: { authorization: `Bearer ${bulk.admin}`, 'content-type': NDJSON },
    });
    expect(answer.body).toContain('not UTF-8');
  });

  it('changes, moves and re-tags the codes that rows name, in the order of the rows', async () => {
    const [one, two, three] = [
      await bulk.issue({ tags: ['old', 'both'], title: 'One' }),
      await bulk.issue(),
      await bulk.issue({ slug: 'bulk-three' }),
    ];
    const results = await bulk.upload(
      lines([
        { id: one.id, title: 'Uno', addTags: ['new', 'both'], removeTags: ['old'] },
        { id: one.id, title: 'Uno' },
        { id: one.id, target: { url: 'https://example.org/uno' }, ifVersion: 2 },
        { id: one.id, title: 'late', ifVersion: 2 },
        { id: two.id, action: 'pause' },
        { id: two.id, action: 'revoke', reason: 'lost' },
        { id: two.id, title: 'too late' },
        { id: three.id, slug: 'bulk-three', kind: 'link', folder: 'F' },
        { id: three.id, slug: 'other', domain: 'go.example', folder: 'G' },
        { id: '0198c5a2-7f00-7000-8000-000000000001', title: 'nobody' },
        { id: three.id },
        { id: three.id, action: 'revoke' },
        { id: three.id, action: 'pause', title: 'x' },
        { id: 'x' },
      ]),
    );
    expect(summary(results)).toEqual([
      [0, 'updated'],
      [1, 'unchanged'],
      [2, 'updated'],
      [3, 'version-mismatch'],
      [4, 'paused'],
      [5, 'revoked'],
      [6, 'code-not-editable'],
      [7, 'updated'],
      [8, 'invalid-request', 'slug', 'domain'],
      [9, 'not-found'],
      [10, 'invalid-request', ''],
      [11, 'invalid-request', 'reason'],
      [12, 'invalid-request', 'title'],
      [13, 'invalid-request', 'id'],
    ]);
    expect(await bulk.code(one.id)).toMatchObject({
      title: 'Uno',
      tags: ['both', 'new'],
      target: { url: 'https://example.org/uno' },
      version: 3,
    });
    const history = (await bulk.call('GET', `/v1/codes/${two.id}/history`)).json();
    expect(history.items.map(({ action }: { action: string }) => action)).toEqual(['revoked', 'paused', 'created']);
    expect(await bulk.platform.codeState.read(two.slug ?? '')).toMatchObject({ snapshot: { state: 'revoked' } });
  });

  it('takes its own answers back, as new codes and as changes', async () => {
    const code = await bulk.issue({ slug: 'export-1', title: 'Exported', utm: { source: 's' } });
    const again = await bulk.upload(lines([code, { ...code, title: 'Edited' }]));
    expect(summary(again)).toEqual([
      [0, 'unchanged'],
      [1, 'updated'],
    ]);
    const { id: _id, ...withoutId } = code;
    const copied = await bulk.upload(lines([{ ...withoutId, slug: 'export-2' }]));
    expect(copied[0]?.code).toMatchObject({ slug: 'export-2', title: 'Exported', utm: { source: 's' } });
  });

  it('sees nothing of another workspace', async () => {
    const { id } = await bulk.issue();
    const key = await bulk.workspace();
    expect(summary(await bulk.upload(lines([{ id, action: 'revoke', reason: 'x' }]), '', { key }))).toEqual([
      [0, 'not-found'],
    ]);
    expect((await bulk.code(id)).status).toBe('active');
  });

  it('says in a dry run what each row would do, and does nothing', async () => {
    const code = await bulk.issue({ title: 'Before' });
    const used = await bulk.codesUsed();
    const rows = [
      link({ slug: 'dry' }),
      link({ slug: 'dry' }),
      { id: code.id, title: 'After' },
      { id: code.id, action: 'resume' },
    ];
    const results = await bulk.upload(lines(rows), 'dryRun=true', { once: 'dry' });
    expect(summary(results)).toEqual([
      [0, 'created'],
      [1, 'slug-taken', 'slug'],
      [2, 'updated'],
      [3, 'unchanged'],
    ]);
    expect(results[2]).toEqual({
      index: 2,
      status: 'updated',
      changes: [{ field: 'title', from: 'Before', to: 'After' }],
    });
    expect(await bulk.code(code.id)).toMatchObject({ title: 'Before', version: 1 });
    expect(await bulk.codesUsed()).toBe(used);
    expect(summary(await bulk.upload(lines(rows.slice(0, 1)), '', { once: 'dry' }))).toEqual([[0, 'created']]);
  });

  it('does all rows of an atomic upload or none, and names the refused ones', async () => {
    const used = await bulk.codesUsed();
    const { id } = await bulk.issue({ slug: 'atomic-there' });
    const rows = [
      link({ slug: 'atomic-1' }),
      link({ slug: 'atomic-there' }),
      { id, title: 'changed' },
      link({ slug: 'x' }),
    ];
    const refused = await bulk.call('POST', '/v1/codes/bulk?atomic=true', lines(rows), { type: NDJSON });
    expect([refused.statusCode, refused.json().type]).toEqual([422, 'urn:signet:problem:bulk-refused']);
    expect(refused.json().errors).toMatchObject([{ index: 3, path: 'slug' }]);
    const taken = await bulk.call('POST', '/v1/codes/bulk?atomic=true', lines(rows.slice(0, 3)), { type: NDJSON });
    expect(taken.json().errors).toMatchObject([
      { index: 1, path: 'slug', message: expect.stringContaining('is free') },
    ]);
    expect([await bulk.codesUsed(), (await bulk.code(id)).version]).toEqual([used + 1, 1]);
    const done = await bulk.upload(lines([rows[0] ?? {}, rows[2] ?? {}]), 'atomic=true', { once: 'atomic' });
    expect(summary(done)).toEqual([
      [0, 'created'],
      [1, 'updated'],
    ]);
    expect(done.map(({ code }) => code?.propagation)).toEqual(['effective', 'effective']);
    expect(await bulk.upload(lines([rows[0] ?? {}, rows[2] ?? {}]), 'atomic=true', { once: 'atomic' })).toEqual(done);
  });

  it('issues thousands in order, also atomically', async () => {
    const rows = Array.from({ length: 1100 }, (_, place) => link({ title: `n ${place}` }));
    for (const query of ['', 'atomic=true']) {
      const results = await bulk.upload(lines(rows), query);
      expect(results.map(({ index, code }) => [index, code?.title])).toEqual(
        rows.map((_, place) => [place, `n ${place}`]),
      );
      expect(new Set(idsOf(results)).size).toBe(rows.length);
    }
  });
});
