import type { Occurrence } from '@signet/alerts';
import type { StoredEndpoint } from './endpoints.sql.js';
import type { WebhookLimits } from './webhook-limits.js';

const DAY_MILLISECONDS = 86_400_000;

/** What is one matter: the alert ends when the webhook is switched on again. */
export const alertKeyOf = (webhookId: string): string => `webhook_disabled ${webhookId}`;

/** The notice that nothing is told to an endpoint any more. The URL may have a secret in it: its host is named. */
export function switchedOff(
  {
    id,
    workspaceId,
    url,
    disabledReason,
    at,
  }: Pick<StoredEndpoint, 'id' | 'workspaceId' | 'url' | 'disabledReason'> & {
    at: Date;
  },
  { disableAfterMilliseconds }: WebhookLimits,
): Occurrence {
  const days = disableAfterMilliseconds / DAY_MILLISECONDS;
  const why = disabledReason === 'gone' ? 'it answered 410 Gone' : `it did nothing but fail for ${days} days`;
  return {
    workspaceId,
    kind: 'webhook_disabled',
    severity: 'high',
    sentence: `The webhook to ${new URL(url).host} was switched off, because ${why}; what is queued waits (webhook ${id})`,
    signal: disabledReason === 'gone' ? 'answers of 410' : 'days of nothing but failures',
    numbers: disabledReason === 'gone' ? { answers: 1 } : { days },
    threshold: disabledReason === 'gone' ? { answers: 1 } : { days },
    dedupeKey: alertKeyOf(id),
    coolDownSeconds: 0,
    at,
  };
}
