import { createHash, randomUUID } from 'node:crypto';
import { AccessModule, accessMigrations } from '@signet/access';
import { AuditModule, auditMigrations } from '@signet/audit';
import { MemoryCodeState, newId, RedisCodeState, type CodeState, type GateVerdict } from '@signet/platform';
import { createTestApp, openTestPlatform, testLogger, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import * as fc from 'fast-check';
import { Redis } from 'ioredis';
import { DataSource } from 'typeorm';
import { ClaimArbiter } from './claim-arbiter.js';
import type { Claim, Decision } from './claims.sql.js';
import type { StoredCode } from './code.js';
import { CodesOf, storedCode } from './codes.fixture.js';
import { codesMigrations } from './codes.migrations.js';
import { CodesModule } from './codes.module.js';
import { findEntryByKey, insertCode } from './codes.sql.js';
import { codeKey } from './slug.js';

const PROCESSES = 4;
const CLAIMS_EACH = 200;
const isServer = process.env['SIGNET_TEST_DATABASE_URL'] !== undefined;
const redisUrl = process.env['SIGNET_TEST_REDIS_URL'] ?? '';
const newNonce = (): string => createHash('sha256').update(randomUUID()).digest('hex');

let platform: TestPlatform;
let app: NestFastifyApplication;
let codes: CodesOf;
let sources: DataSource[];
/** As many processes would have, each with connections of its own. */
let arbiters: ClaimArbiter[];

beforeAll(async () => {
  platform = await openTestPlatform([...auditMigrations, ...accessMigrations, ...codesMigrations]);
  app = await createTestApp(platform, [AuditModule, AccessModule, CodesModule]);
  codes = new CodesOf(app);
  // The embedded run is one process with one pool; there the arbiters have only their groups to themselves.
  const ownSources = isServer ? PROCESSES : 0;
  sources = await Promise.all(
    Array.from({ length: ownSources }, () => new DataSource(platform.dataSource.options).initialize()),
  );
  arbiters = Array.from({ length: PROCESSES }, (_, index) => new ClaimArbiter(sources[index] ?? platform.dataSource));
});
afterAll(async () => {
  await app.close();
  for (const source of sources) await source.destroy();
  await platform.close();
});

const claim = (codeId: string, more: Partial<Claim> = {}, process = 0): Promise<Decision> => {
  const arbiter = arbiters[process % PROCESSES];
  if (!arbiter) throw new Error('no such process');
  return arbiter.claim({ codeId, at: platform.clock.now(), ...more });
};
/** `count` claims spread over all processes, all at once. */
const claimAtOnce = (codeId: string, count: number, more: () => Partial<Claim> = () => ({})): Promise<Decision[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => claim(codeId, more(), index)));

const count = (decisions: readonly Decision[], outcome: Decision['outcome']): number =>
  decisions.filter((decision) => decision.outcome === outcome).length;
const usesOf = async (codeId: string): Promise<number[]> => {
  const rows: { use_no: number }[] = await platform.dataSource.query(
    'SELECT use_no FROM codes.uses WHERE code_id = $1 ORDER BY use_no',
    [codeId],
  );
  return rows.map((row) => row.use_no);
};
const upTo = (max: number): number[] => Array.from({ length: max }, (_, index) => index + 1);

