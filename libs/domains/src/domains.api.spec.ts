import { randomBytes } from 'node:crypto';
import { AccessModule, accessMigrations, AccessService } from '@signet/access';
import { AuditModule, auditMigrations } from '@signet/audit';
import { BrandSchema, DomainSchema, type Brand, type Domain } from '@signet/contracts';
import { newId } from '@signet/platform';
import { createTestApp, openTestPlatform, until, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { BrandDirectory } from './brand-directory.js';
import { TestDns } from './dns.fixture.js';
import { DomainProof } from './domain-proof.js';
import { domainsMigrations } from './domains.migrations.js';
import { DirectoryModule, DomainsModule } from './domains.module.js';
import { SiteDirectory } from './site-directory.js';

const PNG = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), randomBytes(100)]);

interface Sent {
  key?: string;
  headers?: Record<string, string>;
  payload?: object | Buffer;
}

async function open(environment: Record<string, string> = {}) {
  const platform = await openTestPlatform([...auditMigrations, ...accessMigrations, ...domainsMigrations], {
    SIGNET_PUBLIC_URL: 'https://sgn.example',
    ...environment,
  });
  const app = await createTestApp(platform, [AuditModule, AccessModule, DomainsModule, DirectoryModule]);
  const admin = (await app.get(AccessService).bootstrap()) ?? '';
  const call = (method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string, sent: Sent = {}) =>
    app.inject({
      method,
      url,
      payload: sent.payload,
      headers: { authorization: `Bearer ${sent.key ?? admin}`, ...sent.headers },
    });
  return { platform, app, call };
}

const hostOf = (): string => `h${newId().slice(-12)}.example`;
type Answer = Awaited<ReturnType<Awaited<ReturnType<typeof open>>['call']>>;
const problemOf = (answer: Answer): [number, string] => [answer.statusCode, answer.json().type?.split(':').at(-1)];

