import { createHash } from 'node:crypto';
import type { AuditEntry, AuditRecord } from '@signet/contracts';
import canonicalize from 'canonicalize';

/** `prevHash` of a workspace's first entry. */
export const GENESIS = '0'.repeat(64);

/** The end of a chain: what the next entry continues. */
export interface Head {
  seq: number;
  hash: string;
}

/** Of a chain without entries. */
export const START: Readonly<Head> = { seq: 0, hash: GENESIS };

/** What does not add up, and the `seq` from which on nothing is proved. */
export interface ChainProblem {
  brokenAt: number;
  problem: string;
}

/** Hex SHA-256 of the RFC 8785 canonical JSON of an entry without its `hash`. */
export function hashEntry(entry: Omit<AuditEntry, 'hash'>): string {
  const { hash: _own, ...hashed }: Partial<AuditEntry> = entry;
  return hashJson(hashed);
}

/** Hex SHA-256 of the RFC 8785 canonical JSON. */
export const hashJson = (value: object): string =>
  createHash('sha256')
    .update(canonicalize(value) ?? '')
    .digest('hex');

/** @returns the entry that puts `record` behind `head` */
export function chainRecord(record: AuditRecord, head: Head): AuditEntry {
  const entry = { ...record, seq: head.seq + 1, prevHash: head.hash };
  return { ...entry, hash: hashEntry(entry) };
}

/**
 * What is left of a redacted entry has no hash of its own: `RedactionCheck` holds it against the erasure that left it.
 * @returns what is wrong with `entry` as the successor of `head`; undefined when it adds up
 */
export function checkEntry(entry: AuditEntry, head: Head): string | undefined {
  if (entry.seq !== head.seq + 1) return `entry ${head.seq + 1} is missing`;
  if (entry.prevHash !== head.hash) return `entry ${entry.seq} does not continue entry ${head.seq}`;
  if (!entry.redacted && entry.hash !== hashEntry(entry)) return `entry ${entry.seq} was altered`;
  return undefined;
}
