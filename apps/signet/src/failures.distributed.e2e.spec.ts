import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { CodeAnalyticsSchema } from '@signet/contracts';
import { EventStream, RedirectFleet, until, type ServiceProcess, type StoreName } from '@signet/testing';

const { SIGNET_TEST_DATABASE_URL, SIGNET_TEST_REDIS_URL, SIGNET_TEST_KAFKA_BROKERS } = process.env;
const describeHere =
  SIGNET_TEST_DATABASE_URL && SIGNET_TEST_REDIS_URL && SIGNET_TEST_KAFKA_BROKERS ? describe : describe.skip;

/** What somebody does, by what it needs. */
type Probe =
  | 'plain link'
  | 'page'
  | 'unknown slug'
  | 'look at a protected code'
  | 'password'
  | 'claim'
  | 'API write'
  | 'verification'
  | 'analytics'
  | 'new stream';
type Statuses = Record<Probe, number>;

/** docs/operating/failures.md, as a table. */
const WELL: Statuses = {
  'plain link': 302,
  page: 200,
  'unknown slug': 404,
  'look at a protected code': 200,
  password: 303,
  claim: 303,
  'API write': 201,
  verification: 200,
  analytics: 200,
  'new stream': 200,
};
const WITHOUT_POSTGRESQL: Statuses = {
  ...WELL,
  'unknown slug': 503,
  claim: 503,
  'API write': 503,
  verification: 503,
  analytics: 503,
  'new stream': 503,
};

interface Failure {
  expected: Statuses;
  propagation?: 'effective' | 'pending';
  /** What `/readyz` names, of redirect and of the others. */
  named: string;
  othersReady: boolean;
}
const FAILURES: Record<StoreName, Failure> = {
  postgres: { expected: WITHOUT_POSTGRESQL, named: 'postgresql', othersReady: false },
  redis: { expected: WELL, propagation: 'pending', named: 'code-state', othersReady: true },
  kafka: { expected: WELL, propagation: 'effective', named: 'event-log', othersReady: true },
};

/** Milliseconds; of a healthy machine a hundredth. What needs the store that fails may take as long as it gives it. */
const AT_ONCE = 5000;
const PATIENCE = 30_000;