describe('/v1/domains and /v1/brands', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let call: Awaited<ReturnType<typeof open>>['call'];
  beforeAll(async () => {
    ({ platform, app, call } = await open());
  });
  afterAll(async () => {
    await app.close();
    await platform.close();
  });

  const create = async (body: object = {}): Promise<Domain> => {
    const answer = await call('POST', '/v1/domains', { payload: { host: hostOf(), ...body } });
    expect([answer.statusCode, answer.body]).toEqual([201, expect.any(String)]);
    return DomainSchema.parse(answer.json());
  };
  const createBrand = async (body: object = {}): Promise<Brand> => {
    const payload = { name: 'Acme', primaryColor: '#0B5CAD', ...body };
    return BrandSchema.parse((await call('POST', '/v1/brands', { payload })).json());
  };
  const otherWorkspace = async (): Promise<string> =>
    (await call('POST', '/v1/workspaces', { payload: { name: 'other' } })).json().key;
  describe('a domain', () => {
    it('is added, read, listed, changed under its version and removed', async () => {
      const host = hostOf();
      const answer = await call('POST', '/v1/domains', { payload: { host: host.toUpperCase() } });
      const domain = DomainSchema.parse(answer.json());
      expect(domain).toMatchObject({ host, status: 'active', verification: null, caseSensitive: true, slugLength: 8 });
      expect(answer.headers).toMatchObject({ etag: '"1"', location: `/v1/domains/${domain.id}` });
      const url = `/v1/domains/${domain.id}`;
      expect((await call('GET', url)).json()).toEqual(domain);
      const listed = await call('GET', '/v1/domains?limit=200');
      expect(listed.json().items).toContainEqual(domain);
      const payload = { notFoundUrl: 'https://example.org/lost', slugLength: 10 };
      const changed = await call('PATCH', url, { payload, headers: { 'if-match': '"1"' } });
      expect([changed.headers['etag'], changed.json()]).toEqual(['"2"', expect.objectContaining(payload)]);
      const stale = await call('PATCH', url, { payload, headers: { 'if-match': '"1"' } });
      expect(problemOf(stale)).toEqual([412, 'version-mismatch']);
      expect((await call('DELETE', url)).statusCode).toBe(204);
      expect(problemOf(await call('GET', url))).toEqual([404, 'not-found']);
      const audit = await call('GET', '/v1/audit?limit=100');
      const actions = audit.json().items.filter(({ domainId }: { domainId?: string }) => domainId === domain.id);
      // Chained within a second; the audit log shows what is chained.
      for (const { action } of actions) expect(action).toMatch(/^domain\.(create|update|delete)$/);
    });

    it.each([
      ['Bücher.Example', 'xn--bcher-kva.example'],
      ['dot.example.', 'dot.example'],
      ['port.example:443', 'port.example'],
      ['go', 'go'],
    ])('named %s has the host %s', async (host, normal) => {
      expect(await create({ host })).toMatchObject({ host: normal });
    });

    it.each([
      'https://go.example',
      'go.example/x',
      'go.example:8080',
      '127.0.0.1',
      '0x7f.1',
      '[::1]',
      'a b.example',
      '-a.example',
      'a..example',
      'user@go.example',
      'go.example\\x',
      'go%2eexample',
      '',
    ])('cannot be %p', async (host) => {
      expect(problemOf(await call('POST', '/v1/domains', { payload: { host } }))).toEqual([422, 'invalid-request']);
    });

    it('cannot lead unknown slugs back to itself', async () => {
      const { host, id } = await create();
      for (const notFoundUrl of [`https://${host}/lost`, `http://${host.toUpperCase()}.:8080/`]) {
        const answer = await call('PATCH', `/v1/domains/${id}`, { payload: { notFoundUrl } });
        expect([...problemOf(answer), answer.json().errors[0].path]).toEqual([422, 'invalid-request', 'notFoundUrl']);
      }
      const again = { host: 'loop.example', notFoundUrl: 'https://loop.example/' };
      expect(problemOf(await call('POST', '/v1/domains', { payload: again }))).toEqual([422, 'invalid-request']);
    });

    it('is one workspace’s, and never our own host', async () => {
      const { host, id } = await create();
      const key = await otherWorkspace();
      expect(problemOf(await call('POST', '/v1/domains', { payload: { host }, key }))).toEqual([409, 'host-taken']);
      expect(problemOf(await call('POST', '/v1/domains', { payload: { host } }))).toEqual([409, 'host-taken']);
      const ours = await call('POST', '/v1/domains', { payload: { host: 'SGN.example' } });
      expect(problemOf(ours)).toEqual([409, 'host-taken']);
      expect(problemOf(await call('GET', `/v1/domains/${id}`, { key }))).toEqual([404, 'not-found']);
      expect(problemOf(await call('DELETE', `/v1/domains/${id}`, { key }))).toEqual([404, 'not-found']);
    });

    it('goes to one of 20 who ask for it at once', async () => {
      const host = hostOf();
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => call('POST', '/v1/domains', { payload: { host } })),
      );
      const statuses = answers.map(({ statusCode }) => statusCode).toSorted((left, right) => left - right);
      expect(statuses).toEqual([201, ...Array.from({ length: 19 }, () => 409)]);
    });

    it('is the default one in place of the one before', async () => {
      const first = await create({ isDefault: true });
      const second = await create({ isDefault: true });
      const shown = async ({ id }: Domain) => (await call('GET', `/v1/domains/${id}`)).json();
      expect(await shown(first)).toMatchObject({ isDefault: false, version: 2 });
      expect(await shown(second)).toMatchObject({ isDefault: true });
      await call('PATCH', `/v1/domains/${second.id}`, { payload: { isDefault: false } });
      expect(await shown(second)).toMatchObject({ isDefault: false });
    });

    it('needs the scope to be added, not to be read', async () => {
      const payload = { name: 'k', scopes: ['codes:read'] };
      const { key } = (await call('POST', '/v1/api-keys', { payload })).json();
      expect((await call('GET', '/v1/domains', { key })).statusCode).toBe(200);
      const refused = await call('POST', '/v1/domains', { payload: { host: hostOf() }, key });
      expect(problemOf(refused)).toEqual([403, 'forbidden']);
    });

    it('is added once for one Idempotency-Key', async () => {
      const sent = { payload: { host: hostOf() }, headers: { 'idempotency-key': newId() } };
      const [first, again] = [await call('POST', '/v1/domains', sent), await call('POST', '/v1/domains', sent)];
      expect([again.statusCode, again.json()]).toEqual([201, first.json()]);
    });

    it('is known to the redirect within a second, without and with its changes', async () => {
      const sites = app.get(SiteDirectory);
      const { id, host } = await create();
      const began = performance.now();
      await until(() => typeof sites.placeOf(host) === 'object');
      expect(performance.now() - began).toBeLessThan(1000);
      expect(sites.placeOf(host)).toMatchObject({ id, notFoundUrl: null });
      await call('PATCH', `/v1/domains/${id}`, { payload: { notFoundUrl: 'https://example.org/' } });
      await until(() => JSON.stringify(sites.placeOf(host)).includes('example.org'));
      await call('DELETE', `/v1/domains/${id}`);
      await until(() => typeof sites.placeOf(host) === 'string');
    });
  });

  describe('a brand', () => {
    const putLogo = (id: string, payload: Buffer, type = 'image/png') =>
      call('PUT', `/v1/brands/${id}/logo`, { payload, headers: { 'content-type': type } });

    it('is created, changed, made the default one and deleted; its domains have none then', async () => {
      const brand = await createBrand({ supportEmail: 'help@acme.example', isDefault: true });
      expect(brand).toMatchObject({ primaryColor: '#0b5cad', logoUrl: null, isDefault: true, version: 1 });
      const domain = await create({ defaultBrandId: brand.id });
      const url = `/v1/brands/${brand.id}`;
      const changed = await call('PATCH', url, { payload: { name: 'Acme Ltd' }, headers: { 'if-match': '"1"' } });
      expect([changed.headers['etag'], changed.json().name]).toEqual(['"2"', 'Acme Ltd']);
      expect(problemOf(await call('DELETE', url, { headers: { 'if-match': '"1"' } }))).toEqual([
        412,
        'version-mismatch',
      ]);
      expect((await call('DELETE', url)).statusCode).toBe(204);
      expect((await call('GET', `/v1/domains/${domain.id}`)).json()).toMatchObject({
        defaultBrandId: null,
        version: 2,
      });
    });

    it('of another workspace is no domain’s', async () => {
      const key = await otherWorkspace();
      const payload = { name: 'B', primaryColor: '#000000' };
      const { id } = (await call('POST', '/v1/brands', { payload, key })).json();
      const answer = await call('POST', '/v1/domains', { payload: { host: hostOf(), defaultBrandId: id } });
      expect([...problemOf(answer), answer.json().errors[0].path]).toEqual([422, 'invalid-request', 'defaultBrandId']);
    });

    it('has a logo under a path that changes with it', async () => {
      const brands = app.get(BrandDirectory);
      const { id } = await createBrand();
      const first = (await putLogo(id, PNG)).json();
      expect(first.logoUrl).toBe(`/assets/brands/${id}/1`);
      await until(() => brands.brandOf({ brandId: id, workspaceId: workspaceOf(id) })?.logoUrl === first.logoUrl);
      expect(await brands.logoOf(id, 1)).toEqual({ contentType: 'image/png', bytes: PNG });
      const other = Buffer.concat([Buffer.from('ffd8ffe0', 'hex'), randomBytes(10)]);
      expect((await putLogo(id, other, 'image/jpeg')).json().logoUrl).toBe(`/assets/brands/${id}/2`);
      await until(
        () => brands.brandOf({ brandId: id, workspaceId: workspaceOf(id) })?.logoUrl?.endsWith('/2') ?? false,
      );
      expect([await brands.logoOf(id, 1), (await brands.logoOf(id, 2))?.bytes]).toEqual([undefined, other]);
      expect((await call('DELETE', `/v1/brands/${id}/logo`)).json().logoUrl).toBeNull();
      expect((await putLogo(id, PNG)).json().logoUrl).toBe(`/assets/brands/${id}/3`);
    });

    let workspace = '';
    beforeAll(async () => {
      workspace = (await call('GET', '/v1/whoami')).json().workspaceId;
    });
    const workspaceOf = (_brandId: string): string => workspace;

    it.each([
      [
        'an SVG',
        415,
        'unsupported-media-type',
        'image/svg+xml',
        Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'),
      ],
      ['a page that says it is a PNG', 422, 'invalid-request', 'image/png', Buffer.from('<html><script>1</script>')],
      ['nothing', 422, 'invalid-request', 'image/png', Buffer.alloc(0)],
      ['too much', 413, 'body-too-large', 'image/png', Buffer.concat([PNG, Buffer.alloc(256 * 1024)])],
    ])('has no logo from %s', async (_name, status, kind, type, payload) => {
      const { id } = await createBrand();
      expect(problemOf(await putLogo(id, payload, type))).toEqual([status, kind]);
      expect((await call('GET', `/v1/brands/${id}`)).json().logoUrl).toBeNull();
    });
  });
});

