import { accessMigrations, AccessModule, AccessService } from '@signet/access';
import { auditMigrations } from '@signet/audit';
import { CodesModule, codesMigrations } from '@signet/codes';
import { DomainSchema, type Domain } from '@signet/contracts';
import { DomainsModule, SiteDirectory } from '@signet/domains';
import { scansMigrations } from '@signet/scans';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { RedirectModule } from './redirect.module.js';

const APPLE = '/.well-known/apple-app-site-association';
const ANDROID = '/.well-known/assetlinks.json';
const FINGERPRINT = Array.from({ length: 32 }, () => 'ab').join(':');

describe('the apps that may open short URLs', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let admin: string;
  beforeAll(async () => {
    platform = await openTestPlatform(
      [...auditMigrations, ...accessMigrations, ...codesMigrations, ...scansMigrations],
      { SIGNET_PUBLIC_URL: 'https://sgn.example' },
    );
    app = await createTestApp(platform, [AccessModule, CodesModule, DomainsModule, RedirectModule]);
    admin = (await app.get(AccessService).bootstrap()) ?? '';
  });
  afterAll(async () => {
    await app.close();
    await platform.close();
  });

  const call = (method: 'POST' | 'PATCH', url: string, payload: object) =>
    app.inject({ method, url, payload, headers: { authorization: `Bearer ${admin}` } });
  const fetchFrom = (host: string, url: string) => app.inject({ url, headers: { host } });
  const known = async (host: string, isAsExpected: (appLinks: Domain['appLinks']) => boolean): Promise<void> => {
    for (;;) {
      const place = app.get(SiteDirectory).placeOf(host);
      if (typeof place === 'object' && isAsExpected(place.appLinks)) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };

  it('are told to phones by the domain that they are given for, as iOS and Android ask', async () => {
    const appLinks = {
      ios: [
        { appId: 'ABCDE12345.com.example.shop', paths: ['/app-*', '/menu'] },
        { appId: 'ABCDE12345.com.example.all' },
      ],
      android: [{ package: 'com.example.shop', fingerprints: [FINGERPRINT] }],
    };
    const created = DomainSchema.parse((await call('POST', '/v1/domains', { host: 'go.example', appLinks })).json());
    expect(created.appLinks?.android?.[0]?.fingerprints).toEqual([FINGERPRINT.toUpperCase()]);
    await known('go.example', (links) => links !== null);
    const apple = await fetchFrom('go.example', APPLE);
    expect([apple.statusCode, apple.headers]).toMatchObject([
      200,
      { 'content-type': expect.stringMatching(/^application\/json\b/), 'cache-control': 'public, max-age=3600' },
    ]);
    const ours = ['/enroll/*', '/signin/*', '/check'].map((path) => ({ '/': path, exclude: true }));
    expect(apple.json()).toEqual({
      applinks: {
        details: [
          { appIDs: ['ABCDE12345.com.example.shop'], components: [...ours, { '/': '/app-*' }, { '/': '/menu' }] },
          { appIDs: ['ABCDE12345.com.example.all'], components: [...ours, { '/': '*' }] },
        ],
      },
    });
    const android = await fetchFrom('go.example:443', ANDROID);
    expect(android.headers['content-type']).toMatch(/^application\/json\b/);
    expect(android.json()).toEqual([
      {
        relation: ['delegate_permission/common.handle_all_urls'],
        target: {
          namespace: 'android_app',
          package_name: 'com.example.shop',
          sha256_cert_fingerprints: [FINGERPRINT.toUpperCase()],
        },
      },
    ]);
    await call('PATCH', `/v1/domains/${created.id}`, { appLinks: { android: appLinks.android } });
    await known('go.example', (links) => links?.ios === undefined);
    expect((await fetchFrom('go.example', APPLE)).statusCode).toBe(404);
    expect((await fetchFrom('go.example', ANDROID)).statusCode).toBe(200);
    await call('PATCH', `/v1/domains/${created.id}`, { slugLength: 9 });
    expect((await fetchFrom('go.example', ANDROID)).statusCode).toBe(200);
    await call('PATCH', `/v1/domains/${created.id}`, { appLinks: null });
    await known('go.example', (links) => links === null);
    expect((await fetchFrom('go.example', ANDROID)).statusCode).toBe(404);
  });

  it('are none on our own host, which is every workspace’s, and on a host that is nobody’s', async () => {
    await call('POST', '/v1/domains', { host: 'bare.example' });
    await known('bare.example', (links) => links === null);
    for (const path of [APPLE, ANDROID]) {
      expect((await fetchFrom('sgn.example', path)).statusCode).toBe(404);
      expect((await fetchFrom('bare.example', path)).statusCode).toBe(404);
      expect((await fetchFrom('evil.example', path)).statusCode).toBe(421);
    }
  });

  const ios = (more: object) => ({ ios: [{ appId: 'ABCDE12345.com.example.shop', ...more }] });
  const android = (more: object) => ({
    android: [{ package: 'com.example.shop', fingerprints: [FINGERPRINT], ...more }],
  });
  it.each([
    [{}, 'appLinks'],
    [{ ios: [] }, 'appLinks.ios'],
    [{ windows: [] }, 'appLinks.windows'],
    [ios({ appId: 'com.example.shop' }), 'appLinks.ios.0.appId'],
    [ios({ appId: 'ABCDE12345.com.example.shop"' }), 'appLinks.ios.0.appId'],
    [ios({ paths: ['menu'] }), 'appLinks.ios.0.paths.0'],
    [ios({ paths: ['/a/../b'] }), 'appLinks.ios.0.paths.0'],
    [ios({ paths: [] }), 'appLinks.ios.0.paths'],
    [android({ package: 'shop' }), 'appLinks.android.0.package'],
    [android({ package: 'com.1example' }), 'appLinks.android.0.package'],
    [android({ fingerprints: [] }), 'appLinks.android.0.fingerprints'],
    [android({ fingerprints: ['ab:cd'] }), 'appLinks.android.0.fingerprints.0'],
    [android({ fingerprints: [FINGERPRINT.replaceAll(':', '')] }), 'appLinks.android.0.fingerprints.0'],
  ])('cannot be %j', async (appLinks, path) => {
    const answer = await call('POST', '/v1/domains', { host: 'wrong.example', appLinks });
    expect([answer.statusCode, answer.json().errors[0].path]).toEqual([422, path]);
  });
});
