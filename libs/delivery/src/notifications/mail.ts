import { isIP } from 'node:net';
import type { EmailSettings } from '@signet/contracts';
import { createTransport } from 'nodemailer';
import { factsOf, lineOf, moreOf, titleOf, type Notification } from './notification.js';

/** Of each: the connection, the greeting, an answer. */
const TIMEOUT_MILLISECONDS = 10_000;

export interface MailPlace {
  /** Which was checked; the name is held against the certificate only. */
  address: string;
  /** The same at each attempt, so that a mail that comes twice can be told by it. */
  messageId: string;
}

/** Sends a mail with plain text and HTML. @throws Error with what the server or the network said */
export async function sendMail(settings: EmailSettings, notification: Notification, place: MailPlace): Promise<void> {
  const { host, port, security, user, password, ca, from, to } = settings;
  const transport = createTransport({
    host: place.address,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    tls: { ...(isIP(host) === 0 && { servername: host }), ...(ca !== undefined && { ca }) },
    ...(user !== undefined && { auth: { user, pass: password ?? '' } }),
    connectionTimeout: TIMEOUT_MILLISECONDS,
    greetingTimeout: TIMEOUT_MILLISECONDS,
    socketTimeout: TIMEOUT_MILLISECONDS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    await transport.sendMail({
      from: { name: 'Signet', address: from },
      to,
      subject: titleOf(notification).slice(0, 200),
      messageId: `<${place.messageId}@signet>`,
      // RFC 3834: nobody's holiday answers it.
      headers: { 'Auto-Submitted': 'auto-generated' },
      text: textOf(notification),
      html: htmlOf(notification),
    });
  } finally {
    transport.close();
  }
}

function textOf(notification: Notification): string {
  const alerts = notification.alerts.map((alert) => [lineOf(alert), ...factsOf(alert)].join('\n  '));
  return `${[...alerts, ...moreOf(notification)].join('\n\n')}\n`;
}

/** What is in an alert may be a stranger's words. */
export const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

function htmlOf(notification: Notification): string {
  const alerts = notification.alerts.map((alert) => {
    const facts = factsOf(alert).map((fact) => `${escapeHtml(fact)}<br>`);
    return `<p><strong>${escapeHtml(lineOf(alert))}</strong><br>${facts.join('')}</p>`;
  });
  const more = moreOf(notification).map((line) => `<p>${escapeHtml(line)}</p>`);
  return `<!doctype html><meta charset="utf-8"><title>${escapeHtml(titleOf(notification))}</title>${[...alerts, ...more].join('')}`;
}
