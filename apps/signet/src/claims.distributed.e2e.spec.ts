import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { RedirectFleet } from '@signet/testing';
import { Redis } from 'ioredis';
import { Client } from 'pg';

const CLAIMANTS = 200;
const MAX_SCANS = 50;
/** A person who was told nothing presses the button again; so often, and a second apart, as the page says. */
const MAX_TRIES = 30;

const { SIGNET_TEST_DATABASE_URL, SIGNET_TEST_REDIS_URL } = process.env;
const describeHere = SIGNET_TEST_DATABASE_URL && SIGNET_TEST_REDIS_URL ? describe : describe.skip;

/** Somebody with one form, and so one nonce. */
class Claimant {
  readonly nonce = randomBytes(16).toString('base64url');
  target: string | undefined;
  private wasLost = false;

  /** Claims until somebody decides. Who has lost an answer does not believe at once that none is left. */
  async claim(url: string): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const answer = await this.ask(url);
      if (answer?.status === 303) {
        this.target = answer.headers.get('location') ?? undefined;
        return;
      }
      if (answer?.status === 410 && (!this.wasLost || tries > 6)) return;
      this.wasLost ||= answer?.status !== 410;
      await pause(1000);
    }
    throw new Error('nobody decided');
  }

  async ask(url: string): Promise<Response | undefined> {
    const body = new URLSearchParams({ nonce: this.nonce });
    return fetch(url, { method: 'POST', body, redirect: 'manual' }).catch(() => undefined);
  }
}

describeHere('the claims of a limited code, on real stores', () => {
  let fleet: RedirectFleet;
  beforeAll(async () => {
    fleet = await RedirectFleet.start({ redirects: 2, stores: ['postgres', 'redis'] });
  });
  afterAll(() => fleet.stop());

  const connect = async (): Promise<Client> => {
    const client = new Client({ connectionString: fleet.environment['DATABASE_URL'] });
    // PostgreSQL is killed under it.
    client.on('error', () => {});
    await client.connect();
    return client;
  };
  const oneNumber = async (client: Client, sql: string, values: unknown[] = []): Promise<number> => {
    const { rows } = await client.query<{ n: number }>(sql, values);
    return rows[0]?.n ?? 0;
  };

  /** Holds the code, so that claims have passed the gate and wait for the arbiter when the fault comes. */
  async function contest(fault: () => Promise<void>): Promise<void> {
    const { id, slug } = await fleet.createCode({ maxScans: MAX_SCANS });
    const claimants = Array.from({ length: CLAIMANTS }, () => new Claimant());
    const holder = await connect();
    await holder.query('BEGIN');
    await holder.query('SELECT id FROM codes.codes WHERE id = $1 FOR UPDATE', [id]);
    const watcher = await connect();
    const urlFor = (turn: number): string => `${fleet.redirect(turn).url}/${slug}/claim`;
    const decided = Promise.all(claimants.map((claimant, turn) => claimant.claim(urlFor(turn))));
    const waitingSql = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock'`;
    while ((await oneNumber(watcher, waitingSql)) < fleet.redirects.length) await pause(5);
    await watcher.end();
    await fault();
    await holder.query('ROLLBACK').catch(() => {});
    await holder.end().catch(() => {});
    await decided;

    const winners = claimants.filter(({ target }) => target !== undefined);
    const truth = await connect();
    const used = await oneNumber(truth, 'SELECT scans_used AS n FROM codes.codes WHERE id = $1', [id]);
    const uses = await oneNumber(truth, 'SELECT count(*)::int AS n FROM codes.uses WHERE code_id = $1', [id]);
    await truth.end();
    expect({ winners: winners.length, used, uses }).toEqual({ winners: MAX_SCANS, used: MAX_SCANS, uses: MAX_SCANS });
    expect(await usedByTheGate(slug)).toBeLessThanOrEqual(MAX_SCANS);

    // A second apart from the crowd, whose doubts the arbiter has been asked about.
    await pause(1000);
    const again = await Promise.all(winners.slice(0, 20).map((winner, turn) => winner.ask(urlFor(turn))));
    expect(again.map((answer) => answer?.status)).toEqual(Array.from({ length: 20 }, () => 303));
    expect((await new Claimant().ask(urlFor(0)))?.status).toBe(410);
  }

  async function usedByTheGate(slug: string): Promise<number> {
    const redis = new Redis(fleet.environment['REDIS_URL'] ?? '');
    const used = await redis.hget(`signet:code:{${slug}}`, 'used');
    redis.disconnect();
    return Number(used ?? 0);
  }

  it('are granted exactly so often when Redis is flushed in the middle', () =>
    contest(() => fleet.stores.flushRedis()));

  it('are granted exactly so often when Redis dies in the middle and is started again', () =>
    contest(async () => {
      await fleet.stores.kill('redis');
      await fleet.stores.start('redis');
    }));

  it('are granted exactly so often when a redirect is killed between gate and arbiter', () =>
    contest(async () => {
      await fleet.redirect(1).end('SIGKILL');
      await fleet.redirect(1).start();
    }));

  it('are granted exactly so often when PostgreSQL dies in the middle and is started again', () =>
    contest(async () => {
      await fleet.stores.kill('postgres');
      await fleet.stores.start('postgres');
    }));
});