describe('concurrent claims from several processes', () => {
  it.each([1, 2, 7, 150, 799, 1000])('of a code with %i uses take exactly these', async (maxScans) => {
    const { id } = await codes.create({ maxScans });
    const all = PROCESSES * CLAIMS_EACH;
    const decisions = await claimAtOnce(id, all, () => (Math.random() < 0.5 ? { nonceHash: newNonce() } : {}));
    const granted = Math.min(maxScans, all);
    expect(count(decisions, 'claimed')).toBe(granted);
    expect(count(decisions, 'refused')).toBe(all - granted);
    for (const refusal of decisions.filter(({ outcome }) => outcome === 'refused'))
      expect(refusal).toEqual({ outcome: 'refused', reason: 'exhausted', used: maxScans });
    expect(await usesOf(id)).toEqual(upTo(granted));
    expect((await codes.get(id)).scansUsed).toBe(granted);
  });

  it('with the same nonce in two processes at once use one and repeat it', async () => {
    for (let round = 0; round < 10; round += 1) {
      const maxScans = 1 + round * 5;
      const { id } = await codes.create({ maxScans, target: { url: `https://example.org/${round}` } });
      const nonces = Array.from({ length: 40 }, newNonce);
      const pairs = await Promise.all(
        nonces.map((nonceHash, index) =>
          Promise.all([claim(id, { nonceHash }, index), claim(id, { nonceHash }, index + 1 + (index % 3))]),
        ),
      );
      const outcomes = pairs.map((pair) =>
        pair
          .map(({ outcome }) => outcome)
          .toSorted()
          .join(' and '),
      );
      expect(outcomes.filter((outcome) => outcome === 'claimed and repeated')).toHaveLength(Math.min(maxScans, 40));
      expect(outcomes.filter((outcome) => outcome === 'refused and refused')).toHaveLength(Math.max(0, 40 - maxScans));
      expect(await usesOf(id)).toEqual(upTo(Math.min(maxScans, 40)));
    }
  });

  it('of many codes at once, in any order, take what each has and stop nobody', async () => {
    const all = await Promise.all(upTo(20).map((maxScans) => codes.create({ maxScans })));
    const asked = all.flatMap(({ id }) => Array.from({ length: 30 }, () => id));
    const shuffled = fc.sample(fc.shuffledSubarray(asked, { minLength: asked.length }), 1)[0] ?? [];
    const decisions = await Promise.all(shuffled.map((id, index) => claim(id, { nonceHash: newNonce() }, index)));
    for (const { id, maxScans } of all) {
      const own = decisions.filter((_decision, index) => shuffled[index] === id);
      expect(count(own, 'claimed')).toBe(maxScans);
    }
  });

  it('never succeed once a revoke has returned', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { id } = await codes.create({ maxScans: 100_000 });
      let revoked = false;
      const late: Decision[] = [];
      const claimer = async (process: number): Promise<void> => {
        for (let left = 10; left > 0;) {
          const startedAfter = revoked;
          const decision = await claim(id, process % 2 === 0 ? { nonceHash: newNonce() } : {}, process);
          if (!startedAfter) continue;
          late.push(decision);
          left -= 1;
        }
      };
      const claimers = Array.from({ length: 40 }, (_, process) => claimer(process));
      await codes.revoke(id);
      revoked = true;
      await Promise.all(claimers);
      expect(late).toHaveLength(400);
      expect(new Set(late.map((decision) => JSON.stringify({ ...decision, used: 0 })))).toEqual(
        new Set([JSON.stringify({ outcome: 'refused', reason: 'revoked', used: 0 })]),
      );
      expect(await usesOf(id)).toEqual(upTo((await codes.get(id)).scansUsed));
    }
  });

  it('follow edits of limit and target that happen meanwhile, and lose none of either', async () => {
    for (let round = 0; round < 5; round += 1) await claimDuringEdits();
  });

  async function claimDuringEdits(): Promise<void> {
    const { id } = await codes.create({ maxScans: 10 });
    const edits = upTo(20).map((step) => codes.update(id, { maxScans: 10 + step * 10, title: `edit ${step}` }));
    const [decisions, edited] = await Promise.all([
      claimAtOnce(id, PROCESSES * CLAIMS_EACH),
      Promise.allSettled(edits),
    ]);
    const after = await codes.get(id);
    // An edit that came late asked for a limit below the uses of by then, and was refused.
    const made = edited.filter(({ status }) => status === 'fulfilled');
    expect(after.version).toBe(1 + made.length);
    expect(made.length).toBeGreaterThan(0);
    expect(count(decisions, 'claimed')).toBe(after.scansUsed);
    expect(after.scansUsed).toBeLessThanOrEqual(210);
    const rest = await claimAtOnce(id, 300);
    expect(after.scansUsed + count(rest, 'claimed')).toBe(after.maxScans);
    expect(await usesOf(id)).toEqual(upTo(after.maxScans ?? 0));
  }
});

