import { Resolver } from 'node:dns/promises';
import { SignetError } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { proofOf, type StoredDomain } from './domain.js';

const TIMEOUT_MS = 2000;
const TRIES = 2;

/** There is no such name, or there is no such record of it. */
const NOTHING_THERE: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'ENODATA']);
const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;

/** Looks in the DNS for the record by which a workspace shows that a host is its own. */
@Injectable()
export class DomainProof {
  /** Asks the servers that the machine is set up with. */
  readonly resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });

  /** @throws SignetError `domain-not-verified` saying what was found instead; `unavailable` when the DNS did not answer */
  async check(domain: StoredDomain): Promise<void> {
    const proof = proofOf(domain);
    if (proof === null) return;
    const records = await this.records(proof.name);
    if (records.includes(proof.value)) return;
    const found = records.length === 0 ? 'no TXT record' : `${records.length} TXT records, none with the value`;
    throw new SignetError('domain-not-verified', { detail: `${proof.name} has ${found}` });
  }

  private async records(name: string): Promise<string[]> {
    try {
      const records = await this.resolver.resolveTxt(name);
      return records.map((parts) => parts.join(''));
    } catch (error) {
      if (NOTHING_THERE.has(codeOf(error))) return [];
      throw new SignetError('unavailable', { detail: 'The DNS did not answer', cause: error });
    }
  }
}
