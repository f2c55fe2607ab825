import { createHmac, createPrivateKey, createSecretKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { WebhookSignature } from '@signet/contracts';

/** Standard Webhooks asks for 24 to 64. */
const SECRET_BYTES = 32;
/** An Ed25519 key in DER (RFC 8410): these bytes, then the 32 of its seed or of the public key. */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_PREFIX_BYTES = 12;

/** A key of an endpoint as the specification writes it: `whsec_…` (shared) or `whsk_…` with `whpk_…` (Ed25519). */
export interface SigningKey {
  secret: string;
  publicKey: string | null;
}

export function newSigningKey(signature: WebhookSignature): SigningKey {
  if (signature === 'hmac') return { secret: `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`, publicKey: null };
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const seed = privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(PRIVATE_PREFIX.length);
  const point = publicKey.export({ type: 'spki', format: 'der' }).subarray(PUBLIC_PREFIX_BYTES);
  return { secret: `whsk_${seed.toString('base64')}`, publicKey: `whpk_${point.toString('base64')}` };
}

interface SignedMessage {
  /** The event's id, the same at each attempt. */
  id: string;
  /** Seconds since the epoch, of this attempt. */
  timestamp: number;
  body: Buffer;
}

/**
 * Standard Webhooks 1.0: `id.timestamp.body`, signed with every key in force, so that a receiver may change over.
 * @returns the `webhook-signature` header
 */
export function signatureHeader({ id, timestamp, body }: SignedMessage, secrets: readonly string[]): string {
  const content = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  return secrets.map((secret) => signWith(secret, content)).join(' ');
}

function signWith(secret: string, content: Buffer): string {
  const key = Buffer.from(secret.slice(secret.indexOf('_') + 1), 'base64');
  // A key object: Node 24 takes five times as long to make one of a buffer on the way.
  if (secret.startsWith('whsec_'))
    return `v1,${createHmac('sha256', createSecretKey(key)).update(content).digest('base64')}`;
  const privateKey = createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, key]), type: 'pkcs8', format: 'der' });
  return `v1a,${sign(null, content, privateKey).toString('base64')}`;
}
