export { DeliveryModule } from './delivery.module.js';
export { webhookSecrets } from './webhooks/endpoint-keys.js';
export { WEBHOOKS_GROUP } from './webhooks/webhooks.consumer.js';
export { webhooksMigrations } from './webhooks/webhooks.migrations.js';
export { WebhooksModule } from './webhooks/webhooks.module.js';
