import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { SystemClock } from '../clock.js';
import { FILLED_TTL_SECONDS, NONCE_TTL_SECONDS, WRITTEN_TTL_SECONDS } from './code-state.js';
import { describeCodeState, snapshotOf, until } from './code-state.contract.js';
import { MemoryCodeState } from './memory-code-state.js';
import { RedisCodeState } from './redis-code-state.js';

const logger = pino({ level: 'silent' });
const redisUrl = process.env['SIGNET_TEST_REDIS_URL'] ?? '';
const at = new Date('2026-11-24T12:00:00.000Z');

const describeWithRedis = redisUrl === '' ? describe.skip : describe;

describeWithRedis('with the Redis at SIGNET_TEST_REDIS_URL', () => {
  const prefixes: string[] = [];
  let admin: Redis;
  beforeAll(() => {
    admin = new Redis(redisUrl);
  });
  afterAll(async () => {
    await Promise.all(prefixes.map(forget));
    await admin.quit();
  });

  /** A prefix of its own for each test: runs that share a server don't meet. */
  function newPrefix(): string {
    const prefix = `signet-test-${randomUUID()}`;
    prefixes.push(prefix);
    return prefix;
  }
  async function forget(prefix: string): Promise<void> {
    const keys = await admin.keys(`${prefix}:*`);
    if (keys.length > 0) await admin.del(keys);
  }

  describeCodeState('Redis', async () => {
    const prefix = newPrefix();
    return { state: new RedisCodeState({ url: redisUrl, logger, prefix }), flush: () => forget(prefix) };
  });

  describe('RedisCodeState', () => {
    let prefix: string;
    let state: RedisCodeState;
    beforeEach(() => {
      prefix = newPrefix();
      state = new RedisCodeState({ url: redisUrl, logger, prefix });
    });
    afterEach(() => state.close());

    async function expectTtl(key: string, seconds: number): Promise<void> {
      const ttl = await admin.ttl(`${prefix}:code:${key}`);
      // A second may have begun since.
      expect([seconds, seconds - 1]).toContain(ttl);
    }

    it('keeps a write, a fill and a nonce for as long as each may live', async () => {
      const limit = { maxScans: 1, claimMode: 'direct' } as const;
      await state.write('written', snapshotOf(1, { limit }));
      await state.fill('filled', { snapshot: snapshotOf(1), used: 0 });
      await state.settle({ key: 'written', used: 1, nonceHash: 'ab' });
      await expectTtl('{written}', WRITTEN_TTL_SECONDS);
      await expectTtl('{filled}', FILLED_TTL_SECONDS);
      await expectTtl('{written}:nonce:ab', NONCE_TTL_SECONDS);
      await state.write('filled', snapshotOf(1));
      await expectTtl('{filled}', WRITTEN_TTL_SECONDS);
    });

    it('tells other processes of a write', async () => {
      const other = new RedisCodeState({ url: redisUrl, logger, prefix });
      try {
        const heard: (string | undefined)[] = [];
        other.onChange((key) => heard.push(key));
        await until(() => heard.length > 0);
        await state.write('summer', snapshotOf(1));
        await until(() => heard.length > 1);
        expect(heard).toEqual([undefined, 'summer']);
      } finally {
        await other.close();
      }
    });

    it('runs on when the server has forgotten its scripts', async () => {
      await state.write('summer', snapshotOf(1));
      await admin.script('FLUSH');
      expect(await state.write('summer', snapshotOf(2))).toBe(true);
      expect(await state.gate({ key: 'summer', at })).toBe('open');
    });

    it('takes what another release wrote and this one cannot read for a miss', async () => {
      await state.write('summer', snapshotOf(1));
      await admin.hset(`${prefix}:code:{summer}`, 'snapshot', '{"kind":"hologram"}');
      expect(await state.read('summer')).toBeUndefined();
    });

    it('decides at the gate what the in-process adapter decides', async () => {
      const memory = new MemoryCodeState({ clock: new SystemClock() });
      const nearNow = fc.integer({ min: -2, max: 2 }).map((ms) => new Date(at.getTime() + ms).toISOString());
      const nonceHash = optional(fc.constantFrom('aa', 'bb'));
      const codes = fc.record({
        state: fc.constantFrom('active' as const, 'active', 'active', 'paused', 'revoked', 'archived'),
        activeFrom: optional(nearNow),
        expiresAt: optional(nearNow),
        limit: optional(fc.record({ maxScans: fc.integer({ min: 1, max: 3 }), claimMode: fc.constant('direct') })),
      });
      const histories = fc.record({
        versions: fc.array(
          fc.tuple(fc.constantFrom('write', 'fill'), fc.integer({ min: 1, max: 4 }), codes, fc.nat(4)),
          {
            maxLength: 4,
          },
        ),
        settled: fc.array(fc.record({ used: fc.nat(4), nonceHash }), { maxLength: 2 }),
        asker: nonceHash,
      });
      let run = 0;
      await fc.assert(
        fc.asyncProperty(histories, async ({ versions, settled, asker }) => {
          const key = `run-${run++}`;
          const answers = await Promise.all(
            [state, memory].map(async (adapter) => {
              for (const [how, version, code, used] of versions) {
                const snapshot = snapshotOf(version, code);
                if (how === 'write') await adapter.write(key, snapshot);
                else await adapter.fill(key, { snapshot, used });
              }
              for (const use of settled) await adapter.settle({ key, ...use });
              return { entry: await adapter.read(key), verdict: await adapter.gate({ key, at, nonceHash: asker }) };
            }),
          );
          expect(answers[0]).toEqual(answers[1]);
        }),
        { numRuns: 300 },
      );
    });
  });
});

function optional<Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> {
  return fc.option(arbitrary, { nil: undefined });
}
