import { AccessModule, AccessService, accessMigrations } from '@signet/access';
import { AuditModule, auditMigrations } from '@signet/audit';
import { CodeSchema, type Code, type Scope } from '@signet/contracts';
import { newId } from '@signet/platform';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { codesMigrations } from './codes.migrations.js';
import { CodesModule } from './codes.module.js';

describe('/v1/codes', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let admin: string;
  beforeAll(async () => {
    platform = await openTestPlatform([...auditMigrations, ...accessMigrations, ...codesMigrations], {
      SIGNET_PUBLIC_URL: 'https://sgn.example',
    });
    app = await createTestApp(platform, [AuditModule, AccessModule, CodesModule]);
    admin = (await app.get(AccessService).bootstrap()) ?? '';
  });
  afterAll(async () => {
    await app.close();
    await platform.close();
  });

  /** Status, kind, and the path of an error. */
  type ExpectedProblem = readonly [number, string, string?];
  type Method = 'GET' | 'POST' | 'PATCH';
  interface Sent {
    key?: string;
    headers?: Record<string, string>;
    payload?: object | string;
  }
  const call = (method: Method, url: string, { key = admin, headers = {}, payload }: Sent = {}) =>
    app.inject({ method, url, payload, headers: { ...(key && { authorization: `Bearer ${key}` }), ...headers } });
  const create = async (body: object = {}): Promise<Code> => {
    const answer = await call('POST', '/v1/codes', { payload: { target: { url: 'https://example.org/' }, ...body } });
    expect([answer.statusCode, answer.body]).toEqual([201, expect.any(String)]);
    return answer.json();
  };
  const keyWith = async (scopes: Scope[]): Promise<string> =>
    (await call('POST', '/v1/api-keys', { payload: { name: 'k', scopes } })).json().key;
  const otherWorkspace = async (): Promise<string> =>
    (await call('POST', '/v1/workspaces', { payload: { name: 'other' } })).json().key;
  const expectProblem = (answer: Awaited<ReturnType<typeof call>>, [status, kind, path]: ExpectedProblem): void => {
    expect([answer.statusCode, answer.json().type]).toEqual([status, `urn:signet:problem:${kind}`]);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json\b/);
    if (path !== undefined) expect(answer.json().errors.map((error: { path: string }) => error.path)).toContain(path);
  };

  describe('a code', () => {
    it('is issued with its short URL, location and version', async () => {
      const answer = await call('POST', '/v1/codes', {
        payload: {
          target: { url: 'https://example.org/menu?table=4' },
          slug: 'menu',
          title: 'Menu',
          tags: ['food'],
          folder: 'Berlin',
          expiresAt: '2099-01-01T01:00:00+01:00',
        },
      });
      expect(answer.statusCode).toBe(201);
      const code = CodeSchema.parse(answer.json());
      expect(code).toMatchObject({
        slug: 'menu',
        shortUrl: 'https://sgn.example/menu',
        kind: 'link',
        status: 'active',
        version: 1,
        target: { url: 'https://example.org/menu?table=4' },
        title: 'Menu',
        tags: ['food'],
        folder: 'Berlin',
        brandId: null,
        activeFrom: null,
        expiresAt: '2099-01-01T00:00:00.000Z',
        maxScans: null,
        claimMode: null,
        scansUsed: 0,
        createdAt: platform.clock.now().toISOString(),
        propagation: 'effective',
      });
      expect(code.createdBy).toMatch(/^key:[0-9a-f-]{36}$/);
      expect(answer.headers).toMatchObject({ etag: '"1"', location: `/v1/codes/${code.id}` });
      const { propagation: _propagation, ...shown } = code;
      const read = await call('GET', `/v1/codes/${code.id}`);
      expect([read.json(), read.headers['etag']]).toEqual([shown, '"1"']);
    });

    it('gets a random slug: short for a plain link, long for a limited one', async () => {
      expect((await create()).slug).toMatch(/^[1-9A-HJ-NP-Za-km-z]{8}$/);
      const limited = await create({ maxScans: 1 });
      expect(limited.slug).toMatch(/^[1-9A-HJ-NP-Za-km-z]{22}$/);
      expect(limited).toMatchObject({ maxScans: 1, claimMode: 'interstitial', scansUsed: 0 });
      expect(await create({ maxScans: 3 })).toMatchObject({ claimMode: 'direct' });
      expect(await create({ maxScans: 3, claimMode: 'interstitial' })).toMatchObject({ claimMode: 'interstitial' });
    });

    it('is edited, also under the version that was read, and is not once that is old', async () => {
      const { id } = await create({ title: 'a', tags: ['x'] });
      const url = `/v1/codes/${id}`;
      const first = await call('PATCH', url, { payload: { title: null }, headers: { 'if-match': '"1"' } });
      expect([first.statusCode, first.headers['etag'], first.json()]).toEqual([
        200,
        '"2"',
        expect.objectContaining({ title: null, tags: ['x'], version: 2, propagation: 'effective' }),
      ]);
      const stale = await call('PATCH', url, { payload: { title: 'b' }, headers: { 'if-match': '"1"' } });
      expectProblem(stale, [412, 'version-mismatch']);
      const free = await call('PATCH', url, { payload: { title: 'b' } });
      expect([free.statusCode, free.json().version]).toEqual([200, 3]);
      const nothing = await call('PATCH', url, { payload: { title: 'b' } });
      expect([nothing.statusCode, nothing.headers['etag']]).toEqual([200, '"3"']);
    });

    it('is revoked for good', async () => {
      const { id } = await create();
      const stale = await call('POST', `/v1/codes/${id}/revoke`, {
        payload: { reason: 'lost' },
        headers: { 'if-match': '"9"' },
      });
      expectProblem(stale, [412, 'version-mismatch']);
      for (const reason of ['lost', 'again']) {
        const answer = await call('POST', `/v1/codes/${id}/revoke`, { payload: { reason } });
        expect([answer.statusCode, answer.headers['etag'], answer.json()]).toEqual([
          200,
          '"2"',
          expect.objectContaining({ status: 'revoked', revokedReason: 'lost', propagation: 'effective' }),
        ]);
      }
      expectProblem(await call('PATCH', `/v1/codes/${id}`, { payload: { title: 'x' } }), [409, 'code-not-editable']);
    });

    it('has a history that is read a page at a time, newest first', async () => {
      const { id } = await create();
      for (const title of ['a', 'b']) await call('PATCH', `/v1/codes/${id}`, { payload: { title } });
      const first = (await call('GET', `/v1/codes/${id}/history?limit=2`)).json();
      expect(first.items).toMatchObject([
        { version: 3, action: 'updated', changes: [{ field: 'title', from: 'a', to: 'b' }] },
        { version: 2, action: 'updated', changes: [{ field: 'title', from: null, to: 'a' }] },
      ]);
      const second = (await call('GET', `/v1/codes/${id}/history?limit=2&cursor=${first.nextCursor}`)).json();
      expect(second).toMatchObject({ items: [{ version: 1, action: 'created' }], nextCursor: null });
    });

    it('is listed and found', async () => {
      const folder = newId();
      const { id } = await create({ folder, tags: ['listed'], title: 'Findable' });
      const { id: revoked } = await create({ folder });
      await call('POST', `/v1/codes/${revoked}/revoke`, { payload: { reason: 'x' } });
      const ids = async (query: string): Promise<string[]> =>
        (await call('GET', `/v1/codes?folder=${folder}${query}`)).json().items.map((code: Code) => code.id);
      expect(await ids('')).toEqual([revoked, id]);
      expect(await ids('&sort=createdAt')).toEqual([id, revoked]);
      expect(await ids('&status=revoked')).toEqual([revoked]);
      expect(await ids('&tag=listed&q=findable&kind=link&status=active')).toEqual([id]);
    });
  });

  describe('the QR image', () => {
    it('comes as SVG and PNG, and stays the same when the target changes', async () => {
      const { id } = await create();
      const svg = await call('GET', `/v1/codes/${id}/qr`);
      expect([svg.statusCode, svg.headers['content-type'], svg.headers['cache-control']]).toEqual([
        200,
        'image/svg+xml',
        'private, no-cache',
      ]);
      expect(svg.body).toContain('<svg');
      const png = await call('GET', `/v1/codes/${id}/qr?format=png&size=256`);
      expect(png.headers['content-type']).toBe('image/png');
      expect(png.rawPayload.subarray(1, 4).toString()).toBe('PNG');
      await call('PATCH', `/v1/codes/${id}`, { payload: { target: { url: 'https://example.org/other' } } });
      expect((await call('GET', `/v1/codes/${id}/qr`)).body).toBe(svg.body);
    });

    it('is not sent again to who has it in this version and these options', async () => {
      const { id } = await create();
      const url = `/v1/codes/${id}/qr`;
      const etag = String((await call('GET', url)).headers['etag']);
      const fresh = await call('GET', url, { headers: { 'if-none-match': `W/${etag}` } });
      expect([fresh.statusCode, fresh.body, fresh.headers['etag']]).toEqual([304, '', etag]);
      expect((await call('GET', `${url}?size=256`, { headers: { 'if-none-match': etag } })).statusCode).toBe(200);
      await call('PATCH', `/v1/codes/${id}`, { payload: { title: 'x' } });
      expect((await call('GET', url, { headers: { 'if-none-match': etag } })).statusCode).toBe(200);
    });

    it.each<[string, ExpectedProblem]>([
      ['?format=gif', [422, 'invalid-request', 'query.format']],
      ['?size=5000', [422, 'invalid-request', 'query.size']],
      ['?shadow=1', [422, 'invalid-request', 'query.shadow']],
      ['?dark=%23ffffff', [422, 'contrast-too-low']],
    ])('refuses %s', async (query, problem) => {
      const { id } = await create();
      expectProblem(await call('GET', `/v1/codes/${id}/qr${query}`), problem);
    });
  });

  describe('Idempotency-Key', () => {
    const headers = (key: string) => ({ 'idempotency-key': key });
    const payload = { target: { url: 'https://example.org/' }, title: 'once' };

    it('gets the same answer for the same body, and a conflict for another', async () => {
      const key = newId();
      const first = await call('POST', '/v1/codes', { payload, headers: headers(key) });
      await call('PATCH', `/v1/codes/${first.json().id}`, { payload: { title: 'changed since' } });
      const second = await call('POST', '/v1/codes', { payload, headers: headers(key) });
      expect([second.statusCode, second.json()]).toEqual([201, first.json()]);
      expect([second.headers['etag'], second.headers['location']]).toEqual([
        first.headers['etag'],
        first.headers['location'],
      ]);
      const other = await call('POST', '/v1/codes', { payload: { ...payload, title: 'x' }, headers: headers(key) });
      expectProblem(other, [409, 'idempotency-conflict']);
    });

    it('makes one code of ten calls at the same moment', async () => {
      const key = newId();
      const calls = Array.from({ length: 10 }, () => call('POST', '/v1/codes', { payload, headers: headers(key) }));
      const answers = await Promise.all(calls);
      expect(new Set(answers.map((answer) => answer.statusCode))).toEqual(new Set([201]));
      expect(new Set(answers.map((answer) => answer.json().id)).size).toBe(1);
    });

    it('is free again when the call failed', async () => {
      const key = newId();
      const slug = `s${newId()}`;
      await create({ slug });
      const taken = { payload: { ...payload, slug }, headers: headers(key) };
      expectProblem(await call('POST', '/v1/codes', taken), [409, 'slug-taken', 'slug']);
      expect((await call('POST', '/v1/codes', { payload, headers: headers(key) })).statusCode).toBe(201);
    });
  });

  describe('bad input', () => {
    const target = { url: 'https://example.org/' };

    it.each<[string, object, ExpectedProblem]>([
      ['an unknown field', { target, colour: 'red' }, [422, 'invalid-request', 'colour']],
      ['an unknown field in the target', { target: { ...target, ios: 'x' } }, [422, 'invalid-request', 'target.ios']],
      ['no target', {}, [422, 'invalid-request', 'target']],
      ['a wrong type', { target, maxScans: '1' }, [422, 'invalid-request', 'maxScans']],
      ['no use at all', { target, maxScans: 0 }, [422, 'invalid-request', 'maxScans']],
      ['half a use', { target, maxScans: 1.5 }, [422, 'invalid-request', 'maxScans']],
      ['another kind', { target, kind: 'enrollment' }, [422, 'invalid-request', 'kind']],
      ['javascript:', { target: { url: 'javascript:alert(1)' } }, [422, 'invalid-request', 'target.url']],
      ['data:', { target: { url: 'data:text/html,x' } }, [422, 'invalid-request', 'target.url']],
      ['control characters', { target: { url: 'https://e.org/\r\nX: y' } }, [422, 'invalid-request', 'target.url']],
      ['user information', { target: { url: 'https://a:b@e.org/' } }, [422, 'invalid-request', 'target.url']],
      ['a relative target', { target: { url: '//example.org' } }, [422, 'invalid-request', 'target.url']],
      [
        'an endless target',
        { target: { url: `https://e.org/${'x'.repeat(5000)}` } },
        [422, 'invalid-request', 'target.url'],
      ],
      ['a loop', { target: { url: 'http://SGN.example/a' } }, [422, 'target-not-allowed', 'target.url']],
      ['a title with a NUL', { target, title: 'a\u0000b' }, [422, 'invalid-request', 'title']],
      ['a title with half a character', { target, title: 'a\ud800b' }, [422, 'invalid-request', 'title']],
      ['a slug with a slash', { target, slug: 'a/b' }, [422, 'invalid-request', 'slug']],
      ['a slug with an umlaut', { target, slug: 'übung' }, [422, 'invalid-request', 'slug']],
      ['a reserved slug', { target, slug: 'Docs' }, [422, 'slug-reserved', 'slug']],
      ['one that looks like it', { target, slug: 'd0cs' }, [422, 'slug-reserved', 'slug']],
      ['a time that is none', { target, expiresAt: 'tomorrow' }, [422, 'invalid-request', 'expiresAt']],
      ['a time before all times', { target, expiresAt: '0000-01-01T00:00:00Z' }, [422, 'invalid-request', 'expiresAt']],
      [
        'an end before its beginning',
        { target, activeFrom: '2026-02-01T00:00:00Z', expiresAt: '2026-01-01T00:00:00Z' },
        [422, 'invalid-request', 'expiresAt'],
      ],
      ['an array', [], [422, 'invalid-request']],
    ])('is refused at creation: %s', async (_what, payload, problem) => {
      expectProblem(await call('POST', '/v1/codes', { payload }), problem);
    });

    it('gets a free slug suggested in place of a reserved one and of a taken one', async () => {
      const taken = `taken-${newId()}`;
      for (const slug of ['docs-2', taken, `${taken}-2`, `${taken}-3`]) await create({ slug });
      const reserved = await call('POST', '/v1/codes', { payload: { target, slug: 'docs' } });
      expectProblem(reserved, [422, 'slug-reserved', 'slug']);
      expect(reserved.json().detail).toContain('“docs-3” is free');
      const again = await call('POST', '/v1/codes', { payload: { target, slug: taken } });
      expectProblem(again, [409, 'slug-taken', 'slug']);
      expect(again.json().detail).toContain(`“${taken}-4” is free`);
      await create({ slug: `${taken}-4` });
    });

    it('leaves one of 100 that ask for the same slug at once with a code', async () => {
      const payload = { target, slug: `same-${newId()}` };
      const answers = await Promise.all(Array.from({ length: 100 }, () => call('POST', '/v1/codes', { payload })));
      const statuses = answers.map(({ statusCode }) => statusCode).toSorted((one, other) => one - other);
      expect(statuses).toEqual([201, ...Array.from({ length: 99 }, () => 409)]);
    });

    it.each<[object, ExpectedProblem]>([
      [{}, [422, 'invalid-request']],
      [{ slug: 'other' }, [422, 'invalid-request']],
      [{ target: null }, [422, 'invalid-request', 'target']],
      [{ target: { url: 'https://sgn.example/' } }, [422, 'target-not-allowed', 'target.url']],
      [{ tags: 'a' }, [422, 'invalid-request', 'tags']],
    ])('is refused in an edit: %j', async (payload, problem) => {
      const { id } = await create();
      expectProblem(await call('PATCH', `/v1/codes/${id}`, { payload }), problem);
      expect((await call('GET', `/v1/codes/${id}`)).json().version).toBe(1);
    });

    it.each<[string, ExpectedProblem]>([
      ['limit=201', [422, 'invalid-request', 'query.limit']],
      ['limit=0', [422, 'invalid-request', 'query.limit']],
      ['limit=x', [422, 'invalid-request', 'query.limit']],
      ['colour=red', [422, 'invalid-request', 'query.colour']],
      ['status=gone', [422, 'invalid-request', 'query.status']],
      ['sort=colour', [422, 'invalid-request', 'query.sort']],
      ['q=%00', [422, 'invalid-request', 'query.q']],
      ['cursor=x', [400, 'invalid-cursor']],
      ['cursor=eyJpZCI6MX0', [400, 'invalid-cursor']],
    ])('is refused in a list: %s', async (query, problem) => {
      expectProblem(await call('GET', `/v1/codes?${query}`), problem);
    });

    it('is refused as a reason', async () => {
      const { id } = await create();
      const url = `/v1/codes/${id}/revoke`;
      expectProblem(await call('POST', url, { payload: {} }), [422, 'invalid-request', 'reason']);
      expectProblem(await call('POST', url, { payload: { reason: 'a\nb' } }), [422, 'invalid-request', 'reason']);
      expectProblem(await call('POST', url), [422, 'invalid-request', 'reason']);
    });

    it('is refused before it is understood', async () => {
      const json = { 'content-type': 'application/json' };
      const send = (payload: string, headers: Record<string, string>) =>
        call('POST', '/v1/codes', { payload, headers });
      expectProblem(await send('{"target":', json), [400, 'unreadable-request']);
      expectProblem(await send('a=b', { 'content-type': 'application/x-www-form-urlencoded' }), [
        415,
        'unsupported-media-type',
      ]);
      const big = JSON.stringify({ target, title: 'x'.repeat(1024 * 1024) });
      expectProblem(await send(big, json), [413, 'body-too-large']);
    });
  });

  describe('a key', () => {
    it('is needed, with the scope', async () => {
      const { id } = await create();
      const reader = await keyWith(['codes:read']);
      const stranger = await keyWith(['analytics:read']);
      const payload = { target: { url: 'https://example.org/' } };
      expectProblem(await call('POST', '/v1/codes', { key: '', payload }), [401, 'unauthenticated']);
      expectProblem(await call('POST', '/v1/codes', { key: reader, payload }), [403, 'forbidden']);
      expectProblem(await call('PATCH', `/v1/codes/${id}`, { key: reader, payload }), [403, 'forbidden']);
      expectProblem(await call('POST', `/v1/codes/${id}/revoke`, { key: reader, payload: { reason: 'x' } }), [
        403,
        'forbidden',
      ]);
      for (const path of ['', `/${id}`, `/${id}/history`, `/${id}/qr`]) {
        expect((await call('GET', `/v1/codes${path}`, { key: reader })).statusCode).toBe(200);
        expectProblem(await call('GET', `/v1/codes${path}`, { key: stranger }), [403, 'forbidden']);
      }
    });

    it('of another workspace finds nothing here', async () => {
      const { id, slug } = await create();
      const key = await otherWorkspace();
      for (const path of ['', '/history', '/qr'])
        expectProblem(await call('GET', `/v1/codes/${id}${path}`, { key }), [404, 'not-found']);
      expectProblem(await call('PATCH', `/v1/codes/${id}`, { key, payload: { title: 'x' } }), [404, 'not-found']);
      expectProblem(await call('POST', `/v1/codes/${id}/revoke`, { key, payload: { reason: 'x' } }), [
        404,
        'not-found',
      ]);
      expect((await call('GET', '/v1/codes', { key })).json().items).toEqual([]);
      const payload = { target: { url: 'https://example.org/' }, slug };
      expectProblem(await call('POST', '/v1/codes', { key, payload }), [409, 'slug-taken']);
    });

    it('finds nothing under an id that is none', async () => {
      expectProblem(await call('GET', `/v1/codes/${newId()}`), [404, 'not-found']);
      expectProblem(await call('GET', '/v1/codes/x'), [404, 'not-found']);
    });
  });
});
