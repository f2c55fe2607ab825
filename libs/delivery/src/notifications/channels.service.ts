import { Idempotency } from '@signet/access';
import { appendAudit } from '@signet/audit';
import type { InputOf, NotificationChannel, NotificationTest } from '@signet/contracts';
import {
  Clock,
  decodeCursor,
  ifMatchAllows,
  newId,
  SignetError,
  toPage,
  versionTag,
  type Caller,
} from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { z } from 'zod';
import { SealedSettings } from './channel-settings.js';
import {
  deleteChannel,
  findChannel,
  hasRoomForChannel,
  insertChannel,
  listChannels,
  updateChannel,
  type StoredChannel,
} from './channels.sql.js';
import { Messenger } from './messenger.js';
import { destinationOf, type ToldAlert } from './notification.js';
import { NotificationSender } from './notification-sender.js';

const MOST_PER_WORKSPACE = 50;

/** Where alerts are told of. */
@Injectable()
export class ChannelsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly idempotency: Idempotency,
    private readonly settings: SealedSettings,
    private readonly messenger: Messenger,
    private readonly sender: NotificationSender,
  ) {}

  /** @throws SignetError `target-not-allowed` | `quota-exceeded` | `idempotency-conflict` */
  async create(
    caller: Caller,
    key: string | undefined,
    { body }: InputOf<'createNotificationChannel'>,
  ): Promise<NotificationChannel> {
    await this.messenger.check(body.settings);
    const request = { caller, operation: 'createNotificationChannel' as const, key, request: body };
    return this.dataSource.transaction((manager) =>
      this.idempotency.once(manager, request, async () => {
        const { workspaceId } = caller;
        if (!(await hasRoomForChannel(manager, workspaceId, MOST_PER_WORKSPACE)))
          throw new SignetError('quota-exceeded', { detail: `A workspace has at most ${MOST_PER_WORKSPACE} channels` });
        const { settings, ...fields } = body;
        const [id, at] = [newId(), this.clock.now().toISOString()];
        const channel: StoredChannel = {
          ...fields,
          id,
          workspaceId,
          kind: settings.kind,
          destination: destinationOf(settings),
          sealedSettings: this.settings.seal(settings, { workspaceId, id }),
          enabled: true,
          waiting: 0,
          lastSentAt: null,
          lastFailure: null,
          failingSince: null,
          version: 1,
          createdAt: at,
          updatedAt: at,
          createdBy: caller.actor,
        };
        await insertChannel(manager, channel);
        await this.audit(manager, caller, 'channel.create', id);
        return shown(channel);
      }),
    );
  }

  async list(
    { workspaceId }: Caller,
    { query: { limit, cursor } }: InputOf<'listNotificationChannels'>,
  ): Promise<{ items: NotificationChannel[]; nextCursor: string | null }> {
    const afterId = decodeCursor(cursor, z.uuid());
    const found = await listChannels(this.dataSource.manager, workspaceId, { afterId, limit: limit + 1 });
    return toPage(found.map(shown), limit, ({ id }) => id);
  }

  /** @throws SignetError `not-found` */
  async get(caller: Caller, id: string): Promise<NotificationChannel> {
    return shown(await this.find(this.dataSource.manager, caller, id));
  }

  /** @throws SignetError `not-found` | `version-mismatch` | `target-not-allowed` */
  async update(
    caller: Caller,
    { params, body }: InputOf<'updateNotificationChannel'>,
    ifMatch: string | undefined,
  ): Promise<NotificationChannel> {
    const { settings, ...fields } = body;
    if (settings) await this.messenger.check(settings);
    const updated = await this.dataSource.transaction(async (manager) => {
      const before = await this.find(manager, caller, params.id);
      if (!ifMatchAllows(ifMatch, versionTag(before.version))) throw mismatch(before.version);
      const place = settings && {
        kind: settings.kind,
        destination: destinationOf(settings),
        sealedSettings: this.settings.seal(settings, before),
      };
      if (!(await updateChannel(manager, { ...before, ...fields, ...place }, this.clock.now())))
        throw mismatch(before.version + 1);
      await this.audit(manager, caller, 'channel.update', before.id);
      return this.find(manager, caller, before.id);
    });
    this.sender.wake();
    return shown(updated);
  }

  /** @throws SignetError `not-found` */
  async remove(caller: Caller, id: string): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      if (!(await deleteChannel(manager, caller.workspaceId, id))) throw new SignetError('not-found');
      await this.audit(manager, caller, 'channel.delete', id);
    });
  }

  /** Sends a message at once, whatever the channel's state. @throws SignetError `not-found` */
  async test(caller: Caller, id: string): Promise<NotificationTest> {
    const channel = await this.find(this.dataSource.manager, caller, id);
    const eventId = newId();
    const alert: ToldAlert = {
      eventId,
      alertId: eventId,
      kind: 'test',
      severity: 'low',
      sentence: 'This is a test of a notification channel; nothing has happened',
      isResolved: false,
      at: this.clock.now().toISOString(),
      codeId: null,
      subject: null,
      network: null,
      numbers: {},
    };
    const settings = this.settings.open(channel.sealedSettings, channel);
    return this.messenger.send(settings, [alert], `${eventId}.${channel.id}`);
  }

  private async find(manager: EntityManager, { workspaceId }: Caller, id: string): Promise<StoredChannel> {
    const channel = await findChannel(manager, workspaceId, id);
    if (!channel) throw new SignetError('not-found');
    return channel;
  }

  private async audit(manager: EntityManager, caller: Caller, action: string, channelId: string): Promise<void> {
    const { workspaceId, actor, requestId } = caller;
    await appendAudit(manager, { at: this.clock.now(), workspaceId, actor, action, channelId, requestId });
  }
}

const shown = ({ workspaceId: _whose, sealedSettings: _secret, ...channel }: StoredChannel): NotificationChannel =>
  channel;

const mismatch = (version: number): SignetError =>
  new SignetError('version-mismatch', { detail: `The channel is at version ${version}` });
