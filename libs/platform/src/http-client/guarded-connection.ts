import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls';
import { OutgoingError } from './outgoing-error.js';

/** What a server showed. Times RFC 3339. */
export interface Certificate {
  valid: boolean;
  /** Why it is not valid, as OpenSSL and Node name it, such as `CERT_HAS_EXPIRED`. */
  problem?: string;
  issuer: string;
  validFrom: string;
  expiresAt: string;
}

export interface Connection {
  socket: Socket;
  address: string;
  /** Absent without TLS. */
  certificate?: Certificate;
}

export interface ConnectionOptions {
  /** The addresses of a name; called once a connection. */
  resolve: (name: string) => Promise<string[]>;
  allows: (address: string) => boolean;
  /** Ends the attempt; its reason is thrown. */
  signal: AbortSignal;
}

/** More addresses of one name are not tried. */
const MAX_ADDRESSES = 3;

/**
 * Connects to the server of a URL. The name is resolved once, and the connection goes to an address that was checked:
 * a name server that answers differently the next moment (DNS rebinding) is not asked again.
 * @throws OutgoingError `name-not-found` | `address-refused` | `connection-failed` | `certificate-invalid`
 */
export async function openConnection(url: URL, options: ConnectionOptions): Promise<Connection> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const addresses = isIP(host) ? [host] : await addressesOf(host, options);
  const allowed = addresses.filter((address) => options.allows(address));
  if (allowed.length === 0) throw new OutgoingError('address-refused');
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  let failure: unknown;
  for (const address of allowed.slice(0, MAX_ADDRESSES)) {
    options.signal.throwIfAborted();
    try {
      if (url.protocol === 'http:') return { socket: await openTcp(address, port, options.signal), address };
      return await openTls({ address, port, host, signal: options.signal });
    } catch (error) {
      if (error instanceof OutgoingError) throw error;
      failure = error;
    }
  }
  throw new OutgoingError('connection-failed', { cause: failure });
}

async function addressesOf(host: string, { resolve, signal }: ConnectionOptions): Promise<string[]> {
  try {
    const addresses = await Promise.race([resolve(host), rejectedBy(signal)]);
    if (addresses.length > 0) return addresses;
  } catch (error) {
    signal.throwIfAborted();
    throw new OutgoingError('name-not-found', { cause: error });
  }
  throw new OutgoingError('name-not-found');
}

const rejectedBy = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted', { cause: signal.reason })), { once: true });
  });

async function openTcp(address: string, port: number, signal: AbortSignal): Promise<Socket> {
  const socket = connectTcp({ host: address, port });
  await ready(socket, 'connect', signal);
  return socket;
}

interface TlsPlace {
  address: string;
  port: number;
  host: string;
  signal: AbortSignal;
}

/** A server whose certificate is not valid gets nothing from us, but what it showed is told. */
async function openTls({ address, port, host, signal }: TlsPlace): Promise<Connection> {
  const socket = connectTls({
    host: address,
    port,
    ...(isIP(host) === 0 && { servername: host }),
    ALPNProtocols: ['http/1.1'],
    // So that a bad certificate can be read; what it is decides below, before a byte of the request is sent.
    rejectUnauthorized: false,
  });
  await ready(socket, 'secureConnect', signal);
  const certificate = certificateOf(socket);
  if (certificate.valid) return { socket, address, certificate };
  socket.destroy();
  throw new OutgoingError('certificate-invalid', { certificate });
}

/** Resolves at the event; destroys the socket and throws when it fails or the time is over. */
async function ready(socket: Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<void> {
  const abort = (): void => void socket.destroy(new Error('aborted', { cause: signal.reason }));
  signal.addEventListener('abort', abort, { once: true });
  // Of a socket that nobody waits for any more: an error without a listener would end the process.
  socket.on('error', () => undefined);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once(event, resolve);
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('closed')));
    });
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function certificateOf(socket: TLSSocket): Certificate {
  const shown: Partial<PeerCertificate> = socket.getPeerCertificate();
  const problem = socket.authorized ? undefined : String(socket.authorizationError);
  const { O: organisation, CN: name } = shown.issuer ?? {};
  return {
    valid: socket.authorized,
    ...(problem !== undefined && { problem }),
    issuer: [organisation ?? name ?? ''].flat().join(', '),
    validFrom: inUtc(shown.valid_from),
    expiresAt: inUtc(shown.valid_to),
  };
}

/** OpenSSL writes `Nov 25 12:00:00 2026 GMT`. */
const inUtc = (time: string | undefined): string => {
  const at = new Date(time ?? '');
  return Number.isNaN(at.getTime()) ? '' : at.toISOString();
};
