import { accessMigrations, AccessModule, AccessService } from '@signet/access';
import { auditMigrations } from '@signet/audit';
import { CodesModule, codesMigrations } from '@signet/codes';
import { CodeSchema } from '@signet/contracts';
import { MemoryCodeState, SignetError, type CodeStateEntry, type GateVerdict } from '@signet/platform';
import { scansMigrations } from '@signet/scans';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { RedirectModule } from './redirect.module.js';

const TARGET = 'https://example.org/';

/** A code state that can be away for the redirect. */
class UnreliableCodeState extends MemoryCodeState {
  isAway = false;

  override read(key: string): Promise<CodeStateEntry | undefined> {
    return this.isAway ? away() : super.read(key);
  }
  override gate(request: Parameters<MemoryCodeState['gate']>[0]): Promise<GateVerdict> {
    return this.isAway ? away() : super.gate(request);
  }
  override settle(use: Parameters<MemoryCodeState['settle']>[0]): Promise<void> {
    return this.isAway ? away() : super.settle(use);
  }
}
const away = (): Promise<never> => Promise.reject(new SignetError('unavailable', { detail: 'away' }));

describe('the redirect in an outage', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let codeState: UnreliableCodeState;
  let admin: string;
  beforeAll(async () => {
    platform = await openTestPlatform([
      ...auditMigrations,
      ...accessMigrations,
      ...codesMigrations,
      ...scansMigrations,
    ]);
    codeState = new UnreliableCodeState({ clock: platform.clock });
    app = await createTestApp({ ...platform, codeState }, [AccessModule, CodesModule, RedirectModule]);
    admin = (await app.get(AccessService).bootstrap()) ?? '';
  });
  afterEach(() => {
    codeState.isAway = false;
  });
  afterAll(async () => {
    await app.close();
    await platform.close();
  });

  const create = async (body: object = {}): Promise<string> => {
    const answer = await app.inject({
      method: 'POST',
      url: '/v1/codes',
      headers: { authorization: `Bearer ${admin}` },
      payload: { target: { url: TARGET }, ...body },
    });
    return CodeSchema.parse(answer.json()).slug ?? '';
  };
  const scan = (slug: string) => app.inject({ url: `/${slug}` });
  const claim = (slug: string, nonce?: string) =>
    app.inject({ method: 'POST', url: `/${slug}/claim`, payload: { nonce } });

  describe('of the code state', () => {
    it('serves plain links from PostgreSQL', async () => {
      const slug = await create();
      codeState.isAway = true;
      expect((await scan(slug)).headers['location']).toBe(TARGET);
      expect((await scan('nobody-has-this')).statusCode).toBe(404);
    });

    it('has every use decided by the arbiter, once each, and repetitions too', async () => {
      const slug = await create({ maxScans: 1 });
      codeState.isAway = true;
      const nonce = 'n'.repeat(22);
      const statuses = [await claim(slug, nonce), await claim(slug), await claim(slug, nonce)].map(
        ({ statusCode }) => statusCode,
      );
      expect(statuses).toEqual([303, 410, 303]);
    });
  });

  describe('of PostgreSQL', () => {
    let plain: string;
    let limited: string;
    beforeAll(async () => {
      plain = await create();
      limited = await create({ maxScans: 1 });
      await platform.dataSource.destroy();
    });
    // So that the platform can close what it opened.
    afterAll(async () => {
      await platform.dataSource.initialize();
    });

    it('serves plain links from the code state', async () => {
      expect((await scan(plain)).headers['location']).toBe(TARGET);
    });

    it('lets no claim through, and says when to come back', async () => {
      const answer = await claim(limited);
      expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '2']);
      expect(answer.body).toContain('you are not counted twice');
    });

    it('does not call a code unknown that nobody could look up', async () => {
      const answer = await app.inject({ url: '/nobody-knows-this', headers: { accept: 'application/json' } });
      expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '2']);
      expect(answer.json()).toMatchObject({ type: 'urn:signet:problem:code-undecided' });
    });

    it('says at /check what is known near by, and of nothing else that we did not issue it', async () => {
      const check = (slug: string) =>
        app.inject({
          method: 'POST',
          url: '/check',
          headers: { accept: 'application/json' },
          payload: { link: `${platform.config.publicUrl}/${slug}` },
        });
      expect((await check(plain)).json()).toEqual({ verdict: 'active', issuedHere: true, issuedBy: null });
      const answer = await check('nobody-knows-this');
      expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '2']);
    });
  });
});
