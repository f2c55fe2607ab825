import { sign, verify, type KeyObject } from 'node:crypto';
import type { AuditCheckpoint } from '@signet/contracts';
import canonicalize from 'canonicalize';

type Unsigned = Omit<AuditCheckpoint, 'signature'>;

/** What is signed: the RFC 8785 canonical JSON of a checkpoint without its signature. */
const signedBytes = ({ workspaceId, seq, hash, at, kid }: Unsigned): Buffer =>
  Buffer.from(canonicalize({ workspaceId, seq, hash, at, kid }) ?? '');

/** @param key an Ed25519 private key, the one that `kid` names */
export const signCheckpoint = (checkpoint: Unsigned, key: KeyObject): AuditCheckpoint => ({
  ...checkpoint,
  signature: sign(null, signedBytes(checkpoint), key).toString('base64url'),
});

/** Public keys by their `kid`. */
export type CheckpointKeys = ReadonlyMap<string, KeyObject>;

/** @returns what is wrong with a checkpoint in itself; undefined when one of the keys signed it */
export function checkCheckpoint(checkpoint: AuditCheckpoint, keys: CheckpointKeys): string | undefined {
  const key = keys.get(checkpoint.kid);
  if (!key) return `the checkpoint of entry ${checkpoint.seq} is signed with a key that is not known`;
  const isSigned = verify(null, signedBytes(checkpoint), key, Buffer.from(checkpoint.signature, 'base64url'));
  return isSigned ? undefined : `the checkpoint of entry ${checkpoint.seq} was altered`;
}
