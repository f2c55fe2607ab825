import { accessMigrations, AccessModule, AccessService } from '@signet/access';
import { auditMigrations } from '@signet/audit';
import { CodesModule, codesMigrations } from '@signet/codes';
import { CodeSchema, ScanEventSchema, topics, type Code, type ScanEvent } from '@signet/contracts';
import type { RecordBatch } from '@signet/platform';
import { scansMigrations } from '@signet/scans';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { RedirectModule } from './redirect.module.js';

type Guessing = Extract<ScanEvent, { type: 'scan.guessing' }>;
const LIMITS = { SIGNET_UNKNOWN_SLUGS_PER_MINUTE: '5', SIGNET_CLAIMS_PER_MINUTE: '3' };

describe('whoever goes over a limit', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let admin: string;
  const told: Guessing[] = [];
  let onTold: () => void = () => {};

  beforeAll(async () => {
    platform = await openTestPlatform(
      [...auditMigrations, ...accessMigrations, ...codesMigrations, ...scansMigrations],
      LIMITS,
    );
    const onBatch = ({ records }: RecordBatch): void => {
      const events = records.map(({ value }) => ScanEventSchema.parse(JSON.parse(value.toString())));
      for (const event of events) if (event.type === 'scan.guessing') told.push(event);
      onTold();
    };
    await platform.eventLog.tail({ topics: [topics.scans.name], backlog: 0, onBatch });
    app = await createTestApp(platform, [AccessModule, CodesModule, RedirectModule]);
    admin = (await app.get(AccessService).bootstrap()) ?? '';
  });
  beforeEach(() => {
    told.length = 0;
  });
  afterAll(async () => {
    await app.close();
    await platform.close();
  });

  const create = async (body: object): Promise<Code> => {
    const answer = await app.inject({
      method: 'POST',
      url: '/v1/codes',
      headers: { authorization: `Bearer ${admin}` },
      payload: { target: { url: 'https://example.org/' }, ...body },
    });
    return CodeSchema.parse(answer.json());
  };
  const scan = (slug: string, remoteAddress: string) => app.inject({ url: `/${slug}`, remoteAddress });
  const claim = ({ slug }: Code, remoteAddress: string, password?: string) =>
    app.inject({ method: 'POST', url: `/${slug}/claim`, payload: { password }, remoteAddress });
  const untilTold = async (count: number): Promise<Guessing[]> => {
    while (told.length < count) await new Promise<void>((resolve) => (onTold = resolve));
    return told;
  };

  it('guessing slugs is told of once, with the truncated address, however long they go on', async () => {
    for (let n = 0; n < 20; n++) await scan(`guess-${n}`, '203.0.113.77');
    for (let n = 0; n < 6; n++) await scan(`guess-${n}`, '203.0.113.78');
    const events = await untilTold(2);
    expect(events.map(({ data }) => data)).toEqual(
      Array.from({ length: 2 }, () => ({
        kind: 'slug',
        ip: '203.0.113.0',
        visitor: expect.stringMatching(/^[0-9a-f]{16}$/),
        count: 6,
        limit: 5,
        windowSeconds: 60,
        from: expect.any(String),
        to: platform.clock.now().toISOString(),
      })),
    );
    const { from = '', to = '' } = events[0]?.data ?? {};
    expect(Date.parse(from)).toBeLessThanOrEqual(Date.parse(to));
    expect(Date.parse(from)).toBeGreaterThanOrEqual(Date.parse(to) - 60_000);
    expect(events[0]?.data.visitor).not.toBe(events[1]?.data.visitor);
    expect(await platform.metrics.getSingleMetricAsString('signet_guessing_total')).toMatch(/\{kind="slug",.*\} 2$/m);
  });

  it('claiming a code is told of with the code and its workspace', async () => {
    const code = await create({ maxScans: 1 });
    const statuses: number[] = [];
    for (let n = 0; n < 6; n++) statuses.push((await claim(code, '198.51.100.7')).statusCode);
    expect(statuses).toEqual([303, 410, 410, 429, 429, 429]);
    const [event] = await untilTold(1);
    expect(event).toMatchObject({ subject: code.id, data: { kind: 'claim', codeId: code.id, count: 4, limit: 3 } });
    expect(event?.data.workspaceId).toEqual(expect.any(String));
    expect(told).toHaveLength(1);
  });

  it('trying passwords is told of by address, and by code when many addresses try', async () => {
    const code = await create({ password: 'the right one' });
    for (let n = 0; n < 5; n++) await claim(code, '192.0.2.1', 'wrong');
    for (let n = 0; n < 8; n++) await claim(code, `192.0.2.${n + 2}`, 'wrong');
    const [ofAddress, ofAll] = await untilTold(2);
    const common = { kind: 'password', codeId: code.id };
    expect(ofAddress?.data).toMatchObject({ ...common, ip: '192.0.2.0', count: 4, limit: 3, windowSeconds: 60 });
    expect(ofAll?.data).toMatchObject({ ...common, count: 10, limit: 10, windowSeconds: 900 });
    expect([ofAll?.data.ip, ofAll?.data.visitor]).toEqual([undefined, undefined]);
    expect((await claim(code, '192.0.2.99', 'the right one')).statusCode).toBe(429);
    expect(told).toHaveLength(2);
  });
});
