import { Idempotency } from '@signet/access';
import { Alerts } from '@signet/alerts';
import { appendAudit } from '@signet/audit';
import {
  eventSchemas,
  topics,
  type CreatedWebhook,
  type InputOf,
  type RotatedWebhook,
  type Webhook,
  type WebhookDelivery,
  type WebhookDeliveryDetail,
  type WebhookTest,
} from '@signet/contracts';
import {
  Clock,
  decodeCursor,
  EventLog,
  ifMatchAllows,
  newId,
  SignetError,
  toPage,
  versionTag,
  type Caller,
  type RecordBatch,
} from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { z } from 'zod';
import { findDelivery, listDeliveries, requeueDeliveries } from './deliveries.sql.js';
import { EndpointKeys } from './endpoint-keys.js';
import {
  deleteEndpoint,
  expireKeys,
  findEndpoint,
  findKeys,
  hasRoomForEndpoint,
  insertEndpoint,
  listEndpoints,
  updateEndpoint,
  type StoredEndpoint,
} from './endpoints.sql.js';
import { isWanted } from './event-pattern.js';
import { isDelivered, WebhookClient } from './webhook-client.js';
import { alertKeyOf } from './webhook-alert.js';
import { WebhookLimits } from './webhook-limits.js';
import { queueFor, tellable, workspaceOf, type LoggedEvent } from './webhook-queue.js';
import { WebhookSender } from './webhook-sender.js';

interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

const DeliveryPositionSchema = z.strictObject({ createdAt: z.iso.datetime(), id: z.uuid() });
/** The topics that endpoints can be told of. */
const TOLD = [topics.codes, topics.scans, topics.enrollments, topics.verifications, topics.alerts];
/** A replay is made by the request; what takes longer is asked for in parts. */
const MAX_REPLAY_MILLISECONDS = 31 * 86_400_000;

