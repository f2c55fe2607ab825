import type { InputOf, Usage } from '@signet/contracts';
import { CurrentCaller, Input, Operation, type Caller } from '@signet/platform';
import { Controller } from '@nestjs/common';
import { Quotas } from './quotas.service.js';

@Controller()
export class QuotasController {
  constructor(private readonly quotas: Quotas) {}

  @Operation('putQuotas')
  put(@CurrentCaller() caller: Caller, @Input() input: InputOf<'putQuotas'>): Promise<Usage> {
    return this.quotas.put(caller, input);
  }

  @Operation('getUsage')
  usage(@CurrentCaller() { workspaceId }: Caller): Promise<Usage> {
    return this.quotas.usage(workspaceId);
  }
}
