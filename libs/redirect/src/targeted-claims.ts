import type { ClaimRefusal, Decision } from '@signet/codes';
import { SignetError, type CodeStateEntry } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { ClaimDesk, type UseRequest } from './claim-desk.js';
import { CodeResolver } from './code-resolver.js';
import { Destinations, type Destination } from './destination.js';
import type { Visit } from './scan-recorder.js';

/** Each try needs an edit of the code at that very moment to fail. */
const MAX_TRIES = 3;

type Refused = Extract<Decision, { outcome: 'refused' }>;
type Settled = Exclude<Decision, Refused> | (Refused & { reason: Exclude<ClaimRefusal, 'outdated'> });

export interface TargetedClaim {
  decision: Settled;
  /** Of a repetition: where the claim was sent, whatever would be chosen now. */
  destination: Destination;
  entry: CodeStateEntry;
}

/**
 * Claims a use together with the target that the rules choose for the claimant. The arbiter refuses a choice of another
 * version than the code has at that moment; it is then made again by what PostgreSQL says of the code.
 */
@Injectable()
export class TargetedClaims {
  constructor(
    private readonly desk: ClaimDesk,
    private readonly destinations: Destinations,
    private readonly resolver: CodeResolver,
  ) {}

  /** @throws SignetError `code-undecided` */
  async claim(visit: Visit, request: Omit<UseRequest, 'chosen'>): Promise<TargetedClaim> {
    let { entry } = request;
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const { snapshot } = entry;
      const destination = await this.destinations.choose(visit, snapshot, request.at);
      const chosen = { version: snapshot.version, url: destination.url };
      const decision = await this.desk.claim({ ...request, entry, chosen });
      if (isSettled(decision)) return { decision, destination: toldBy(decision, destination), entry };
      entry = (await this.resolver.readTruth(request.key)) ?? entry;
    }
    throw new SignetError('code-undecided');
  }
}

const isSettled = (decision: Decision): decision is Settled =>
  decision.outcome !== 'refused' || decision.reason !== 'outdated';

const toldBy = (decision: Settled, chosen: Destination): Destination =>
  decision.outcome === 'refused' || decision.url === chosen.url ? chosen : { url: decision.url };
