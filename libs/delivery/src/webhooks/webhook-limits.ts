import type { SignetConfig } from '@signet/platform';

/** How much is done for webhooks at once, and for how long. */
export class WebhookLimits {
  /** Deliveries under way in this process. */
  concurrency = 200;
  /** Of one endpoint: more would let a slow one fill the process. */
  perEndpoint = 10;
  endpointsPerWorkspace = 100;
  /** An endpoint that does nothing but fail for so long is switched off. */
  disableAfterMilliseconds = 5 * 86_400_000;
  shutdownMilliseconds = 5000;
  logDays = 30;

  static of({ values }: SignetConfig): WebhookLimits {
    return Object.assign(new WebhookLimits(), { logDays: values.SIGNET_WEBHOOK_LOG_DAYS });
  }
}
