import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import {
  CodeEventSchema,
  CreatedWebhookSchema,
  WebhookDeliveryPageSchema,
  type WebhookDelivery,
} from '@signet/contracts';
import { freePort, RedirectFleet, ServiceProcess, until } from '@signet/testing';
import { Client } from 'pg';

const { SIGNET_TEST_DATABASE_URL, SIGNET_TEST_REDIS_URL, SIGNET_TEST_KAFKA_BROKERS } = process.env;
const describeHere =
  SIGNET_TEST_DATABASE_URL && SIGNET_TEST_REDIS_URL && SIGNET_TEST_KAFKA_BROKERS ? describe : describe.skip;

/** How long a process may have a delivery in hand before another takes it for lost (webhook-sender.ts). */
const LEASE_MS = 60_000;
/** For what is due to be found, sent and answered on a busy machine. */
const PATIENCE_MS = 15_000;
/** Of one endpoint at once (webhook-limits.ts). */
const PER_ENDPOINT = 10;
/** An advisory lock by which the test holds the sender's statements between their work and their commit. */
const HOLD = 78;

interface Arrival {
  endpoint: string;
  eventId: string;
  codeId: string;
  at: number;
}

type Answer = (response: ServerResponse) => void;
const accept: Answer = (response) => response.writeHead(204).end();

