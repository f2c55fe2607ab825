import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { SignetError } from './errors.js';

/** What a sealed value belongs to; moved to another record, workspace or purpose it no longer opens. */
export interface SealContext {
  workspaceId: string;
  recordId: string;
  purpose: string;
}

const FORMAT = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const associatedData = ({ workspaceId, recordId, purpose }: SealContext): Buffer =>
  Buffer.from(JSON.stringify([workspaceId, recordId, purpose]));

/**
 * AES-256-GCM under a ring of master keys: the first encrypts, all decrypt (architecture.md §4.9). A sealed value is
 * `format (1 byte) | length of the key's id (1) | key id | iv (12) | tag (16) | ciphertext`.
 */
export class KeyRing {
  /** As objects: Node makes one of bytes at each use, which takes six times as long as opening a short secret. */
  private readonly keys = new Map<string, KeyObject>();
  private readonly derived = new Map<string, KeyObject>();
  private readonly current: string;

  /**
   * @param text `id:base64` pairs, comma-separated, 32 bytes each, the newest first
   * @throws Error that names the pair which is wrong, never its key
   */
  constructor(text: string) {
    for (const [index, pair] of text.split(',').entries()) {
      const [, id, encoded] = /^\s*([A-Za-z0-9._-]{1,32}):([A-Za-z0-9+/_-]+={0,2})\s*$/.exec(pair) ?? [];
      const key = Buffer.from(encoded ?? '', 'base64');
      if (!id || key.length !== 32) throw new Error(`key ${index + 1} of the ring must be id:base64 of 32 bytes`);
      if (this.keys.has(id)) throw new Error(`key id ${id} appears twice in the ring`);
      this.keys.set(id, createSecretKey(key));
    }
    this.current = this.keys.keys().next().value ?? '';
  }

  static generate(): string {
    return `k1:${randomBytes(32).toString('base64')}`;
  }

  seal(plaintext: Buffer, context: SealContext): Buffer {
    const id = Buffer.from(this.current);
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.key(this.current), iv).setAAD(associatedData(context));
    const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
    return Buffer.concat([Buffer.from([FORMAT, id.length]), id, iv, cipher.getAuthTag(), ciphertext]);
  }

  /** Whether a sealed value was sealed with the first key of the ring; one that was not should be sealed anew. */
  isCurrent(sealed: Buffer): boolean {
    return sealed.subarray(2, 2 + (sealed[1] ?? 0)).toString() === this.current;
  }

  /** @throws SignetError `internal-error` when the value was altered, moved, or its key left the ring */
  open(sealed: Buffer, context: SealContext): Buffer {
    const idLength = sealed[1] ?? 0;
    const head = 2 + idLength;
    const tagStart = head + IV_BYTES;
    const keyId = sealed.subarray(2, head).toString();
    if (sealed[0] !== FORMAT || sealed.length < tagStart + TAG_BYTES || !this.keys.has(keyId))
      throw new SignetError('internal-error', { cause: new Error(`no key opens this ${context.purpose}`) });
    const decipher = createDecipheriv('aes-256-gcm', this.key(keyId), sealed.subarray(head, tagStart))
      .setAAD(associatedData(context))
      .setAuthTag(sealed.subarray(tagStart, tagStart + TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(tagStart + TAG_BYTES)), decipher.final()]);
    } catch (cause) {
      throw new SignetError('internal-error', { cause });
    }
  }

  /** Ids of all keys, the newest first: a keyed hash is stored with the id of the key that made it. */
  get keyIds(): string[] {
    return [...this.keys.keys()];
  }

  /** HMAC-SHA-256 under a key derived (HKDF, RFC 5869) for one purpose; 32 bytes. */
  mac(keyId: string, purpose: string, data: string): Buffer {
    return createHmac('sha256', this.derive(keyId, purpose)).update(data).digest();
  }

  /** Purposes are few: each key is derived once. */
  private derive(keyId: string, purpose: string): KeyObject {
    const name = `${keyId} ${purpose}`;
    const known = this.derived.get(name);
    if (known) return known;
    const bytes = hkdfSync('sha256', this.key(keyId), Buffer.alloc(0), `signet:${purpose}`, 32);
    const derived = createSecretKey(Buffer.from(bytes));
    this.derived.set(name, derived);
    return derived;
  }

  private key(id: string): KeyObject {
    const key = this.keys.get(id);
    if (!key) throw new SignetError('internal-error', { cause: new Error(`master key ${id} is not in the ring`) });
    return key;
  }
}