describe('a nonce', () => {
  it('gets the target of its use again for 5 minutes, also when the code is used up or leads elsewhere', async () => {
    const { id } = await codes.create({ maxScans: 1, target: { url: 'https://example.org/first' } });
    const nonceHash = newNonce();
    const first = await claim(id, { nonceHash });
    expect(first).toEqual({
      outcome: 'claimed',
      url: 'https://example.org/first',
      codeVersion: 1,
      useNumber: 1,
      used: 1,
      maxScans: 1,
    });
    await codes.update(id, { target: { url: 'https://example.org/second' } });
    platform.clock.advance(299_000);
    expect(await claim(id, { nonceHash }, 1)).toEqual({ ...first, outcome: 'repeated', codeVersion: 2 });
    expect(await claim(id, { nonceHash: newNonce() })).toEqual({ outcome: 'refused', reason: 'exhausted', used: 1 });
    platform.clock.advance(1000);
    expect(await claim(id, { nonceHash })).toEqual({ outcome: 'refused', reason: 'exhausted', used: 1 });
  });

  it('is an ordinary claimant again after its time', async () => {
    const { id } = await codes.create({ maxScans: 3 });
    const nonceHash = newNonce();
    await claim(id, { nonceHash });
    platform.clock.advance(300_000);
    expect(await claim(id, { nonceHash })).toMatchObject({ outcome: 'claimed', used: 2 });
    expect(await usesOf(id)).toEqual([1, 2]);
  });

  it('opens nothing once the code is revoked, and nothing of another code', async () => {
    const [one, other] = await Promise.all([codes.create({ maxScans: 1 }), codes.create({ maxScans: 1 })]);
    const nonceHash = newNonce();
    await claim(one.id, { nonceHash });
    await claim(other.id);
    expect(await claim(other.id, { nonceHash })).toMatchObject({ outcome: 'refused', reason: 'exhausted' });
    await codes.revoke(one.id);
    expect(await claim(one.id, { nonceHash })).toEqual({ outcome: 'refused', reason: 'revoked', used: 1 });
  });
});

describe('a claim', () => {
  const stored = async (differences: Partial<StoredCode>): Promise<string> => {
    const code = storedCode({ maxScans: 5, ...differences });
    expect(await insertCode(platform.dataSource.manager, code)).toBe(true);
    return code.id;
  };
  const inAMinute = (): string => new Date(platform.clock.now().getTime() + 60_000).toISOString();

  it.each(['paused', 'revoked', 'archived'] as const)('of a code that is %s is refused as such', async (state) => {
    expect(await claim(await stored({ state }))).toEqual({ outcome: 'refused', reason: state, used: 0 });
  });

  it('is refused before and after the time of the code', async () => {
    const activeFrom = inAMinute();
    platform.clock.advance(-60_000);
    const expiresAt = new Date(Date.parse(activeFrom) + 60_000).toISOString();
    const id = await stored({ activeFrom, expiresAt });
    expect(await claim(id)).toEqual({ outcome: 'refused', reason: 'not-active-yet', used: 0 });
    platform.clock.set(new Date(activeFrom));
    expect(await claim(id)).toMatchObject({ outcome: 'claimed', used: 1 });
    platform.clock.set(new Date(Date.parse(expiresAt) - 1));
    expect(await claim(id)).toMatchObject({ outcome: 'claimed', used: 2 });
    platform.clock.set(new Date(expiresAt));
    expect(await claim(id)).toEqual({ outcome: 'refused', reason: 'expired', used: 2 });
  });

  it('of an unknown code is refused, with others in the same group', async () => {
    const { id } = await codes.create({ maxScans: 1 });
    const decisions = await Promise.all([claim(newId()), claim(newId()), claim(id), claim(newId())]);
    expect(decisions.map((decision) => (decision.outcome === 'refused' ? decision.reason : decision.outcome))).toEqual([
      'unknown',
      'unknown',
      'claimed',
      'unknown',
    ]);
  });

  it('of a code that has lost its limit meanwhile leads to the target and is no use', async () => {
    const { id } = await codes.create({ maxScans: 1 });
    await codes.update(id, { maxScans: null });
    expect(await claim(id, { nonceHash: newNonce() })).toMatchObject({ outcome: 'claimed', used: 0, maxScans: null });
    expect(await usesOf(id)).toEqual([]);
  });

  it('is undecided, never granted, when PostgreSQL cannot be asked', async () => {
    const unreachable = new ClaimArbiter(new DataSource(platform.dataSource.options));
    const { id } = await codes.create({ maxScans: 1 });
    // The first goes alone and the others as the next group: a failure doesn't stop what waits behind it.
    const attempts = upTo(3).map(() => unreachable.claim({ codeId: id, at: platform.clock.now() }));
    for (const attempt of await Promise.allSettled(attempts))
      expect(attempt).toMatchObject({ status: 'rejected', reason: { kind: 'code-undecided', status: 503 } });
    expect(await claim(id)).toMatchObject({ outcome: 'claimed', used: 1 });
  });
});