/** Somebody's server with several endpoints. */
class Receiver {
  readonly arrivals: Arrival[] = [];
  /** By endpoint; who is not named here accepts. */
  readonly answers = new Map<string, Answer>();
  private readonly server: Server = createServer((request, response) => void this.receive(request, response));

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }
  urlOf(endpoint: string): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/${endpoint}`;
  }
  at(endpoint: string): Arrival[] {
    return this.arrivals.filter((arrival) => arrival.endpoint === endpoint);
  }
  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { data } = CodeEventSchema.parse(await json(request));
    const endpoint = request.url?.slice(1) ?? '';
    this.arrivals.push({ endpoint, eventId: String(request.headers['webhook-id']), codeId: data.id, at: Date.now() });
    (this.answers.get(endpoint) ?? accept)(response);
  }
}

const nameOf = ({ endpoint, codeId }: Pick<Arrival, 'endpoint' | 'codeId'>): string => `${endpoint} ${codeId}`;

describeHere('the sender of webhooks, killed with deliveries in hand', () => {
  const receiver = new Receiver();
  let fleet: RedirectFleet;
  let sender: ServiceProcess;
  let watcher: Client;
  let holder: Client;

  beforeAll(async () => {
    await receiver.start();
    fleet = await RedirectFleet.start({ redirects: 0, stores: ['postgres', 'redis', 'kafka'] });
    sender = new ServiceProcess('apps/analytics/dist/main.js', [], await freePort(), {
      ...fleet.environment,
      SIGNET_DATA_DIR: join(fleet.stores.directory, 'sender'),
      SIGNET_WEBHOOK_ALLOW_PRIVATE: 'true',
    });
    await sender.start();
    [watcher, holder] = [await connect(), await connect()];
    // Without locks of tables: what waits for a transaction that writes is not in the log, either.
    await watcher.query(`
      CREATE FUNCTION delivery.hold() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_advisory_xact_lock_shared(${HOLD}); RETURN NEW; END $$;
      GRANT EXECUTE ON FUNCTION delivery.hold TO PUBLIC;
      CREATE TRIGGER hold_take BEFORE UPDATE ON delivery.deliveries FOR EACH ROW
        WHEN (NEW.attempts > OLD.attempts) EXECUTE FUNCTION delivery.hold();
      CREATE TRIGGER hold_result BEFORE INSERT ON delivery.attempts FOR EACH ROW EXECUTE FUNCTION delivery.hold()`);
  }, 300_000);
  afterAll(async () => {
    await Promise.all([watcher, holder].map((client) => client?.end()));
    await sender?.end('SIGKILL');
    await fleet?.stop();
    receiver.stop();
  });

  async function connect(): Promise<Client> {
    const client = new Client({ connectionString: fleet.environment['DATABASE_URL'] });
    await client.connect();
    return client;
  }

  async function createHook(endpoint: string): Promise<string> {
    const body = { url: receiver.urlOf(endpoint), events: ['code.created'] };
    const answer = await fleet.call('POST', '/v1/webhooks', body, sender);
    return CreatedWebhookSchema.parse(await answer.json()).id;
  }

  async function createCodes(count: number): Promise<string[]> {
    const codes = await Promise.all(Array.from({ length: count }, () => fleet.createCode({})));
    return codes.map(({ id }) => id);
  }

  const untilHeld = (statement: string): Promise<true> =>
    until(async () => {
      const { rows } = await watcher.query(
        `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND position($1 IN query) > 0`,
        [statement],
      );
      return rows.length > 0;
    }, 20);

  async function deliveriesOf(hook: string, state: 'pending' | 'delivered'): Promise<WebhookDelivery[]> {
    const path = `/v1/webhooks/${hook}/deliveries?limit=200&state=${state}`;
    return WebhookDeliveryPageSchema.parse(await (await fleet.call('GET', path, undefined, sender)).json()).items;
  }

  it('leaves them to its next start under the same id: none is lost, none waits longer than the lease', async () => {
    const [unanswered, unstored, unsent] = ['unanswered', 'unstored', 'unsent'];
    const held: ServerResponse[] = [];
    receiver.answers.set(unanswered, () => {});
    receiver.answers.set(unstored, (response) => void held.push(response));
    receiver.answers.set(unsent, (response) => void response.writeHead(503, { 'retry-after': '10' }).end());
    const endpoints = [unanswered, unstored, unsent];
    const hooks = [await createHook(unanswered), await createHook(unstored), await createHook(unsent)];
    const early = await createCodes(PER_ENDPOINT + 2);
    await until(() => [unanswered, unstored].every((endpoint) => receiver.at(endpoint).length === PER_ENDPOINT));
    await until(async () => {
      const failed = (await deliveriesOf(hooks.at(-1) ?? '', 'pending')).filter(({ lastStatus }) => lastStatus === 503);
      return failed.length === early.length;
    });
    await holder.query(`SELECT pg_advisory_lock(${HOLD})`);
    held.forEach(accept);
    await untilHeld('INSERT INTO delivery.attempts');
    await untilHeld('UPDATE delivery.deliveries d SET attempts');

    await sender.end('SIGKILL');
    const killedAt = Date.now();
    const before = receiver.arrivals.splice(0);
    receiver.answers.clear();
    await holder.query('SELECT pg_advisory_unlock_all()');
    const late = await createCodes(3);
    await sender.start();
    const startedAt = Date.now();

    const expected = endpoints.flatMap((endpoint) => [...early, ...late].map((codeId) => nameOf({ endpoint, codeId })));
    const missing = (): string[] => {
      const arrived = new Set(receiver.arrivals.map(nameOf));
      return expected.filter((name) => !arrived.has(name));
    };
    await until(() => missing().length === 0 || Date.now() > killedAt + LEASE_MS + PATIENCE_MS, 50);
    expect(missing()).toEqual([]);

    const inHand = new Set(before.map(nameOf));
    const waited = early.flatMap((codeId) => endpoints.map((endpoint) => nameOf({ endpoint, codeId })));
    const waitedOnly = new Set(waited.filter((name) => !inHand.has(name)));
    expect(waitedOnly.size).toBe(4);
    expect(
      receiver.arrivals.filter((arrival) => waitedOnly.has(nameOf(arrival)) && arrival.at > startedAt + PATIENCE_MS),
    ).toEqual([]);

    const idsOf = Map.groupBy([...before, ...receiver.arrivals], ({ codeId }) => codeId);
    const ids = Array.from(idsOf.values(), (arrivals) => [...new Set(arrivals.map(({ eventId }) => eventId))]);
    expect(ids.filter((own) => own.length !== 1)).toEqual([]);
    expect(new Set(ids.flat()).size).toBe(early.length + late.length);

    for (const hook of hooks)
      await until(async () => (await deliveriesOf(hook, 'delivered')).length === early.length + late.length, 50);
  }, 180_000);
});
