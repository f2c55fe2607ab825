import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { Jwks } from '@signet/contracts';
import { KeyRing } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { CheckpointKeys } from './checkpoint.js';

/** RFC 8410 §7: what stands before the 32 bytes of a private Ed25519 key in PKCS #8. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const PublicJwkSchema = z.object({ x: z.string() });

/**
 * The keys that sign checkpoints: one for each master key, derived from it, so that they live where the key ring lives and
 * never in the database. The first one signs; the others still prove what they have signed.
 */
@Injectable()
export class CheckpointSigningKeys {
  private readonly privateKeys: KeyObject[];

  constructor(keyRing: KeyRing) {
    this.privateKeys = keyRing.keyIds.map((id) => {
      const seed = keyRing.mac(id, 'audit-checkpoint', 'ed25519');
      return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
    });
  }

  get signing(): { kid: string; key: KeyObject } {
    const [key] = this.privateKeys;
    if (!key) throw new Error('the key ring is empty');
    return { kid: thumbprintOf(key), key };
  }

  get jwks(): Jwks {
    const keys = this.privateKeys.map((key) => ({
      kty: 'OKP' as const,
      crv: 'Ed25519' as const,
      x: publicX(key),
      kid: thumbprintOf(key),
      use: 'sig' as const,
      alg: 'EdDSA' as const,
    }));
    return { keys };
  }
}

/** The Ed25519 keys of a JWK set. @throws Error for one that is none */
export const keysOf = ({ keys }: Jwks): CheckpointKeys =>
  new Map(keys.map(({ kid, kty, crv, x }) => [kid, createPublicKey({ key: { kty, crv, x }, format: 'jwk' })]));

const publicX = (key: KeyObject): string => PublicJwkSchema.parse(createPublicKey(key).export({ format: 'jwk' })).x;

/** RFC 7638: the members that make the key, in order, without spaces. */
const thumbprintOf = (key: KeyObject): string =>
  createHash('sha256')
    .update(JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x: publicX(key) }))
    .digest('base64url');
