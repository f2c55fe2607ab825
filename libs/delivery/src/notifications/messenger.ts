import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { ChannelSettings, NotificationTest } from '@signet/contracts';
import { HttpClient, isPublicAddress, refusePrivateHost, SignetConfig } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { sendChat } from './chat.js';
import { sendMail } from './mail.js';
import { toNotification, type ToldAlert } from './notification.js';
import { sendSyslog, syslogRecord } from './syslog.js';

const MAX_FAILURE = 300;

export type Sent = NotificationTest;

/**
 * Sends messages to wherever a channel leads. Servers are somebody's choice, as the targets of webhooks are: a name is
 * resolved once, and nothing is sent to an address that is not public, unless the installation allows it
 * (security.md §6).
 */
@Injectable()
export class Messenger {
  private readonly client: HttpClient;
  private readonly allowPrivate: boolean;
  private readonly hostname: string;

  constructor({ values }: SignetConfig) {
    this.allowPrivate = values.SIGNET_NOTIFICATION_ALLOW_PRIVATE;
    this.hostname = values.SIGNET_INSTANCE;
    this.client = new HttpClient({ allowPrivate: this.allowPrivate });
  }

  /** @throws SignetError `target-not-allowed` for settings by which nothing would be sent */
  async check(settings: ChannelSettings): Promise<void> {
    if (this.allowPrivate) return;
    if ('url' in settings) await refusePrivateHost(new URL(settings.url).hostname, 'settings.url');
    else await refusePrivateHost(settings.host, 'settings.host');
  }

  /** Never throws: whatever goes wrong is how it ended. @param messageId the same at each attempt */
  async send(settings: ChannelSettings, alerts: readonly ToldAlert[], messageId: string): Promise<Sent> {
    const startedAt = performance.now();
    const end = (failure: string | null): Sent => ({
      sent: failure === null,
      failure,
      milliseconds: Math.round(performance.now() - startedAt),
    });
    try {
      await this.sendBy(settings, alerts, messageId);
      return end(null);
    } catch (error) {
      return end(failureOf(error, settings));
    }
  }

  private async sendBy(settings: ChannelSettings, alerts: readonly ToldAlert[], messageId: string): Promise<void> {
    if (settings.kind === 'email')
      return sendMail(settings, toNotification(alerts), { address: await this.addressOf(settings.host), messageId });
    if (settings.kind === 'syslog') {
      const records = alerts.map((alert) =>
        syslogRecord(alert, { facility: settings.facility, hostname: this.hostname }),
      );
      return sendSyslog(settings, records, await this.addressOf(settings.host));
    }
    return sendChat(this.client, settings, toNotification(alerts));
  }

  private async addressOf(host: string): Promise<string> {
    const found = isIP(host) === 0 ? (await lookup(host, { all: true })).map(({ address }) => address) : [host];
    const address = found.find((one) => this.allowPrivate || isPublicAddress(one));
    if (address === undefined) throw new Error('the address of the host is not public');
    return address;
  }
}

/** What people can act on, in one line, and without what is secret: servers like to repeat what they were told. */
function failureOf(error: unknown, settings: ChannelSettings): string {
  const said = error instanceof Error ? error.message : String(error);
  const secrets = settings.kind === 'email' ? [settings.password, settings.user] : [];
  const safe = secrets.reduce<string>((text, secret) => (secret ? text.replaceAll(secret, '[secret]') : text), said);
  return safe.replaceAll(/\s+/g, ' ').slice(0, MAX_FAILURE);
}
