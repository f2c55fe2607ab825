import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { AlertPageSchema, topics, VerificationSchema } from '@signet/contracts';
import { RedirectFleet, stepBefore, totp, until, untilStepHasLeft } from '@signet/testing';
import addFormats from 'ajv-formats';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { z } from 'zod';

const run = promisify(execFile);
const has = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;
const isHere = has('kcat', '-V') && has('jq', '--version');
const isRequired = process.env['SIGNET_TEST_SERVICES'] === 'required';
const { SIGNET_TEST_DATABASE_URL, SIGNET_TEST_REDIS_URL, SIGNET_TEST_KAFKA_BROKERS } = process.env;
const hasStores = SIGNET_TEST_DATABASE_URL && SIGNET_TEST_REDIS_URL && SIGNET_TEST_KAFKA_BROKERS;
const describeHere = hasStores && (isHere || isRequired) ? describe : describe.skip;

const PHONE = { 'user-agent': 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Version/18.5 Safari/604.1' };
const DEAD_LETTER = topics.deadLetter.name;

/** What a test makes happen, by the topic that tells of it. */
const EXPECTED: Record<string, readonly string[]> = {
  [topics.codes.name]: ['code.created', 'code.updated', 'code.revoked'],
  [topics.scans.name]: ['scan.recorded', 'scan.guessing'],
  [topics.enrollments.name]: ['enrollment.created', 'enrollment.confirmed', 'factor.added', 'subject.offboarded'],
  [topics.verifications.name]: ['verification.accepted', 'verification.rejected'],
  [topics.analytics.name]: ['rollup.updated'],
  [topics.alerts.name]: ['alert.raised', 'alert.resolved', 'audit.checkpoint'],
};

const EventSchema = z.looseObject({ type: z.string(), dataschema: z.string(), data: z.unknown() });
const EnrollmentSchema = z.object({ id: z.string(), secret: z.string(), claimToken: z.string() });
const AsyncApiSchema = z.object({ components: z.object({ schemas: z.record(z.string(), z.unknown()) }) });

describeHere(isHere || isRequired ? 'kcat and jq' : 'kcat and jq (skipped: one is not installed)', () => {
  let fleet: RedirectFleet;
  beforeAll(async () => {
    fleet = await RedirectFleet.start({
      redirects: 1,
      stores: ['postgres', 'redis', 'kafka'],
      others: ['verification', 'analytics'],
      environment: { SIGNET_UNKNOWN_SLUGS_PER_MINUTE: '2' },
    });
  }, 300_000);
  afterAll(() => fleet?.stop());

  const brokers = (): string => fleet.environment['KAFKA_BROKERS'] ?? '';
  const visit = (path: string): Promise<Response> =>
    fetch(fleet.redirect().url + path, { redirect: 'manual', headers: PHONE });

  async function ask(method: string, path: string, body?: object, service = fleet.api): Promise<unknown> {
    const answer = await fleet.call(method, path, body, service);
    const said = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${said}`);
    return said === '' ? undefined : JSON.parse(said);
  }

  /** All records of a topic, each a line of JSON that jq has made of what kcat read. */
  async function read(topic: string): Promise<unknown[]> {
    const kcat = await run('kcat', ['-C', '-e', '-q', '-J', '-b', brokers(), '-t', topic, '-o', 'beginning']);
    const jq = spawn('jq', ['--compact-output', '.payload | fromjson'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const exited = once(jq, 'exit');
    jq.stdin.end(kcat.stdout);
    const lines = (await text(jq.stdout)).split('\n').filter((line) => line !== '');
    expect(await exited).toEqual([0, null]);
    expect(lines.length).toBe(kcat.stdout.split('\n').length - 1);
    return lines.map((line): unknown => JSON.parse(line));
  }

  async function issueScanAndRevoke(): Promise<void> {
    const { id, slug } = await fleet.createCode({});
    await ask('PATCH', `/v1/codes/${id}`, { target: { url: 'https://example.org/new' } });
    expect((await visit(`/${slug}`)).status).toBe(302);
    await ask('POST', `/v1/codes/${id}/revoke`, { reason: 'lost' });
    await until(async () => (await visit(`/${slug}`)).status === 410, 50);
    for (let n = 0; n < 4; n += 1) await visit(`/nobody-has-${n}`);
  }

  async function enrollVerifyAndOffboard(): Promise<void> {
    const subject = 'anna';
    await ask('PUT', `/v1/subjects/${subject}`, {});
    const body = { subject, factor: 'totp', delivery: 'inline' };
    const { id, secret, claimToken } = EnrollmentSchema.parse(await ask('POST', '/v1/enrollments', body));
    await untilStepHasLeft(10);
    const now = new Date();
    await ask('POST', `/v1/enrollments/${id}/confirm`, { code: totp(secret, stepBefore(now)), claimToken });
    const verify = async (code: string): Promise<string> => {
      const attempt = { subject, factor: 'totp', code };
      return VerificationSchema.parse(await ask('POST', '/v1/verifications', attempt, fleet.other('verification')))
        .result;
    };
    expect([await verify(totp(secret, now)), await verify(totp(secret, now))]).toEqual(['accepted', 'rejected']);
    await ask('POST', `/v1/subjects/${subject}/offboard`, { reason: 'left' });
  }

  async function resolveAlert(): Promise<void> {
    const analytics = fleet.other('analytics');
    const alert = await until(async () => {
      const { items } = AlertPageSchema.parse(await ask('GET', '/v1/alerts', undefined, analytics));
      return items.find(({ kind }) => kind === 'revoked_scan');
    }, 100);
    await ask('POST', `/v1/alerts/${alert.id}/resolve`, {}, analytics);
  }

  it('read every topic, and each record is as the schema says that the service serves for it', async () => {
    await issueScanAndRevoke();
    await enrollVerifyAndOffboard();
    await resolveAlert();
    // At its start, and then once a minute, it signs the ends of chains that nobody has signed.
    await fleet.api.end('SIGTERM');
    await fleet.api.start();

    const ajv = addFormats.default(new Ajv2020({ strict: false }));
    ajv.addFormat('base64', true);
    const { components } = AsyncApiSchema.parse(await ask('GET', '/v1/asyncapi.json'));
    ajv.addSchema({ $id: 'asyncapi', components });
    const problemsOf = (schema: object, value: unknown): unknown => {
      const validate = ajv.compile(schema);
      return validate(value) ? null : { value, errors: validate.errors };
    };
    const ofComponent = (name: string): object => ({ $ref: `asyncapi#/components/schemas/${name}` });
    const served = new Map<string, object>();
    for (const [topic, expected] of Object.entries(EXPECTED)) {
      const events = await until(async () => {
        const found = z.array(EventSchema).parse(await read(topic));
        const types = new Set(found.map(({ type }) => type));
        return expected.every((type) => types.has(type)) && found;
      }, 250);
      for (const event of events) {
        const path = `/v1/schemas/${event.dataschema}`;
        const schema = served.get(path) ?? z.record(z.string(), z.unknown()).parse(await ask('GET', path));
        served.set(path, schema);
        expect(problemsOf(schema, event.data)).toBeNull();
        expect(problemsOf(ofComponent(event.type), event)).toBeNull();
      }
    }
    // Last: jq could not read it, either.
    const garbage = spawn('kcat', ['-P', '-b', brokers(), '-t', topics.scans.name]);
    garbage.stdin.end('no event\n');
    await once(garbage, 'exit');
    const [letter] = await until(async () => {
      const letters = await read(DEAD_LETTER);
      return letters.length > 0 && letters;
    }, 250);
    expect(problemsOf(ofComponent('deadLetter'), letter)).toBeNull();
    expect(letter).toMatchObject({ reason: 'unreadable', topic: topics.scans.name });
    expect(new Set([...Object.keys(EXPECTED), DEAD_LETTER])).toEqual(
      new Set(Object.values(topics).map(({ name }) => name)),
    );
  });
});
