import { createSocket } from 'node:dgram';
import { connect as connectTcp, isIP, isIPv6, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Severity, SyslogSettings } from '@signet/contracts';
import type { ToldAlert } from './notification.js';

const TIMEOUT_MILLISECONDS = 10_000;
/** RFC 5426 §3.2: what every receiver should take of a datagram. */
const MAX_DATAGRAM_BYTES = 2048;
/** RFC 5612: the number of an enterprise that has none of its own. */
const ENTERPRISE = 32473;
/** RFC 5424 §6.2.1, of what an alert's severity is to an operator. */
const LEVELS: Readonly<Record<Severity, number>> = { critical: 2, high: 3, medium: 4, low: 5 };
const RESOLVED_LEVEL = 6;

/**
 * A record of RFC 5424: the alert's fields as structured data, its sentence as UTF-8 with a byte order mark (§6.4).
 * @param hostname of this process
 */
export function syslogRecord(alert: ToldAlert, { facility, hostname }: { facility: number; hostname: string }): Buffer {
  const { kind, severity, sentence, at, alertId, codeId, subject, network, numbers, isResolved } = alert;
  const level = isResolved ? RESOLVED_LEVEL : LEVELS[severity];
  const named = { alert: alertId, kind, severity, code: codeId, subject, network };
  const counted = Object.entries(numbers).map(([name, value]) => [name, String(value)] as const);
  const data = [...Object.entries(named), ...counted].flatMap(([name, value]) =>
    value === null ? [] : [` ${sdName(name)}="${sdValue(value)}"`],
  );
  const status = isResolved ? 'resolved' : 'raised';
  const head = `<${facility * 8 + level}>1 ${at} ${printable(hostname, 255)} signet - ${printable(kind, 32)}`;
  return Buffer.from(`${head} [signet@${ENTERPRISE} status="${status}"${data.join('')}] \uFEFF${oneLine(sentence)}`);
}

/** §6.3.3: these three end a value or escape, and control characters end a record for careless receivers. */
const sdValue = (text: string): string => oneLine(text).replaceAll(/["\\\]]/g, String.raw`\$&`);
const sdName = (text: string): string => text.replaceAll(/[^\x21-\x7e]|[="\]]/g, '_').slice(0, 32);
const printable = (text: string, max: number): string => text.replaceAll(/[^\x21-\x7e]/g, '-').slice(0, max) || '-';
// oxlint-disable-next-line no-control-regex -- taking control characters out is the purpose
const oneLine = (text: string): string => text.replaceAll(/[\u0000-\u001f\u007f]/g, ' ');

/** RFC 6587 §3.4.1 and RFC 5425 §4.3: how many octets, a space, the record. */
export const frame = (record: Buffer): Buffer => Buffer.concat([Buffer.from(`${record.length} `), record]);

/** @param address of the host, which was checked @throws Error with what the network said */
export async function sendSyslog(
  { host, port, transport, ca }: SyslogSettings,
  records: readonly Buffer[],
  address: string,
): Promise<void> {
  if (transport === 'udp') return sendDatagrams(records, { address, port });
  const socket =
    transport === 'tcp'
      ? connectTcp({ host: address, port })
      : connectTls({
          host: address,
          port,
          ...(isIP(host) === 0 && { servername: host }),
          ...(ca !== undefined && { ca }),
        });
  await write(socket, Buffer.concat(records.map(frame)), transport === 'tcp' ? 'connect' : 'secureConnect');
}

/** Resolves when everything was handed to the network, which is all that can be known: syslog acknowledges nothing. */
function write(socket: Socket, bytes: Buffer, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.setTimeout(TIMEOUT_MILLISECONDS, () => socket.destroy(new Error('timeout')));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
    socket.once(event, () => {
      socket.end(bytes, () => {
        resolve();
        socket.destroySoon();
      });
    });
  });
}

async function sendDatagrams(
  records: readonly Buffer[],
  { address, port }: { address: string; port: number },
): Promise<void> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  try {
    for (const record of records)
      await new Promise<void>((resolve, reject) => {
        socket.send(record.subarray(0, MAX_DATAGRAM_BYTES), port, address, (error) =>
          error ? reject(error) : resolve(),
        );
      });
  } finally {
    socket.close();
  }
}
