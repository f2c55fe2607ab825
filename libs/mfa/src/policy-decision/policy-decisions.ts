import type { InputOf, PolicyDecision } from '@signet/contracts';
import { Clock, type Caller } from '@signet/platform';
import { evaluatePolicies, readEffectivePolicies, type EvaluatedSubject } from '@signet/policies';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { findSubject } from '../subjects.sql.js';
import { toEvaluated, unknownSubject } from './evaluated-subject.js';
import { readStandingFactors } from './standing-factors.sql.js';

/** What the policies of a workspace say of its subjects as they are. */
@Injectable()
export class PolicyDecisions {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
  ) {}

  /** For a name that is nobody's, too: the answer does not tell who exists. */
  async evaluate({ workspaceId }: Caller, { body }: InputOf<'evaluatePolicies'>): Promise<PolicyDecision> {
    const { manager } = this.dataSource;
    const policies = await readEffectivePolicies(manager, workspaceId);
    const subject = await this.view(workspaceId, body.subject);
    return evaluatePolicies({ subject, policies, context: body.context, at: this.clock.now() });
  }

  private async view(workspaceId: string, name: string): Promise<EvaluatedSubject> {
    const { manager } = this.dataSource;
    const subject = await findSubject(manager, workspaceId, name);
    if (!subject) return unknownSubject(name, this.clock.now());
    return toEvaluated(subject, (await readStandingFactors(manager, [subject.id])).get(subject.id) ?? []);
  }
}
