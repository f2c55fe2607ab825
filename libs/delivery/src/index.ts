export { DeliveryModule } from './delivery.module.js';
export { channelSecrets } from './notifications/channel-settings.js';
export { webhookSecrets } from './webhooks/endpoint-keys.js';
export { WEBHOOKS_GROUP } from './webhooks/webhooks.consumer.js';
export { webhooksMigrations } from './webhooks/webhooks.migrations.js';
export { WebhooksModule } from './webhooks/webhooks.module.js';
