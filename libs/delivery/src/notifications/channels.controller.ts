import { IdempotencyKey } from '@signet/access';
import type { InputOf, NotificationChannel, NotificationTest } from '@signet/contracts';
import { CurrentCaller, Input, Operation, versionTag, type Caller } from '@signet/platform';
import { Controller, Headers, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ChannelsService } from './channels.service.js';

@Controller()
export class ChannelsController {
  constructor(private readonly channels: ChannelsService) {}

  @Operation('createNotificationChannel')
  async create(
    @CurrentCaller() caller: Caller,
    @IdempotencyKey() key: string | undefined,
    @Input() input: InputOf<'createNotificationChannel'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<NotificationChannel> {
    const created = await this.channels.create(caller, key, input);
    void reply.header('Location', `/v1/notification-channels/${created.id}`);
    return tagged(created, reply);
  }

  @Operation('listNotificationChannels')
  list(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'listNotificationChannels'>,
  ): Promise<{ items: NotificationChannel[]; nextCursor: string | null }> {
    return this.channels.list(caller, input);
  }

  @Operation('getNotificationChannel')
  async get(
    @CurrentCaller() caller: Caller,
    @Input() { params }: InputOf<'getNotificationChannel'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<NotificationChannel> {
    return tagged(await this.channels.get(caller, params.id), reply);
  }

  @Operation('updateNotificationChannel')
  async update(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'updateNotificationChannel'>,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<NotificationChannel> {
    return tagged(await this.channels.update(caller, input, ifMatch), reply);
  }

  @Operation('deleteNotificationChannel')
  remove(@CurrentCaller() caller: Caller, @Input() { params }: InputOf<'deleteNotificationChannel'>): Promise<void> {
    return this.channels.remove(caller, params.id);
  }

  @Operation('testNotificationChannel')
  test(
    @CurrentCaller() caller: Caller,
    @Input() { params }: InputOf<'testNotificationChannel'>,
  ): Promise<NotificationTest> {
    return this.channels.test(caller, params.id);
  }
}

function tagged(channel: NotificationChannel, reply: FastifyReply): NotificationChannel {
  void reply.header('ETag', versionTag(channel.version));
  return channel;
}