/** Endpoints that are told of events, and what became of it. */
@Injectable()
export class WebhooksService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly idempotency: Idempotency,
    private readonly eventLog: EventLog,
    private readonly keys: EndpointKeys,
    private readonly client: WebhookClient,
    private readonly limits: WebhookLimits,
    private readonly sender: WebhookSender,
    private readonly alerts: Alerts,
  ) {}

  /** @throws SignetError `target-not-allowed` | `quota-exceeded` | `idempotency-conflict` */
  async create(caller: Caller, key: string | undefined, { body }: InputOf<'createWebhook'>): Promise<CreatedWebhook> {
    await this.client.check(body.url);
    return this.dataSource.transaction((manager) =>
      this.idempotency.once(manager, { caller, operation: 'createWebhook', key, request: body }, async () => {
        const { workspaceId, actor } = caller;
        const most = this.limits.endpointsPerWorkspace;
        if (!(await hasRoomForEndpoint(manager, workspaceId, most)))
          throw new SignetError('quota-exceeded', { detail: `A workspace has at most ${most} webhooks` });
        const at = this.clock.now();
        const endpoint: StoredEndpoint = {
          id: newId(),
          workspaceId,
          url: body.url,
          events: body.events,
          description: body.description ?? null,
          signature: body.signature,
          enabled: true,
          disabledReason: null,
          failingSince: null,
          version: 1,
          createdAt: at.toISOString(),
          updatedAt: at.toISOString(),
          createdBy: actor,
        };
        await insertEndpoint(manager, endpoint);
        const signing = await this.keys.add(manager, { workspaceId, endpointId: endpoint.id }, body.signature, at);
        await this.audit(manager, caller, 'webhook.create', endpoint.id);
        const publicKeys = signing.publicKey === null ? [] : [signing.publicKey];
        return { ...shown(endpoint, publicKeys), secret: signing.publicKey === null ? signing.secret : null };
      }),
    );
  }

  async list({ workspaceId }: Caller, { query }: InputOf<'listWebhooks'>): Promise<Page<Webhook>> {
    const afterId = decodeCursor(query.cursor, z.uuid());
    const { manager } = this.dataSource;
    const found = await listEndpoints(manager, workspaceId, { afterId, limit: query.limit + 1 });
    const page = toPage(found, query.limit, ({ id }) => id);
    const ids = page.items.map(({ id }) => id);
    const keys = await findKeys(manager, ids, this.clock.now());
    const publicKeysOf = (id: string): string[] =>
      keys.flatMap(({ endpointId, publicKey }) => (endpointId === id && publicKey !== null ? [publicKey] : []));
    return { ...page, items: page.items.map((endpoint) => shown(endpoint, publicKeysOf(endpoint.id))) };
  }

  /** @throws SignetError `not-found` */
  async get(caller: Caller, id: string): Promise<Webhook> {
    return this.show(this.dataSource.manager, await this.find(this.dataSource.manager, caller, id));
  }

  /** @throws SignetError `not-found` | `version-mismatch` | `target-not-allowed` */
  async update(
    caller: Caller,
    { params, body }: InputOf<'updateWebhook'>,
    ifMatch: string | undefined,
  ): Promise<Webhook> {
    if (body.url !== undefined) await this.client.check(body.url);
    return this.dataSource.transaction(async (manager) => {
      const before = await this.find(manager, caller, params.id);
      if (!ifMatchAllows(ifMatch, versionTag(before.version))) throw mismatch(before.version);
      const after = await updateEndpoint(manager, before, body, this.clock.now());
      if (!after) throw mismatch(before.version + 1);
      await this.audit(manager, caller, 'webhook.update', after.id);
      if (after.enabled && !before.enabled) await this.endAlert(manager, after, 'the webhook was switched on again');
      return this.show(manager, after);
    });
  }

  /** @throws SignetError `not-found` */
  async remove(caller: Caller, id: string): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      if (!(await deleteEndpoint(manager, caller.workspaceId, id))) throw new SignetError('not-found');
      await this.endAlert(manager, { id, workspaceId: caller.workspaceId }, 'the webhook was removed');
      await this.audit(manager, caller, 'webhook.delete', id);
    });
  }

  /** A new key, which signs beside the former ones until those end. @throws SignetError `not-found` */
  async rotate(caller: Caller, { params, body }: InputOf<'rotateWebhookSecret'>): Promise<RotatedWebhook> {
    return this.dataSource.transaction(async (manager) => {
      const endpoint = await this.find(manager, caller, params.id);
      const at = this.clock.now();
      const until = new Date(at.getTime() + body.overlapSeconds * 1000);
      await expireKeys(manager, endpoint.id, until);
      const owner = { workspaceId: caller.workspaceId, endpointId: endpoint.id };
      const key = await this.keys.add(manager, owner, endpoint.signature, at);
      await this.audit(manager, caller, 'webhook.rotate-secret', endpoint.id);
      const secret = key.publicKey === null ? key.secret : null;
      const formerUntil = body.overlapSeconds > 0 ? until.toISOString() : null;
      return { ...(await this.show(manager, endpoint)), secret, formerUntil };
    });
  }

  /** Sends an event that nothing but this endpoint is told of, at once. @throws SignetError `not-found` */
  async test(caller: Caller, id: string): Promise<WebhookTest> {
    const { manager } = this.dataSource;
    const endpoint = await this.find(manager, caller, id);
    const at = this.clock.now();
    const owner = { workspaceId: caller.workspaceId, endpointId: endpoint.id };
    const secrets = (await this.keys.secretsOf(manager, [owner], at)).get(endpoint.id) ?? [];
    const eventId = newId();
    const event = {
      specversion: '1.0',
      id: eventId,
      source: '/signet/webhooks/test',
      type: 'webhook.test',
      time: at.toISOString(),
      datacontenttype: 'application/json',
      data: { workspaceId: caller.workspaceId, webhookId: endpoint.id },
    };
    const body = Buffer.from(JSON.stringify(event));
    const { retryAfter: _ignored, ...sent } = await this.client.send({ url: endpoint.url, eventId, body, secrets });
    return { ...sent, delivered: isDelivered(sent) };
  }

  /** Newest first. @throws SignetError `not-found` | `invalid-cursor` */
  async deliveries(
    caller: Caller,
    { params, query }: InputOf<'listWebhookDeliveries'>,
  ): Promise<Page<WebhookDelivery>> {
    const before = decodeCursor(query.cursor, DeliveryPositionSchema);
    const { id } = await this.find(this.dataSource.manager, caller, params.id);
    const { state, eventType } = query;
    const filter = { state, eventType, before, limit: query.limit + 1 };
    const found = await listDeliveries(this.dataSource.manager, id, filter);
    return toPage(found, query.limit, (delivery) => ({ createdAt: delivery.createdAt, id: delivery.id }));
  }

  /** @throws SignetError `not-found` */
  async delivery(caller: Caller, id: string, deliveryId: string): Promise<WebhookDeliveryDetail> {
    await this.find(this.dataSource.manager, caller, id);
    const found = await findDelivery(this.dataSource.manager, id, deliveryId);
    if (!found) throw new SignetError('not-found');
    return found;
  }

  /**
   * Queues one delivery again, or all that the log has of a time: also what the endpoint was never told of, because it
   * came later or was switched off. @returns how many will be made
   * @throws SignetError `not-found` | `invalid-request`
   */
  async replay(caller: Caller, { params, body }: InputOf<'replayWebhook'>): Promise<number> {
    const endpoint = await this.find(this.dataSource.manager, caller, params.id);
    const { deliveryId, from, to, failedOnly } = body;
    const queued =
      deliveryId === undefined
        ? await this.replayRange(endpoint, { ...this.rangeOf(from, to), failedOnly })
        : await this.replayOne(endpoint, deliveryId);
    await this.audit(this.dataSource.manager, caller, 'webhook.replay', endpoint.id);
    this.sender.wake();
    return queued;
  }

  private async replayOne(endpoint: StoredEndpoint, deliveryId: string): Promise<number> {
    const { manager } = this.dataSource;
    const delivery = await findDelivery(manager, endpoint.id, deliveryId);
    if (!delivery) throw new SignetError('not-found', { detail: 'There is no such delivery' });
    return requeueDeliveries(manager, { endpointId: endpoint.id, eventIds: [delivery.eventId] }, this.clock.now());
  }

  private rangeOf(from = '', to?: string): { from: Date; to: Date } {
    const range = { from: new Date(from), to: to === undefined ? this.clock.now() : new Date(to) };
    const milliseconds = range.to.getTime() - range.from.getTime();
    if (milliseconds <= 0) throw outOfRange('must be after `from`');
    if (milliseconds > MAX_REPLAY_MILLISECONDS) throw outOfRange('must be at most 31 days after `from`');
    return range;
  }

  private async replayRange(
    endpoint: StoredEndpoint,
    { from, to, failedOnly }: { from: Date; to: Date; failedOnly?: boolean },
  ): Promise<number> {
    let queued = 0;
    const onBatch = async ({ records }: RecordBatch): Promise<void> => {
      const events = records.flatMap((record) => toLogged(record.topic, record) ?? []);
      const wanted = events.filter(
        (logged) => workspaceOf(logged) === endpoint.workspaceId && isWanted(endpoint.events, logged.event.type),
      );
      if (wanted.length === 0) return;
      queued += await this.dataSource.transaction(async (manager) => {
        const told = await tellable(manager, wanted);
        const eventIds = told.map(({ event }) => event.id);
        const again = await requeueDeliveries(
          manager,
          { endpointId: endpoint.id, eventIds, failedOnly },
          this.clock.now(),
        );
        return again + (await queueFor(manager, [endpoint], { events: told, clock: this.clock }));
      });
      this.sender.wake();
    };
    const isTold = (prefix: string): boolean =>
      endpoint.events.some((pattern) => pattern === '*' || pattern.startsWith(prefix));
    for (const topic of TOLD.filter(({ name }) => PREFIXES[name].some(isTold)))
      await this.eventLog.read({ topic: topic.name, from, to, onBatch });
    return queued;
  }

  private async endAlert(
    manager: EntityManager,
    { id, workspaceId }: Pick<StoredEndpoint, 'id' | 'workspaceId'>,
    resolution: string,
  ): Promise<void> {
    await this.alerts.resolve(manager, { workspaceId, dedupeKey: alertKeyOf(id), resolution });
  }

  private async find(manager: EntityManager, { workspaceId }: Caller, id: string): Promise<StoredEndpoint> {
    const endpoint = await findEndpoint(manager, workspaceId, id);
    if (!endpoint) throw new SignetError('not-found');
    return endpoint;
  }

  private async show(manager: EntityManager, endpoint: StoredEndpoint): Promise<Webhook> {
    const keys = await findKeys(manager, [endpoint.id], this.clock.now());
    return shown(
      endpoint,
      keys.flatMap(({ publicKey }) => publicKey ?? []),
    );
  }

  private async audit(manager: EntityManager, caller: Caller, action: string, id: string): Promise<void> {
    const { workspaceId, actor, requestId } = caller;
    await appendAudit(manager, { at: this.clock.now(), workspaceId, actor, action, webhookId: id, requestId });
  }
}

/** What event types of a topic begin with. */
const PREFIXES: Readonly<Record<(typeof TOLD)[number]['name'], readonly string[]>> = {
  [topics.codes.name]: ['code.'],
  [topics.scans.name]: ['scan.'],
  [topics.enrollments.name]: ['enrollment.', 'factor.', 'subject.'],
  [topics.verifications.name]: ['verification.', 'challenge.', 'session.'],
  [topics.alerts.name]: ['alert.'],
};

function toLogged(topic: string, { offset, value }: { offset: bigint; value: Buffer }): LoggedEvent | undefined {
  try {
    const parsed = eventSchemas[topic]?.safeParse(JSON.parse(value.toString()));
    return parsed?.success ? { offset, event: parsed.data, value } : undefined;
  } catch {
    return undefined;
  }
}

const shown = ({ workspaceId: _whose, ...endpoint }: StoredEndpoint, publicKeys: string[]): Webhook => ({
  ...endpoint,
  publicKeys,
});

const mismatch = (version: number): SignetError =>
  new SignetError('version-mismatch', { detail: `The webhook is at version ${version}` });

const outOfRange = (message: string): SignetError =>
  new SignetError('invalid-request', { detail: `to: ${message}`, errors: [{ path: 'to', message }] });
