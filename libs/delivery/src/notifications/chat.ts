import type { ChatSettings } from '@signet/contracts';
import { HttpClient, OutgoingError } from '@signet/platform';
import { factsOf, lineOf, moreOf, titleOf, type Notification } from './notification.js';

const TIMEOUT_MILLISECONDS = 10_000;
const MAX_SAID_BYTES = 200;

/** Posts to the incoming webhook of a chat. @throws Error with what was answered */
export async function sendChat(
  client: HttpClient,
  { kind, url }: ChatSettings,
  notification: Notification,
): Promise<void> {
  const body = Buffer.from(JSON.stringify(kind === 'slack' ? slackMessage(notification) : teamsMessage(notification)));
  const headers = { 'content-type': 'application/json', 'content-length': String(body.length) };
  const limits = { timeoutMilliseconds: TIMEOUT_MILLISECONDS, maxBytes: MAX_SAID_BYTES };
  const answer = await client.send({ url, method: 'POST', headers, body, ...limits }).catch((error: unknown) => {
    // Its message may name the URL, which is a secret.
    throw new Error(error instanceof OutgoingError ? error.reason : 'no-answer');
  });
  if (answer.status < 200 || answer.status > 299) throw new Error(`answered ${answer.status}`);
}

/** Slack takes `&`, `<` and `>` for its own, and these alone. */
const escapeSlack = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

export function slackMessage(notification: Notification): object {
  const alerts = notification.alerts.map((alert) => `• ${[lineOf(alert), ...factsOf(alert)].join(' · ')}`);
  return {
    text: [titleOf(notification), ...alerts, ...moreOf(notification)].map(escapeSlack).join('\n'),
    mrkdwn: false,
  };
}

/** An adaptive card of text runs, in which nothing is markup. */
export function teamsMessage(notification: Notification): object {
  const run = (text: string, weight: 'Bolder' | 'Default') => ({ type: 'TextRun', text, weight });
  const block = (...inlines: object[]) => ({ type: 'RichTextBlock', inlines });
  const alerts = notification.alerts.flatMap((alert) => [
    block(run(lineOf(alert), 'Bolder')),
    block(run(factsOf(alert).join(' · '), 'Default')),
  ]);
  const more = moreOf(notification).map((line) => block(run(line, 'Default')));
  const content = {
    type: 'AdaptiveCard',
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    version: '1.4',
    body: [block(run(titleOf(notification), 'Bolder')), ...alerts, ...more],
  };
  return { type: 'message', attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', content }] };
}
