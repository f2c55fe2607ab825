import type { InputOf, PolicyDecision, PolicyDryRun } from '@signet/contracts';
import { CurrentCaller, Input, Operation, type Caller } from '@signet/platform';
import { Controller, Header } from '@nestjs/common';
import { PolicyDecisions } from './policy-decisions.js';
import { PolicyDryRuns } from './policy-dry-run.js';

@Controller()
export class PolicyDecisionController {
  constructor(
    private readonly decisions: PolicyDecisions,
    private readonly dryRuns: PolicyDryRuns,
  ) {}

  @Operation('evaluatePolicies')
  @Header('Cache-Control', 'no-store')
  evaluate(@CurrentCaller() caller: Caller, @Input() input: InputOf<'evaluatePolicies'>): Promise<PolicyDecision> {
    return this.decisions.evaluate(caller, input);
  }

  @Operation('dryRunPolicy')
  dryRun(@CurrentCaller() caller: Caller, @Input() input: InputOf<'dryRunPolicy'>): Promise<PolicyDryRun> {
    return this.dryRuns.run(caller, input);
  }
}
