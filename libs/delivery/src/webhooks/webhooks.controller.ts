import { IdempotencyKey } from '@signet/access';
import type {
  CreatedWebhook,
  InputOf,
  RotatedWebhook,
  Webhook,
  WebhookDelivery,
  WebhookDeliveryDetail,
  WebhookTest,
} from '@signet/contracts';
import { CurrentCaller, Input, Operation, versionTag, type Caller } from '@signet/platform';
import { Controller, Headers, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { WebhooksService } from './webhooks.service.js';

@Controller()
export class WebhooksController {
  constructor(private readonly webhooks: WebhooksService) {}

  @Operation('createWebhook')
  async create(
    @CurrentCaller() caller: Caller,
    @IdempotencyKey() key: string | undefined,
    @Input() input: InputOf<'createWebhook'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CreatedWebhook> {
    const created = await this.webhooks.create(caller, key, input);
    void reply.header('Location', `/v1/webhooks/${created.id}`).header('Cache-Control', 'no-store');
    return created;
  }

  @Operation('listWebhooks')
  list(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'listWebhooks'>,
  ): Promise<{ items: Webhook[]; nextCursor: string | null }> {
    return this.webhooks.list(caller, input);
  }

  @Operation('getWebhook')
  async get(
    @CurrentCaller() caller: Caller,
    @Input() { params }: InputOf<'getWebhook'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Webhook> {
    return tagged(await this.webhooks.get(caller, params.id), reply);
  }

  @Operation('updateWebhook')
  async update(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'updateWebhook'>,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Webhook> {
    return tagged(await this.webhooks.update(caller, input, ifMatch), reply);
  }

  @Operation('deleteWebhook')
  remove(@CurrentCaller() caller: Caller, @Input() { params }: InputOf<'deleteWebhook'>): Promise<void> {
    return this.webhooks.remove(caller, params.id);
  }

  @Operation('rotateWebhookSecret')
  async rotate(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'rotateWebhookSecret'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RotatedWebhook> {
    return tagged(await this.webhooks.rotate(caller, input), reply);
  }

  @Operation('testWebhook')
  test(@CurrentCaller() caller: Caller, @Input() { params }: InputOf<'testWebhook'>): Promise<WebhookTest> {
    return this.webhooks.test(caller, params.id);
  }

  @Operation('listWebhookDeliveries')
  deliveries(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'listWebhookDeliveries'>,
  ): Promise<{ items: WebhookDelivery[]; nextCursor: string | null }> {
    return this.webhooks.deliveries(caller, input);
  }

  @Operation('getWebhookDelivery')
  delivery(
    @CurrentCaller() caller: Caller,
    @Input() { params }: InputOf<'getWebhookDelivery'>,
  ): Promise<WebhookDeliveryDetail> {
    return this.webhooks.delivery(caller, params.id, params.deliveryId);
  }

  @Operation('replayWebhook')
  async replay(@CurrentCaller() caller: Caller, @Input() input: InputOf<'replayWebhook'>): Promise<{ queued: number }> {
    return { queued: await this.webhooks.replay(caller, input) };
  }
}

function tagged<Answer extends Webhook>(webhook: Answer, reply: FastifyReply): Answer {
  void reply.header('ETag', versionTag(webhook.version)).header('Cache-Control', 'no-store');
  return webhook;
}
