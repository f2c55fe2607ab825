import type { AnomalyRules, BacktestResult, InputOf } from '@signet/contracts';
import { CurrentCaller, Input, Operation, versionTag, type Caller } from '@signet/platform';
import { Controller, Headers, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { BacktestService } from './backtest.service.js';
import { AnomalyRulesService } from './rules.service.js';

@Controller()
export class AnomaliesController {
  constructor(
    private readonly rules: AnomalyRulesService,
    private readonly backtests: BacktestService,
  ) {}

  @Operation('getAnomalyRules')
  async get(
    @CurrentCaller() { workspaceId }: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AnomalyRules> {
    return tagged(await this.rules.get(workspaceId), reply);
  }

  @Operation('putAnomalyRules')
  async put(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'putAnomalyRules'>,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AnomalyRules> {
    return tagged(await this.rules.put(caller, input, ifMatch), reply);
  }

  @Operation('anomalyRulesHistory')
  history(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'anomalyRulesHistory'>,
  ): Promise<{ items: AnomalyRules[]; nextCursor: string | null }> {
    return this.rules.history(caller, input);
  }

  @Operation('backtestAnomalyRules')
  backtest(
    @CurrentCaller() caller: Caller,
    @Input() { body }: InputOf<'backtestAnomalyRules'>,
  ): Promise<BacktestResult> {
    return this.backtests.run(caller.workspaceId, body);
  }
}

function tagged(rules: AnomalyRules, reply: FastifyReply): AnomalyRules {
  void reply.header('ETag', versionTag(rules.version)).header('Cache-Control', 'no-store');
  return rules;
}
