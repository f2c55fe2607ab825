import { SignetError, within } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { decideClaims, lockCodes, type Claim, type Decision } from './claims.sql.js';

/** Claims in one statement; more would make the first of them wait for the last. */
const MAX_GROUP = 500;
/** A claimant beyond these would wait for seconds: telling it to come back is kinder. */
const MAX_WAITING = 20_000;
/** A claimant waits for this; it covers an edit of the code that is under way. */
const DECISION_TIMEOUT_MS = 5000;

interface Waiting {
  claim: Claim;
  resolve: (decision: Decision) => void;
  reject: (error: SignetError) => void;
}

/**
 * The durable decision on uses of limited codes (architecture.md §4.4): exactly `maxScans` claims succeed over a code's
 * life, whatever crashes and however many processes ask. Claims that arrive while a statement is under way wait for it
 * and go together in the next, so a lone claim never waits for company.
 */
@Injectable()
export class ClaimArbiter {
  private waiting: Waiting[] = [];
  private deciding = false;

  constructor(private readonly dataSource: DataSource) {}

  /**
   * Claims one use. The same nonce within 5 minutes gets the target of its use again and uses nothing.
   * @throws SignetError `code-undecided` when PostgreSQL gave no decision; a use may have been recorded, which the nonce
   * will find
   */
  claim(claim: Claim): Promise<Decision> {
    return new Promise((resolve, reject) => {
      if (this.waiting.length >= MAX_WAITING) {
        reject(new SignetError('code-undecided'));
        return;
      }
      this.waiting.push({ claim, resolve, reject });
      if (!this.deciding) void this.decideWaiting();
    });
  }

  private async decideWaiting(): Promise<void> {
    this.deciding = true;
    while (this.waiting.length > 0) {
      const group = this.waiting.slice(0, MAX_GROUP);
      this.waiting = this.waiting.slice(MAX_GROUP);
      await this.decideGroup(group);
    }
    this.deciding = false;
  }

  private async decideGroup(group: readonly Waiting[]): Promise<void> {
    const claimants = [...byClaim(group).values()];
    try {
      const claims = claimants.flatMap(([first]) => (first ? [first.claim] : []));
      const decisions = await within(DECISION_TIMEOUT_MS, this.decide(claims));
      for (const [index, decision] of decisions.entries()) answer(claimants[index] ?? [], decision);
    } catch (cause) {
      for (const { reject } of group) reject(new SignetError('code-undecided', { cause }));
    }
  }

  private async decide(claims: readonly Claim[]): Promise<Decision[]> {
    const decisions = await decideClaims(this.dataSource.manager, claims);
    const stale = claims.filter((_claim, index) => decisions[index] === 'stale');
    if (stale.length === 0) return decisions.filter(isDecided);
    const again = await this.dataSource.transaction(async (manager) => {
      await lockCodes(
        manager,
        stale.map(({ codeId }) => codeId),
      );
      return decideClaims(manager, stale);
    });
    const settled = again.values();
    return decisions.map((decision) => (decision === 'stale' ? settled.next().value : decision)).filter(isDecided);
  }
}

const isDecided = (decision: Decision | 'stale' | undefined): decision is Decision =>
  decision !== undefined && decision !== 'stale';

/** Claimants of the same code with the same nonce are one: the first is decided on, the others repeat it. */
function byClaim(group: readonly Waiting[]): Map<string | Waiting, Waiting[]> {
  const claimants = new Map<string | Waiting, Waiting[]>();
  for (const waiting of group) {
    const { codeId, nonceHash } = waiting.claim;
    const key = nonceHash === undefined ? waiting : `${codeId} ${nonceHash}`;
    const same = claimants.get(key);
    if (same) same.push(waiting);
    else claimants.set(key, [waiting]);
  }
  return claimants;
}

function answer([first, ...others]: readonly Waiting[], decision: Decision): void {
  first?.resolve(decision);
  const repeated: Decision = decision.outcome === 'refused' ? decision : { ...decision, outcome: 'repeated' };
  for (const { resolve } of others) resolve(repeated);
}
