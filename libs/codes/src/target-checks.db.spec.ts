import { createServer, type RequestListener, type Server } from 'node:http';
import { AccessModule, accessMigrations } from '@signet/access';
import { AuditModule, auditMigrations } from '@signet/audit';
import { CodeEventDataSchema, type Code, type CodeCheck } from '@signet/contracts';
import { HttpClient, OutboxRelay, Registry, SignetConfig, type OutgoingRequest } from '@signet/platform';
import { createTestApp, openTestPlatform, testLogger, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { CodesOf } from './codes.fixture.js';
import { codesMigrations } from './codes.migrations.js';
import { CodesModule } from './codes.module.js';
import { CodesService } from './codes.service.js';
import { TargetChecks } from './target-checks.service.js';

const DAY = 24 * 3_600_000;

let platform: TestPlatform;
let app: NestFastifyApplication;
let codes: CodesOf;
let checks: TargetChecks;
let server: Server;
let origin: string;
let answer: RequestListener;
const asked: string[] = [];

/** Runs no loop: the tests say when. */
const instance = (values: object = {}, client: HttpClient = new HttpClient({ allowPrivate: true })): TargetChecks => {
  const { dataSource, clock, config } = platform;
  const settings = new SignetConfig({ ...config.values, SIGNET_TARGET_CHECK_INTERVAL_HOURS: 24, ...values });
  return new TargetChecks(dataSource, clock, settings, client, app.get(OutboxRelay), new Registry(), testLogger());
};

beforeAll(async () => {
  platform = await openTestPlatform([...auditMigrations, ...accessMigrations, ...codesMigrations]);
  app = await createTestApp(platform, [AuditModule, AccessModule, CodesModule]);
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  origin = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
});
beforeEach(() => {
  codes = new CodesOf(app);
  checks = instance();
  answer = (_request, response) => void response.end('a page that nobody keeps');
  asked.length = 0;
});
afterEach(async () => {
  // So that no test meets the codes of another one.
  await platform.dataSource.query(`UPDATE codes.codes SET check_at = 'infinity'`);
});
afterAll(async () => {
  server.close();
  await app.close();
  await platform.close();
});

const create = (path: string, body: object = {}): Promise<Code> =>
  codes.create({ target: { url: `${origin}${path}` }, ...body });
const check = (code: Code, by = checks): Promise<CodeCheck> =>
  by.check(codes.caller, { params: { id: code.id }, query: undefined, body: undefined });
const read = (code: Code): Promise<Code> => app.get(CodesService).get(codes.caller, code.id);
const told = async (code: Code): Promise<string[]> => {
  const rows: { type: string }[] = await platform.dataSource.query(
    'SELECT type FROM outbox.events WHERE aggregateid = $1 ORDER BY position',
    [code.id],
  );
  return rows.map(({ type }) => type).filter((type) => type.includes('target'));
};

describe('a check on demand', () => {
  it('tells of each target whether it is reachable, where it ends and how long it took', async () => {
    answer = (request, response) => {
      if (request.url === '/a') response.writeHead(302, { location: '/b' }).end();
      else if (request.url === '/b') response.writeHead(301, { location: `${origin}/c?d=1` }).end();
      else response.writeHead(request.url === '/gone' ? 404 : 200).end('secret body');
    };
    const code = await create('/a', { rules: [{ when: { os: 'ios' }, target: { url: `${origin}/gone` } }] });
    const result = await check(code);
    expect(result.targets).toEqual([
      {
        path: 'target.url',
        url: `${origin}/a`,
        healthy: true,
        reachable: true,
        status: 200,
        finalUrl: `${origin}/c?d=1`,
        redirects: 2,
        certificate: null,
        milliseconds: expect.any(Number),
        problem: null,
      },
      expect.objectContaining({
        path: 'rules.0.target.url',
        reachable: true,
        healthy: false,
        status: 404,
        problem: 'status',
      }),
    ]);
    expect(result.targetHealth).toMatchObject({
      status: 'failing',
      failures: 1,
      problem: 'rules.0.target.url: status 404',
    });
    expect((await read(code)).targetHealth).toEqual(result.targetHealth);
    expect(JSON.stringify(result)).not.toContain('secret body');
  });

  it('follows five redirects and no sixth, and none out of the web', async () => {
    answer = (request, response) => {
      const left = Number(request.url?.slice(1));
      if (Number.isNaN(left)) response.writeHead(302, { location: 'javascript:alert(1)' }).end();
      else if (left > 0) response.writeHead(307, { location: `/${left - 1}` }).end();
      else response.end();
    };
    const problemOf = async (path: string) => (await check(await create(path))).targets[0];
    expect(await problemOf('/5')).toMatchObject({ healthy: true, redirects: 5, finalUrl: `${origin}/0` });
    expect(await problemOf('/6')).toMatchObject({ healthy: false, redirects: 5, problem: 'too-many-redirects' });
    expect(await problemOf('/script')).toMatchObject({ healthy: false, problem: 'redirect-refused' });
  });

  it('is not led inside by a redirect', async () => {
    answer = (_request, response) => void response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
    const outsideOnly = new HttpClient({ allows: (address) => address === '127.0.0.1' });
    const result = await check(await create('/'), instance({}, outsideOnly));
    expect(result.targets[0]).toMatchObject({ reachable: false, problem: 'address-refused', status: null });
  });

  it('refuses private addresses unless the installation allows them', async () => {
    const result = await check(await create('/'), instance({}, new HttpClient()));
    expect(result.targets[0]).toMatchObject({ reachable: false, problem: 'address-refused' });
    expect(asked).toEqual([]);
  });

  it('has a limit a workspace', async () => {
    const limited = instance({ SIGNET_TARGET_CHECKS_PER_MINUTE: 1 });
    const code = await create('/');
    await check(code, limited);
    await expect(check(code, limited)).rejects.toMatchObject({ kind: 'too-many-requests' });
  });

  it('is not for other workspaces', async () => {
    const code = await create('/');
    codes = new CodesOf(app);
    await expect(check(code)).rejects.toMatchObject({ kind: 'not-found' });
  });
});

describe('checks by themselves', () => {
  /** A round of checks; nothing more is due after it. */
  const round = async (...instances: TargetChecks[]): Promise<void> => {
    const all = instances.length > 0 ? instances : [checks];
    let checked: number[];
    do checked = await Promise.all(all.map((each) => each.checkDue()));
    while (checked.some((count) => count > 0));
  };

  it('look at every code once an interval, each from one instance, spread over it', async () => {
    const created = await Promise.all(Array.from({ length: 30 }, (_, index) => create(`/${index}`)));
    await round();
    expect(asked).toEqual([]);
    platform.clock.advance(DAY / 2);
    await round(checks, instance());
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.length).toBeLessThan(30);
    platform.clock.advance(DAY / 2);
    await round(checks, instance());
    expect(new Set(asked)).toEqual(new Set(created.map((_code, index) => `/${index}`)));
    expect(asked).toHaveLength(30);
  });

  it('tell once that a target is unhealthy, and once that it is back', async () => {
    const code = await create('/');
    await round();
    answer = (_request, response) => void response.writeHead(503).end();
    for (let count = 0; count < 5; count += 1) {
      platform.clock.advance(2 * DAY);
      await round();
    }
    expect(await told(code)).toEqual(['code.target_unhealthy']);
    expect(await read(code)).toMatchObject({ version: 1, targetHealth: { status: 'unhealthy', failures: 5 } });
    answer = (_request, response) => void response.end();
    platform.clock.advance(2 * DAY);
    await round();
    expect(await told(code)).toEqual(['code.target_unhealthy', 'code.target_healthy']);
    const [event]: { payload: unknown }[] = await platform.dataSource.query(
      `SELECT payload FROM outbox.events WHERE aggregateid = $1 AND type = 'code.target_unhealthy'`,
      [code.id],
    );
    const state = { id: code.id, targetHealth: { status: 'unhealthy' } };
    expect(CodeEventDataSchema.parse(event?.payload)).toMatchObject(state);
  });

  it('leave codes alone that lead nowhere any more', async () => {
    const paused = await create('/paused');
    await create('/expired', { expiresAt: new Date(platform.clock.now().getTime() + 1000).toISOString() });
    await codes.pause(paused.id);
    await round();
    platform.clock.advance(2 * DAY);
    await round();
    expect(asked).toEqual([]);
  });

  it('forget what they found when the code leads elsewhere', async () => {
    const code = await create('/old');
    await check(code);
    expect((await read(code)).targetHealth).not.toBeNull();
    expect(await codes.update(code.id, { title: 'Summer' })).toMatchObject({ targetHealth: { status: 'healthy' } });
    expect(await codes.update(code.id, { target: { url: `${origin}/new` } })).toMatchObject({ targetHealth: null });
    asked.length = 0;
    await round();
    platform.clock.advance(2 * DAY);
    await round();
    expect(asked).toEqual(['/new']);
  });

  it('write nothing about a code that was edited while its target was asked', async () => {
    const code = await create('/');
    /** Edits the code while the answer is under way. */
    class Meanwhile extends HttpClient {
      override async send(request: OutgoingRequest) {
        await codes.update(code.id, { target: { url: `${origin}/other` } });
        return super.send(request);
      }
    }
    const result = await check(code, instance({}, new Meanwhile({ allowPrivate: true })));
    expect([result.targetHealth, (await read(code)).targetHealth]).toEqual([null, null]);
  });

  it('find what is due by the index for it', async () => {
    const plan = await platform.dataSource.transaction(async (manager) => {
      await manager.query('SET LOCAL enable_seqscan = off');
      return manager.query(
        `EXPLAIN SELECT id FROM codes.codes WHERE state = 'active' AND kind IN ('link', 'app', 'page')
         AND check_at > '-infinity' AND check_at <= now() ORDER BY check_at LIMIT 20`,
      );
    });
    expect(JSON.stringify(plan)).toContain('codes_to_check');
  });
});
