import { EVENT_CONTENT_TYPE, type DeliveryAttempt } from '@signet/contracts';
import {
  Clock,
  HttpClient,
  OutgoingError,
  refusePrivateHost,
  SignetConfig,
  targetNotAllowed,
  version,
  type OutgoingAnswer,
} from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { signatureHeader } from './webhook-signature.js';

/** Receivers that need longer should answer first and work then. */
const TIMEOUT_MILLISECONDS = 15_000;
const KEPT_BYTES = 1024;

export interface WebhookMessage {
  url: string;
  eventId: string;
  body: Buffer;
  secrets: readonly string[];
}

/** What became of an attempt; `retryAfter` is the header as it came. */
export interface Sent extends Omit<DeliveryAttempt, 'number'> {
  retryAfter?: string;
}

/** Delivered is what is answered 2xx; redirects are not followed, because the endpoint is what was checked. */
export const isDelivered = ({ status }: Pick<Sent, 'status'>): boolean =>
  status !== null && status >= 200 && status < 300;

/** Sends events as Standard Webhooks 1.0 has it, through the guarded client. */
@Injectable()
export class WebhookClient {
  private readonly client: HttpClient;
  private readonly allowPrivate: boolean;

  constructor(
    private readonly clock: Clock,
    { values }: SignetConfig,
  ) {
    this.allowPrivate = values.SIGNET_WEBHOOK_ALLOW_PRIVATE;
    this.client = new HttpClient({ allowPrivate: this.allowPrivate });
  }

  /** @throws SignetError `target-not-allowed` for an endpoint that nothing would be sent to */
  async check(url: string): Promise<void> {
    if (this.allowPrivate) return;
    const { protocol, hostname } = new URL(url);
    if (protocol !== 'https:') throw targetNotAllowed('url', 'must be https');
    await refusePrivateHost(hostname, 'url');
  }

  /** Never throws: whatever goes wrong is how the attempt ended. */
  async send({ url, eventId, body, secrets }: WebhookMessage): Promise<Sent> {
    const at = this.clock.now();
    const startedAt = performance.now();
    const timestamp = Math.floor(at.getTime() / 1000);
    const headers = {
      'content-type': EVENT_CONTENT_TYPE,
      'content-length': String(body.length),
      'user-agent': `Signet-Webhooks/${version}`,
      'webhook-id': eventId,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signatureHeader({ id: eventId, timestamp, body }, secrets),
    };
    const end = (outcome: Omit<Sent, 'at' | 'milliseconds'>): Sent => ({
      at: at.toISOString(),
      milliseconds: Math.round(performance.now() - startedAt),
      ...outcome,
    });
    try {
      const request = { url, method: 'POST' as const, headers, body, timeoutMilliseconds: TIMEOUT_MILLISECONDS };
      return end(this.outcomeOf(await this.client.send({ ...request, maxBytes: KEPT_BYTES })));
    } catch (error) {
      const failure = error instanceof OutgoingError ? error.reason : 'no-answer';
      return end({ status: null, failure, responseType: null, responseBody: null });
    }
  }

  private outcomeOf({ status, headers, body }: OutgoingAnswer): Omit<Sent, 'at' | 'milliseconds'> {
    const retryAfter = headers['retry-after'];
    return {
      status,
      failure: isDelivered({ status }) ? null : `answered ${status}`,
      responseType: headers['content-type']?.slice(0, 200) ?? null,
      // An answer from a private network might be what the workspace may not read.
      responseBody: this.allowPrivate ? null : readable(body),
      ...(retryAfter !== undefined && { retryAfter }),
    };
  }
}

/** Text that PostgreSQL takes. */
const readable = (body: Buffer): string => body.toString('utf8').replaceAll('\u0000', '\u{fffd}');
