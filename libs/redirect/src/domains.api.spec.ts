import { request as httpRequest } from 'node:http';
import { accessMigrations, AccessModule, AccessService } from '@signet/access';
import { auditMigrations } from '@signet/audit';
import { CodesModule, codesMigrations } from '@signet/codes';
import { CodeSchema, DomainSchema, ScanEventSchema, topics, type Code, type Domain } from '@signet/contracts';
import { DomainsModule, SiteDirectory } from '@signet/domains';
import { newId, type RecordBatch } from '@signet/platform';
import { scansMigrations } from '@signet/scans';
import { createTestApp, openTestPlatform, until, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { RedirectModule } from './redirect.module.js';

const PNG = Buffer.from('89504e470d0a1a0a00000000', 'hex');

interface Answer {
  status: number;
  location: string | undefined;
  body: string;
  type: string | undefined;
}

/** Over the network, because plain links are answered before Fastify there, by the same table of hosts. */
describe('short domains', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let admin: string;
  let port: number;
  let domain: Domain;
  let folding: Domain;
  const notFound: { workspaceId?: string | undefined }[] = [];
  let onScans: () => void = () => {};

  beforeAll(async () => {
    platform = await openTestPlatform(
      [...auditMigrations, ...accessMigrations, ...codesMigrations, ...scansMigrations],
      { SIGNET_PUBLIC_URL: 'https://sgn.example', SIGNET_TRUSTED_PROXIES: '127.0.0.2/32' },
    );
    const onBatch = ({ records }: RecordBatch): void => {
      for (const { value } of records) {
        const event = ScanEventSchema.parse(JSON.parse(value.toString()));
        if (event.type === 'scan.recorded' && event.data.outcome === 'not_found') notFound.push(event.data);
      }
      onScans();
    };
    await platform.eventLog.tail({ topics: [topics.scans.name], backlog: 0, onBatch });
    app = await createTestApp(platform, [AccessModule, CodesModule, DomainsModule, RedirectModule]);
    admin = (await app.get(AccessService).bootstrap()) ?? '';
    await app.listen(0, '127.0.0.1');
    port = Number(new URL(await app.getUrl()).port);
    domain = await addDomain({ host: 'go.example', notFoundUrl: 'https://example.org/lost' });
    folding = await addDomain({ host: 'fold.example', caseSensitive: false });
  });
  afterAll(async () => {
    await app.close();
    await platform.close();
  });

  const call = (method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string, payload?: object, headers = {}) =>
    app.inject({ method, url, payload, headers: { authorization: `Bearer ${admin}`, ...headers } });
  const addDomain = async (body: object): Promise<Domain> => {
    const added = DomainSchema.parse((await call('POST', '/v1/domains', body)).json());
    await until(() => typeof app.get(SiteDirectory).placeOf(added.host) === 'object');
    return added;
  };
  const create = async (body: object = {}): Promise<Code> => {
    const answer = await call('POST', '/v1/codes', { target: { url: 'https://example.org/' }, ...body });
    expect([answer.statusCode, answer.body]).toEqual([201, expect.any(String)]);
    return CodeSchema.parse(answer.json());
  };
  /** With a `Host` of the test's own, which `fetch` does not allow. */
  const get = (host: string, path: string, { headers = {}, method = 'GET', localAddress = '127.0.0.1' } = {}) =>
    new Promise<Answer>((resolve, reject) => {
      const options = { host: '127.0.0.1', port, path, method, localAddress, headers: { host, ...headers } };
      const sent = httpRequest(options, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
        const { location, 'content-type': type } = response.headers;
        response.on('end', () => resolve({ status: response.statusCode ?? 0, location, body, type }));
      });
      sent.on('error', reject).end();
    });
  const locationOf = async (host: string, path: string): Promise<string | undefined> =>
    (await get(host, path)).location;

  it('have slugs of their own: one slug on two of them is two codes, and neither is ours', async () => {
    const urls = ['https://example.org/go', 'https://example.org/fold', 'https://example.org/own'] as const;
    const [onGo, onFold, own] = [
      await create({ slug: 'menu', domain: 'GO.example', target: { url: urls[0] } }),
      await create({ slug: 'menu', domain: 'fold.example', target: { url: urls[1] } }),
      await create({ slug: 'menu', target: { url: urls[2] } }),
    ];
    expect([onGo, onFold, own].map(({ shortUrl, domain: host }) => [shortUrl, host])).toEqual([
      ['https://go.example/menu', 'go.example'],
      ['https://fold.example/menu', 'fold.example'],
      ['https://sgn.example/menu', null],
    ]);
    // The first answer of each is the routes', the second that of the process's own lease.
    for (let visit = 1; visit <= 2; visit += 1)
      expect([
        await locationOf('go.example', '/menu'),
        await locationOf('fold.example', '/menu'),
        await locationOf('sgn.example', '/menu'),
      ]).toEqual(urls);
    await call('POST', `/v1/codes/${onGo.id}/revoke`, { reason: 'test' });
    expect((await get('go.example', '/menu')).status).toBe(410);
    expect(await locationOf('fold.example', '/menu')).toBe(urls[1]);
  });

  it('find a slug in any case where they fold, as it is shown, and give it out once', async () => {
    const { slug, id } = await create({ slug: 'Summer', domain: 'fold.example' });
    expect(slug).toBe('Summer');
    for (const path of ['/Summer', '/summer', '/SUMMER'])
      expect(await locationOf('fold.example', path)).toBe('https://example.org/');
    const twin = await call('POST', '/v1/codes', {
      target: { url: 'https://example.org/' },
      slug: 'sUMMER',
      domain: 'fold.example',
    });
    expect([twin.statusCode, twin.json().detail]).toEqual([409, expect.stringContaining('sUMMER-2')]);
    await create({ slug: 'Summer', domain: 'go.example' });
    expect((await get('go.example', '/summer')).location).toBe('https://example.org/lost');
    await call('POST', `/v1/codes/${id}/revoke`, { reason: 'test' });
    expect((await get('fold.example', '/SUMMER')).status).toBe(410);
  });

  it('have random slugs of their length and letters, and long ones for what is protected', async () => {
    await call('PATCH', `/v1/domains/${domain.id}`, { slugLength: 12 });
    expect((await create({ domain: 'go.example' })).slug).toMatch(/^[1-9A-HJ-NP-Za-km-z]{12}$/);
    expect((await create({ domain: 'fold.example' })).slug).toMatch(/^[1-9a-km-np-z]{10}$/);
    expect((await create({ domain: 'fold.example', maxScans: 1 })).slug).toMatch(/^[1-9a-km-np-z]{24}$/);
    expect((await create({ domain: 'go.example', maxScans: 1 })).slug).toHaveLength(22);
  });

  it('claim a single use where the code is, and nowhere else', async () => {
    const { slug } = await create({ domain: 'go.example', maxScans: 1, claimMode: 'direct' });
    expect((await get('sgn.example', `/${slug}`)).status).toBe(404);
    expect((await get('fold.example', `/${slug}`)).status).toBe(404);
    expect((await get('go.example', `/${slug}`)).location).toBe('https://example.org/');
    expect((await get('go.example', `/${slug}`)).status).toBe(410);
  });

  it('give a slug that 100 ask for at once to one of them', async () => {
    const body = { target: { url: 'https://example.org/' }, slug: 'race', domain: 'go.example' };
    const answers = await Promise.all(Array.from({ length: 100 }, () => call('POST', '/v1/codes', body)));
    const statuses = answers.map(({ statusCode }) => statusCode);
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(99);
  });

  it('are the workspace’s: another’s, and one that nobody has, cannot be named', async () => {
    const { key } = (await call('POST', '/v1/workspaces', { name: 'other' })).json();
    const body = { target: { url: 'https://example.org/' }, domain: 'go.example' };
    const theirs = await call('POST', '/v1/codes', body, { authorization: `Bearer ${key}` });
    const nobodys = await call('POST', '/v1/codes', { ...body, domain: 'nobody.example' });
    for (const answer of [theirs, nobodys])
      expect([answer.statusCode, answer.json().errors[0].path]).toEqual([422, 'domain']);
  });

  it('take codes that name no domain where one is the default, and ours can be named', async () => {
    await call('PATCH', `/v1/domains/${domain.id}`, { isDefault: true });
    expect((await create()).domain).toBe('go.example');
    expect((await create({ domain: 'sgn.example' })).domain).toBeNull();
    await call('PATCH', `/v1/domains/${domain.id}`, { isDefault: false });
    expect((await create()).domain).toBeNull();
  });

  it('are kept by a reissued code, and must not be led to', async () => {
    const { id } = await create({ domain: 'fold.example' });
    const again = CodeSchema.parse((await call('POST', `/v1/codes/${id}/reissue`, { reason: 'lost' })).json());
    expect(again).toMatchObject({ domain: 'fold.example', shortUrl: `https://fold.example/${again.slug}` });
    expect((await get('fold.example', `/${again.slug}`)).status).toBe(302);
    const loop = await call('POST', '/v1/codes', { target: { url: 'https://go.example/x' } });
    expect([loop.statusCode, loop.json().type]).toEqual([422, 'urn:signet:problem:target-not-allowed']);
  });

  it('filter the list', async () => {
    const { id } = await create({ domain: 'fold.example', title: 'mine' });
    const listed = await call('GET', '/v1/codes?domain=Fold.example&limit=200');
    const items: Code[] = listed.json().items;
    expect(items.map((code) => code.id)).toContain(id);
    expect(new Set(items.map((code) => code.domain))).toEqual(new Set(['fold.example']));
  });

  it('lead unknown slugs where their owner says, recorded as his; programs get the problem', async () => {
    const before = notFound.length;
    expect(await get('go.example', '/nobody-has-this')).toMatchObject({
      status: 302,
      location: 'https://example.org/lost',
    });
    while (notFound.length === before) await new Promise<void>((resolve) => (onScans = resolve));
    const { workspaceId } = (await call('GET', '/v1/whoami')).json();
    expect(notFound.at(-1)).toMatchObject({ workspaceId });
    const asJson = await get('go.example', '/nobody-has-this', { headers: { accept: 'application/json' } });
    expect([asJson.status, asJson.type]).toEqual([404, 'application/problem+json']);
    expect((await get('fold.example', '/nobody-has-this')).status).toBe(404);
  });

  describe('a host that is nobody’s', () => {
    it.each(['evil.example', 'go.example.evil.example', 'sgn.example.evil.example', '203.0.113.7'])(
      'is refused as %s, also for a code that exists and is leased',
      async (host) => {
        const { slug } = await create();
        await get('sgn.example', `/${slug}`);
        expect((await get('sgn.example', `/${slug}`)).status).toBe(302);
        const answer = await get(host, `/${slug}`);
        expect([answer.status, answer.location]).toEqual([421, undefined]);
        expect(answer.type).toBe('text/html; charset=utf-8');
        expect(answer.body).not.toContain('example.org');
        const asJson = await get(host, `/${slug}`, { headers: { accept: 'application/json' } });
        expect(JSON.parse(asJson.body)).toMatchObject({ type: 'urn:signet:problem:wrong-host' });
      },
    );

    it('does not keep health checks and loopback out', async () => {
      const { slug } = await create();
      expect((await get('127.0.0.1:4002', `/${slug}`)).status).toBe(302);
      expect((await get('localhost', `/${slug}`)).status).toBe(302);
      expect((await get('evil.example', '/robots.txt')).status).toBe(200);
    });

    it('is taken from a trusted proxy’s header, and from nobody else’s', async () => {
      const { slug } = await create({ domain: 'go.example' });
      const forwarded = (host: string) => ({ headers: { 'x-forwarded-host': host } });
      const trusted = (host: string) => ({ ...forwarded(host), localAddress: '127.0.0.2' });
      const own = 'sgn.example';
      for (let visit = 1; visit <= 2; visit += 1) {
        expect((await get(own, `/${slug}`, forwarded('go.example'))).status).toBe(404);
        expect((await get(own, `/${slug}`, trusted('go.example'))).status).toBe(302);
        expect((await get(own, `/${slug}`, trusted('evil.example, go.example'))).status).toBe(302);
        expect((await get('go.example', `/${slug}`, trusted('evil.example'))).status).toBe(421);
      }
    });
  });

  describe('a brand', () => {
    const newBrand = async (name: string, body: object = {}): Promise<string> =>
      (await call('POST', '/v1/brands', { name, primaryColor: '#0b5cad', ...body })).json().id;

    it('is shown on pages: the code’s, else the domain’s, else the workspace’s', async () => {
      const [onCode, onDomain] = [await newBrand('Of the code'), await newBrand('Of the domain')];
      const { slug, id } = await create({ domain: 'fold.example', brandId: onCode });
      await call('POST', `/v1/codes/${id}/revoke`, { reason: 'test' });
      const plain = await create({ domain: 'fold.example' });
      await call('POST', `/v1/codes/${plain.id}/revoke`, { reason: 'test' });
      await call('PATCH', `/v1/domains/${folding.id}`, { defaultBrandId: onDomain });
      await newBrand('Of the workspace', { isDefault: true });
      const own = await create();
      await call('POST', `/v1/codes/${own.id}/revoke`, { reason: 'test' });
      const shows = async (host: string, path: string, name: string): Promise<boolean> =>
        (await get(host, path)).body.includes(name);
      await until(() => shows('fold.example', `/${slug}`, 'Of the code'));
      await until(() => shows('fold.example', `/${plain.slug}`, 'Of the domain'));
      await until(() => shows('fold.example', '/nobody-has-this', 'Of the domain'));
      await until(() => shows('sgn.example', `/${own.slug}`, 'Of the workspace'));
      expect(await shows('sgn.example', '/nobody-has-this', 'Of the')).toBe(false);
    });

    it('of nobody, or of another workspace, is refused for a code', async () => {
      const answer = await call('POST', '/v1/codes', { target: { url: 'https://example.org/' }, brandId: newId() });
      expect([answer.statusCode, answer.json().errors[0].path]).toEqual([422, 'brandId']);
      const { id } = await create();
      expect((await call('PATCH', `/v1/codes/${id}`, { brandId: newId() })).statusCode).toBe(422);
    });

    it('has its logo on the origin of the page, for good', async () => {
      const id = await newBrand('With logo');
      const put = await app.inject({
        method: 'PUT',
        url: `/v1/brands/${id}/logo`,
        payload: PNG,
        headers: { authorization: `Bearer ${admin}`, 'content-type': 'image/png' },
      });
      const { logoUrl } = put.json();
      await until(async () => (await get('go.example', logoUrl)).status === 200);
      const logo = await app.inject({ url: logoUrl, headers: { host: 'fold.example' } });
      expect(logo.rawPayload).toEqual(PNG);
      expect(logo.headers).toMatchObject({
        'content-type': 'image/png',
        'cache-control': 'public, max-age=31536000, immutable',
        'x-content-type-options': 'nosniff',
      });
      for (const path of [`/assets/brands/${id}/2`, `/assets/brands/${newId()}/1`, '/assets/brands/x/y'])
        expect((await app.inject({ url: path })).statusCode).toBe(404);
    });
  });

  it('keep what was printed on them when they are removed and added again', async () => {
    const [host, target] = ['again.example', { url: 'https://example.org/' }];
    const first = await addDomain({ host });
    for (const slug of ['menu', 'menu-2']) {
      const { id } = await create({ domain: host, slug });
      await call('DELETE', `/v1/codes/${id}`);
    }
    await call('DELETE', `/v1/domains/${first.id}`);
    await until(() => app.get(SiteDirectory).placeOf(host) === 'nobody');
    const second = await addDomain({ host });
    expect(second.id).not.toBe(first.id);
    const again = await call('POST', '/v1/codes', { target, domain: host, slug: 'menu' });
    expect([again.statusCode, again.json().type]).toEqual([409, 'urn:signet:problem:slug-taken']);
    expect(again.json().detail).toContain('“menu-3” is free');
    await create({ domain: host, slug: 'menu-3' });
    await create({ domain: 'go.example', slug: 'menu-2' });
  });

  it('stay while they have codes that are not archived', async () => {
    const { id, host } = await addDomain({ host: 'brief.example' });
    const code = await create({ domain: host });
    const refused = await call('DELETE', `/v1/domains/${id}`);
    expect([refused.statusCode, refused.json().type]).toEqual([409, 'urn:signet:problem:domain-in-use']);
    expect((await get(host, `/${code.slug}`)).status).toBe(302);
    await call('DELETE', `/v1/codes/${code.id}`);
    expect((await call('DELETE', `/v1/domains/${id}`)).statusCode).toBe(204);
    await until(async () => (await get(host, `/${code.slug}`)).status === 421);
    const shown = CodeSchema.parse((await call('GET', `/v1/codes/${code.id}`)).json());
    expect(shown).toMatchObject({ status: 'archived', domain: host, shortUrl: `https://${host}/${code.slug}` });
  });
});