/** The way of a claim in the redirect: the gate turns away what is known to be over, the arbiter decides, the gate learns. */
function describeClaims(
  name: string,
  makeCodeState: () => Promise<{ state: CodeState; flush: () => Promise<void> }>,
): void {
  describe(`gate and arbiter: ${name}`, () => {
    let state: CodeState;
    let flush: () => Promise<void>;
    beforeEach(async () => {
      ({ state, flush } = await makeCodeState());
    });
    afterEach(async () => {
      await flush();
      await state.close();
    });

    const pass = async (key: string, process: number, nonceHash?: string): Promise<Decision | GateVerdict> => {
      const at = platform.clock.now();
      // As the redirect does: a store that does not answer in time decides nothing, the arbiter does.
      const verdict = await state.gate({ key, at, nonceHash }).catch(() => 'unknown-here' as const);
      if (verdict !== 'open' && verdict !== 'unknown-here') return verdict;
      const near = await state.read(key).catch(() => undefined);
      const entry = near ?? (await findEntryByKey(platform.dataSource.manager, key));
      if (!entry) return 'unknown-here';
      if (verdict === 'unknown-here') await state.fill(key, entry).catch(() => undefined);
      const decision = await claim(entry.snapshot.id, { nonceHash }, process);
      const settled = { key, used: decision.used, nonceHash: decision.outcome === 'refused' ? undefined : nonceHash };
      await state.settle(settled).catch(() => undefined);
      return decision;
    };
    const claimed = (outcomes: readonly (Decision | GateVerdict)[]): number =>
      outcomes.filter((outcome) => typeof outcome === 'object' && outcome.outcome === 'claimed').length;

    it('let exactly the allowed number of 400 concurrent claims through', async () => {
      for (const maxScans of [1, 3, 50]) {
        const { id, slug } = await codes.create({ maxScans });
        const key = codeKey(slug ?? '');
        const outcomes = await Promise.all(Array.from({ length: 400 }, (_, index) => pass(key, index, newNonce())));
        expect(claimed(outcomes)).toBe(maxScans);
        expect(claimed([await pass(key, 0)])).toBe(0);
        expect(await usesOf(id)).toHaveLength(maxScans);
      }
    });

    it('let exactly the allowed number through when everything but PostgreSQL is forgotten between', async () => {
      const { id, slug } = await codes.create({ maxScans: 5 });
      const key = codeKey(slug ?? '');
      let through = 0;
      for (let round = 0; round < 8; round += 1) {
        const outcomes = await Promise.all([pass(key, 0), flush(), pass(key, 1), flush()]);
        through += claimed(outcomes.filter((outcome) => outcome !== undefined));
      }
      expect(through).toBe(5);
      expect(await usesOf(id)).toEqual(upTo(5));
    });

    it('answer a claimant whose answer got lost once more, also after a flush', async () => {
      const { slug } = await codes.create({ maxScans: 1 });
      const key = codeKey(slug ?? '');
      const nonceHash = newNonce();
      expect(await pass(key, 0, nonceHash)).toMatchObject({ outcome: 'claimed' });
      expect(await pass(key, 1, nonceHash)).toMatchObject({ outcome: 'repeated' });
      expect(await pass(key, 1, newNonce())).toBe('exhausted');
      await flush();
      expect(await pass(key, 2, nonceHash)).toMatchObject({ outcome: 'repeated' });
    });

    it('let nothing through after a revoke, whether or not the store heard of it', async () => {
      const { id, slug } = await codes.create({ maxScans: 1000 });
      const key = codeKey(slug ?? '');
      expect(await pass(key, 0)).toMatchObject({ outcome: 'claimed' });
      // This store is not the one that the service writes to: it still believes the code to be alive.
      await codes.revoke(id);
      const outcomes = await Promise.all(Array.from({ length: 50 }, (_, index) => pass(key, index)));
      for (const outcome of outcomes) expect(outcome).toEqual({ outcome: 'refused', reason: 'revoked', used: 1 });
    });
  });
}

