import type { InputOf, PolicyDecision } from '@signet/contracts';
import { Clock, type Caller } from '@signet/platform';
import { evaluatePolicies, readEffectivePolicies } from '@signet/policies';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { findSubject } from '../subjects.sql.js';
import { withDemand } from '../verification/demanded-step-up.js';
import { toEvaluated, unknownSubject } from './evaluated-subject.js';
import { readStandingDemand } from './standing-demand.sql.js';
import { readStandingFactors } from './standing-factors.sql.js';

/** What the policies of a workspace say of its subjects as they are. */
@Injectable()
export class PolicyDecisions {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
  ) {}

  /**
   * With what an alert demands of the subject, as a verification would. For a name that is nobody's, too: the answer does
   * not tell who exists.
   */
  async evaluate({ workspaceId }: Caller, { body }: InputOf<'evaluatePolicies'>): Promise<PolicyDecision> {
    const { manager } = this.dataSource;
    const at = this.clock.now();
    const asked = { policies: await readEffectivePolicies(manager, workspaceId), context: body.context, at };
    const stored = await findSubject(manager, workspaceId, body.subject);
    if (!stored) return evaluatePolicies({ subject: unknownSubject(body.subject, at), ...asked });
    const factors = (await readStandingFactors(manager, [stored.id])).get(stored.id) ?? [];
    const demand = await readStandingDemand(manager, stored.id, at);
    return evaluatePolicies({
      subject: toEvaluated(stored, factors),
      withDemand: (byPolicy, accepted) => withDemand(byPolicy, { demand, accepted }),
      ...asked,
    });
  }
}
