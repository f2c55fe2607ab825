import { AccessModule, accessMigrations, AccessService, Quotas } from '@signet/access';
import { AuditModule, auditMigrations } from '@signet/audit';
import { SignetError } from '@signet/platform';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { CodesOf } from './codes.fixture.js';
import { codesMigrations } from './codes.migrations.js';
import { CodesModule } from './codes.module.js';

describe('the quota of codes', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let codes: CodesOf;
  let quotas: Quotas;
  beforeAll(async () => {
    platform = await openTestPlatform([...auditMigrations, ...accessMigrations, ...codesMigrations], {
      SIGNET_QUOTA_CODES: '5',
    });
    app = await createTestApp(platform, [AuditModule, AccessModule, CodesModule]);
    await app.get(AccessService).bootstrap();
    quotas = app.get(Quotas);
  });
  beforeEach(() => {
    codes = new CodesOf(app);
  });
  afterAll(async () => {
    await app.close();
    await platform.close();
  });

  const used = async (): Promise<number> => (await quotas.usage(codes.caller.workspaceId)).codes.used;
  /** What it says of the limit; undefined when it was kept. */
  const refusal = async (issued: Promise<unknown>): Promise<unknown> => {
    try {
      await issued;
      return undefined;
    } catch (error) {
      if (!(error instanceof SignetError)) throw error;
      return [error.kind, error.details.limit, error.details.used];
    }
  };

  it('is kept exactly while many issue at once', async () => {
    const results = await Promise.all(Array.from({ length: 40 }, () => refusal(codes.create())));
    expect(results.filter((result) => result === undefined)).toHaveLength(5);
    expect(new Set(results.map((result) => JSON.stringify(result)))).toEqual(
      new Set([undefined, JSON.stringify(['quota-exceeded', 5, 5])]),
    );
    expect([await used(), (await codes.list()).length]).toEqual([5, 5]);
  });

  it('counts what was issued, not what was refused or rolled back', async () => {
    const [first] = [await codes.create({ slug: `quota-${Date.now()}` })];
    expect(await refusal(codes.create({ slug: first.slug ?? '' }))).toEqual(['slug-taken', undefined, undefined]);
    expect(await used()).toBe(1);
  });

  it('gets back what is revoked or archived, once', async () => {
    const [first, second] = [await codes.create(), await codes.create()];
    await codes.pause(first.id);
    expect(await used()).toBe(2);
    await codes.revoke(first.id);
    await codes.archive(first.id);
    await codes.archive(second.id);
    expect(await used()).toBe(0);
    const again = await Promise.all(Array.from({ length: 8 }, () => refusal(codes.create())));
    expect(again.filter((result) => result === undefined)).toHaveLength(5);
  });

  it('never keeps anybody from reissuing a code that is lost', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => codes.create()));
    const reissued = await Promise.all(all.map(({ id }) => codes.reissue(id)));
    expect([reissued.length, await used()]).toEqual([5, 5]);
    expect(await refusal(codes.create())).toEqual(['quota-exceeded', 5, 5]);
  });

  it('takes many at once, or none', async () => {
    const { workspaceId } = codes.caller;
    const take = (count: number): Promise<void> =>
      platform.dataSource.transaction((manager) => quotas.takeCodes(manager, workspaceId, count));
    await take(3);
    expect(await refusal(take(3))).toEqual(['quota-exceeded', 5, 3]);
    await take(2);
    expect(await used()).toBe(5);
  });

  it('holds through any mixture of issuing and ending at once', async () => {
    const issue = async (): Promise<void> => {
      const created = await codes.create().catch(() => undefined);
      if (created !== undefined && Math.random() < 0.5) await codes.archive(created.id);
    };
    for (let round = 0; round < 4; round += 1) {
      await Promise.all(Array.from({ length: 12 }, issue));
      const live = (await codes.list()).length;
      expect([await used(), live <= 5]).toEqual([live, true]);
    }
  });
});