describeClaims('in process', async () => {
  const state = new MemoryCodeState({ clock: platform.clock });
  return { state, flush: () => state.close() };
});

const describeWithRedis = redisUrl === '' ? describe.skip : describe;
describeWithRedis('with the Redis at SIGNET_TEST_REDIS_URL', () => {
  let admin: Redis;
  beforeAll(() => {
    admin = new Redis(redisUrl);
  });
  afterAll(() => admin.quit());

  describeClaims('Redis', async () => {
    const prefix = `signet-test-${randomUUID()}`;
    const flush = async (): Promise<void> => {
      const keys = await admin.keys(`${prefix}:*`);
      if (keys.length > 0) await admin.del(keys);
    };
    return { state: new RedisCodeState({ url: redisUrl, logger: testLogger(), prefix }), flush };
  });
});

describe('a target that was chosen by the rules of the code', () => {
  const urlOf = (decision: Decision): string | undefined => (decision.outcome === 'refused' ? undefined : decision.url);

  it('is where the claimant goes, and goes again by the nonce, whatever is chosen then', async () => {
    const { id, version } = await codes.create({ maxScans: 1 });
    const nonceHash = newNonce();
    const first = await claim(id, { nonceHash, chosen: { version, url: 'https://example.org/chosen' } });
    await codes.update(id, { target: { url: 'https://example.org/new' } });
    const again = await claim(id, { nonceHash, chosen: { version: version + 1, url: 'https://example.org/other' } });
    expect([first.outcome, urlOf(first)]).toEqual(['claimed', 'https://example.org/chosen']);
    expect([again.outcome, urlOf(again)]).toEqual(['repeated', 'https://example.org/chosen']);
  });

  it('of another version than the code has now is refused, and nothing is used', async () => {
    const { id, version } = await codes.create({ maxScans: 1 });
    await codes.update(id, { target: { url: 'https://example.org/new' } });
    const stale = await claim(id, { chosen: { version, url: 'https://example.org/' } });
    expect(stale).toEqual({ outcome: 'refused', reason: 'outdated', used: 0 });
    expect(await usesOf(id)).toEqual([]);
    const fresh = await claim(id, { chosen: { version: version + 1, url: 'https://example.org/new' } });
    expect(urlOf(fresh)).toBe('https://example.org/new');
  });

  it('is each claimant’s own when many claim at once', async () => {
    const { id, version } = await codes.create({ maxScans: 50 });
    const decisions = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        claim(
          id,
          { chosen: { version: index % 6 === 0 ? version + 7 : version, url: `https://example.org/${index}` } },
          index,
        ),
      ),
    );
    const sent = decisions.flatMap((decision, index) =>
      urlOf(decision) === undefined ? [] : [[urlOf(decision), index]],
    );
    expect(sent).toHaveLength(50);
    for (const [url, index] of sent) expect(url).toBe(`https://example.org/${index}`);
    expect(await usesOf(id)).toEqual(upTo(50));
  });

  it('of another version is no reason that hides one that lasts', async () => {
    const { id, version } = await codes.create({ maxScans: 1 });
    await codes.revoke(id);
    expect(await claim(id, { chosen: { version, url: 'https://example.org/' } })).toMatchObject({ reason: 'revoked' });
  });
});