describe('with SIGNET_VERIFY_DOMAINS', () => {
  const dns = new TestDns();
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let call: Awaited<ReturnType<typeof open>>['call'];
  beforeAll(async () => {
    ({ platform, app, call } = await open({ SIGNET_VERIFY_DOMAINS: 'true' }));
    app.get(DomainProof).resolver.setServers([await dns.start()]);
  });
  afterAll(async () => {
    await dns.stop();
    await app.close();
    await platform.close();
  });

  it('a domain serves once its workspace has shown the DNS record, whoever said so before', async () => {
    const host = hostOf();
    const squatter = (await call('POST', '/v1/workspaces', { payload: { name: 'squatter' } })).json().key;
    const theirs = (await call('POST', '/v1/domains', { payload: { host }, key: squatter })).json();
    const created = await call('POST', '/v1/domains', { payload: { host } });
    const { id, status, verification } = DomainSchema.parse(created.json());
    expect([status, verification?.name]).toEqual(['pending', `_signet.${host}`]);
    expect(theirs.verification.value).not.toBe(verification?.value);
    expect(problemOf(await call('POST', `/v1/domains/${id}/verify`))).toEqual([409, 'domain-not-verified']);
    dns.records.set(`_signet.${host}`, ['v=spf1 -all', verification?.value ?? '']);
    expect(problemOf(await call('POST', `/v1/domains/${theirs.id}/verify`, { key: squatter }))).toEqual([
      409,
      'domain-not-verified',
    ]);
    const sites = app.get(SiteDirectory);
    expect(sites.placeOf(host)).toBe('own');
    const verified = await call('POST', `/v1/domains/${id}/verify`);
    expect([verified.statusCode, verified.json()]).toEqual([
      200,
      expect.objectContaining({ status: 'active', verification: null, version: 2 }),
    ]);
    expect((await call('POST', `/v1/domains/${id}/verify`)).json().version).toBe(2);
    dns.records.set(`_signet.${host}`, [theirs.verification.value]);
    expect(problemOf(await call('POST', `/v1/domains/${theirs.id}/verify`, { key: squatter }))).toEqual([
      409,
      'host-taken',
    ]);
  });

  it('a domain that is not verified is no default', async () => {
    const made = await call('POST', '/v1/domains', { payload: { host: hostOf(), isDefault: true } });
    expect(problemOf(made)).toEqual([422, 'invalid-request']);
    const { id } = (await call('POST', '/v1/domains', { payload: { host: hostOf() } })).json();
    const changed = await call('PATCH', `/v1/domains/${id}`, { payload: { isDefault: true } });
    expect(problemOf(changed)).toEqual([409, 'domain-not-verified']);
  });
});
