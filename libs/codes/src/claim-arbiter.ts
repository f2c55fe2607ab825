import { CallGroups, SignetError, within } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { decideClaims, lockCodes, type Claim, type Decision } from './claims.sql.js';

/** Claims in one statement. */
const MAX_GROUP = 500;
const MAX_WAITING = 20_000;
/** A claimant waits for this; it covers an edit of the code that is under way. */
const DECISION_TIMEOUT_MS = 5000;

/**
 * The durable decision on uses of limited codes (architecture.md §4.4): exactly `maxScans` claims succeed over a code's
 * life, whatever crashes and however many processes ask. Claims that arrive while a statement is under way wait for it
 * and go together in the next, so a lone claim never waits for company.
 */
@Injectable()
export class ClaimArbiter {
  private readonly groups = new CallGroups<Claim, Decision>({
    maxGroup: MAX_GROUP,
    maxWaiting: MAX_WAITING,
    answer: (claims) => this.decideGroup(claims),
    tooMany: () => new SignetError('code-undecided'),
  });

  constructor(private readonly dataSource: DataSource) {}

  /**
   * Claims one use. The same nonce within 5 minutes gets the target of its use again and uses nothing.
   * @throws SignetError `code-undecided` when PostgreSQL gave no decision; a use may have been recorded, which the nonce
   * will find
   */
  claim(claim: Claim): Promise<Decision> {
    return this.groups.call(claim);
  }

  private async decideGroup(group: readonly Claim[]): Promise<Decision[]> {
    const firsts = placesOfFirst(group);
    const places = firsts.filter((first, place) => first === place);
    try {
      const claims = group.filter((_claim, place) => firsts[place] === place);
      const decisions = await within(DECISION_TIMEOUT_MS, this.decide(claims));
      const decided = new Map(places.map((place, index) => [place, decisions[index]]));
      return firsts.map((first, place) => {
        const decision = decided.get(first);
        if (!decision) throw new Error('a claim has no decision');
        return first === place || decision.outcome === 'refused' ? decision : { ...decision, outcome: 'repeated' };
      });
    } catch (cause) {
      throw new SignetError('code-undecided', { cause });
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

/**
 * Claimants of the same code with the same nonce are one: the first is decided on, the others repeat it.
 * @returns of each claim the place of that first one; its own where it is that
 */
function placesOfFirst(group: readonly Claim[]): number[] {
  const places = new Map<string, number>();
  return group.map(({ codeId, nonceHash }, place) => {
    if (nonceHash === undefined) return place;
    const key = `${codeId} ${nonceHash}`;
    const first = places.get(key) ?? place;
    places.set(key, first);
    return first;
  });
}
