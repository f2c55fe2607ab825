import { ApiKeyGuardModule } from '@signet/access';
import { AlertsModule } from '@signet/alerts';
import { SignetConfig } from '@signet/platform';
import { Module } from '@nestjs/common';
import { NotificationsModule } from '../notifications/notifications.module.js';
import { EndpointKeys } from './endpoint-keys.js';
import { WebhookClient } from './webhook-client.js';
import { WebhookLimits } from './webhook-limits.js';
import { WebhookSender } from './webhook-sender.js';
import { WebhooksConsumer } from './webhooks.consumer.js';
import { WebhooksController } from './webhooks.controller.js';
import { WebhooksService } from './webhooks.service.js';

/** `/v1/webhooks` and `/v1/notification-channels`, and the delivery of events to them. */
@Module({
  imports: [ApiKeyGuardModule, AlertsModule, NotificationsModule],
  controllers: [WebhooksController, WebhooksConsumer],
  providers: [
    WebhooksService,
    WebhookSender,
    WebhookClient,
    EndpointKeys,
    { provide: WebhookLimits, inject: [SignetConfig], useFactory: (config: SignetConfig) => WebhookLimits.of(config) },
  ],
})
export class WebhooksModule {}