describeHere('a failure of', () => {
  let fleet: RedirectFleet;
  let stream: EventStream;
  const codes = { plain: { id: '', slug: '' }, page: { slug: '' }, password: { slug: '' } };
  /** Of the plain code. */
  let answered = 0;
  beforeAll(async () => {
    const others = ['verification', 'analytics'] as const;
    fleet = await RedirectFleet.start({ redirects: 1, stores: ['postgres', 'redis', 'kafka'], others });
    codes.plain = await fleet.createCode({});
    const links = [{ label: 'Menu', url: 'https://example.org/menu' }];
    codes.page = await fleet.createCode({ kind: 'page', target: { type: 'links', title: 'Hello', links } });
    codes.password = await fleet.createCode({ password: 'the right one' });
    stream = await EventStream.open(`${fleet.other('analytics').url}/v1/stream?codeId=${codes.plain.id}`, fleet.key);
  }, 300_000);
  afterAll(async () => {
    stream?.close();
    await fleet?.stop();
  });

  const analytics = (): Promise<Response> =>
    fleet.call('GET', `/v1/analytics/codes/${codes.plain.id}`, undefined, fleet.other('analytics'));
  const visit = (path: string, form?: Record<string, string>): Promise<Response> => {
    const post = form ? { method: 'POST', body: new URLSearchParams(form) } : {};
    return fetch(fleet.redirect().url + path, { redirect: 'manual', ...post });
  };
  /** Of what is asked for once: the redirect remembers for a second which slugs are nobody's. */
  let asked = 0;
  /** A single-use code, and the nonce of somebody's page for it. */
  interface Single {
    slug: string;
    nonce: string;
  }
  const createSingle = async (): Promise<Single> => ({
    slug: (await fleet.createCode({ maxScans: 1 })).slug,
    nonce: randomBytes(16).toString('base64url'),
  });
  const probes = (single: Single): [Probe, () => Promise<Response>][] => [
    ['plain link', scanPlain],
    ['page', () => visit(`/${codes.page.slug}`)],
    ['unknown slug', () => visit(`/nobody-has-${(asked += 1)}`)],
    ['look at a protected code', () => visit(`/${single.slug}`)],
    ['password', () => visit(`/${codes.password.slug}/claim`, { password: 'the right one' })],
    ['claim', () => visit(`/${single.slug}/claim`, { nonce: single.nonce })],
    ['API write', () => fleet.call('POST', '/v1/codes', { target: { url: 'https://example.org/new' } })],
    ['verification', verify],
    ['analytics', analytics],
    ['new stream', openStream],
  ];
  async function scanPlain(): Promise<Response> {
    const answer = await visit(`/${codes.plain.slug}`);
    if (answer.status === 302) answered += 1;
    return answer;
  }
  function verify(): Promise<Response> {
    const body = { subject: `somebody-${(asked += 1)}`, factor: 'totp', code: '000000' };
    return fleet.call('POST', '/v1/verifications', body, fleet.other('verification'));
  }
  async function openStream(): Promise<Response> {
    const answer = await fleet.call('GET', '/v1/stream', undefined, fleet.other('analytics'));
    await answer.body?.cancel();
    return answer;
  }

  interface Answers {
    statuses: Partial<Statuses>;
    milliseconds: Partial<Record<Probe, number>>;
    propagation?: string;
    withoutRetryAfter: Probe[];
  }
  /** Everything at once, so that one outage is waited for once. */
  async function tryAll(single: Single): Promise<Answers> {
    const answers: Answers = { statuses: {}, milliseconds: {}, withoutRetryAfter: [] };
    const ask = async (probe: Probe, send: () => Promise<Response>): Promise<void> => {
      const since = performance.now();
      const answer = await send();
      answers.statuses[probe] = answer.status;
      answers.milliseconds[probe] = Math.round(performance.now() - since);
      if (answer.status === 503 && !answer.headers.has('retry-after')) answers.withoutRetryAfter.push(probe);
      if (probe === 'API write' && answer.ok) answers.propagation = JSON.parse(await answer.text()).propagation;
    };
    await Promise.all(probes(single).map(([probe, send]) => ask(probe, send)));
    return answers;
  }

  const readiness = async ({ url }: ServiceProcess): Promise<{ ready: boolean; named: string[] }> => {
    const answer = await fetch(`${url}/readyz`);
    const { missing, degraded } = JSON.parse(await answer.text());
    return { ready: answer.ok, named: [...Object.keys(missing), ...Object.keys(degraded)] };
  };
  const eventually = (isSo: () => Promise<boolean>): Promise<boolean> => until(isSo, 200);
  const services = (): ServiceProcess[] => [fleet.api, fleet.other('verification'), fleet.other('analytics')];
  async function isWell(): Promise<boolean> {
    const single = await createSingle().catch(() => undefined);
    if (!single) return false;
    const { statuses, propagation } = await tryAll(single);
    return isDeepStrictEqual(statuses, WELL) && propagation === 'effective';
  }
  const framesOf = (): number =>
    new Set(stream.frames.filter(({ event }) => event === 'scan.recorded').map(({ data }) => data)).size;

  const MODES = ['frozen', 'killed'] as const;
  const cases = (['postgres', 'redis', 'kafka'] as const).flatMap((store) =>
    MODES.map((mode) => [store, mode] as const),
  );
  it.each(cases)(
    '%s, %s, is answered as the document says, and over when it is back',
    async (store, mode) => {
      const { expected, propagation, named, othersReady } = FAILURES[store];
      const single = await createSingle();
      const thaw = mode === 'frozen' ? fleet.stores.freeze(store) : undefined;
      if (!thaw) await fleet.stores.kill(store);
      try {
        const answers = await tryAll(single);
        expect(answers.statuses).toEqual(expected);
        expect(answers.withoutRetryAfter).toEqual([]);
        expect(answers.propagation).toBe(propagation);
        process.stderr.write(`  ${store} ${mode}, ms: ${JSON.stringify(answers.milliseconds)}\n`);
        const late = Object.entries(answers.milliseconds).filter(
          ([probe, ms]) => ms > (isPrompt(probe) ? AT_ONCE : PATIENCE),
        );
        expect(late).toEqual([]);
        expect(await readiness(fleet.redirect())).toMatchObject({
          ready: true,
          named: expect.arrayContaining([named]),
        });
        for (const service of services())
          expect(await readiness(service)).toMatchObject({
            ready: othersReady,
            named: expect.arrayContaining([named]),
          });
        // An open stream goes on with what Kafka has.
        if (store !== 'kafka') await eventually(async () => framesOf() === answered);
      } finally {
        if (thaw) thaw();
        else await fleet.stores.start(store);
      }
      await eventually(isWell);
      // Whose claim nobody decided, or whose answer was lost when PostgreSQL had decided it, has it now; a stranger has not.
      const { nonce } = single;
      const claims = [await visit(`/${single.slug}/claim`, { nonce }), await visit(`/${single.slug}/claim`, {})];
      expect(claims.map(({ status }) => status)).toEqual([303, 410]);
      await eventually(async () => {
        const { totals } = CodeAnalyticsSchema.parse(JSON.parse(await (await analytics()).text()));
        return totals.scans + totals.bots === answered && framesOf() === answered;
      });
    },
    240_000,
  );
});

/** What needs no store that could fail, or has another one to ask. */
const isPrompt = (probe: string): boolean =>
  ['plain link', 'page', 'look at a protected code', 'password'].includes(probe);
