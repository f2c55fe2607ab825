import { SEVERITIES, type Alert, type ChannelSettings, type Severity } from '@signet/contracts';

/** An alert that is told, or its end; as it was when it was told. */
export interface ToldAlert extends Pick<Alert, 'kind' | 'severity' | 'sentence' | 'codeId' | 'subject' | 'network'> {
  /** Of the event, which is the same at each attempt. */
  eventId: string;
  alertId: string;
  isResolved: boolean;
  at: string;
  numbers: Readonly<Record<string, number>>;
}

/** One message of a channel: what there is to tell, the gravest first. */
export interface Notification {
  alerts: readonly ToldAlert[];
  /** Of alerts that there was no room for. */
  more: number;
}

const rank = (severity: Severity): number => SEVERITIES.indexOf(severity);

/** Alerts in one message for people; beyond that only their number is told. */
const SHOWN = 20;

export function toNotification(alerts: readonly ToldAlert[]): Notification {
  const byGravity = alerts.toSorted((a, b) => rank(b.severity) - rank(a.severity) || (a.at < b.at ? -1 : 1));
  return { alerts: byGravity.slice(0, SHOWN), more: Math.max(0, alerts.length - SHOWN) };
}

/** The message in one line. */
export function titleOf({ alerts, more }: Notification): string {
  const [first] = alerts;
  if (!first) return 'Signet: nothing to tell';
  const count = alerts.length + more;
  return count === 1 ? `Signet: ${lineOf(first)}` : `Signet: ${count} alerts, the gravest ${first.severity}`;
}

/** An alert in one line, as plain text. */
export const lineOf = ({ isResolved, severity, sentence }: ToldAlert): string =>
  `${isResolved ? 'resolved' : severity}: ${sentence}`;

/** What is said of an alert beside its sentence. */
export function factsOf({ alertId, kind, at, codeId, subject, network }: ToldAlert): string[] {
  const named = { subject, code: codeId, network };
  const facts = Object.entries(named).flatMap(([name, value]) => (value === null ? [] : [`${name} ${value}`]));
  return [`${kind} at ${at}`, ...facts, `alert ${alertId}`];
}

export const moreOf = ({ more }: Notification): string[] => (more === 0 ? [] : [`… and ${more} more: GET /v1/alerts`]);

/** Where a channel leads, for people, without what must stay secret. */
export function destinationOf(settings: ChannelSettings): string {
  if (settings.kind === 'email') return settings.to.join(', ');
  if (settings.kind === 'syslog') return `${settings.transport}://${settings.host}:${settings.port}`;
  return new URL(settings.url).host;
}
