import type { Factor, InputOf, Subject } from '@signet/contracts';
import { CurrentCaller, Input, Operation, type Caller } from '@signet/platform';
import { Controller } from '@nestjs/common';
import { FactorRevocation } from './factor-revocation.js';
import { SubjectsService } from './subjects.service.js';

@Controller()
export class SubjectsController {
  constructor(
    private readonly subjects: SubjectsService,
    private readonly revocation: FactorRevocation,
  ) {}

  @Operation('putSubject')
  put(@CurrentCaller() caller: Caller, @Input() input: InputOf<'putSubject'>): Promise<Subject> {
    return this.subjects.put(caller, input);
  }

  @Operation('getSubject')
  get(@CurrentCaller() caller: Caller, @Input() { params }: InputOf<'getSubject'>): Promise<Subject> {
    return this.subjects.get(caller, params.subject);
  }

  @Operation('listFactors')
  listFactors(
    @CurrentCaller() caller: Caller,
    @Input() { params }: InputOf<'listFactors'>,
  ): Promise<{ items: Factor[] }> {
    return this.subjects.listFactors(caller, params.subject);
  }

  @Operation('revokeFactor')
  revokeFactor(@CurrentCaller() caller: Caller, @Input() input: InputOf<'revokeFactor'>): Promise<Factor> {
    return this.revocation.revoke(caller, input);
  }
}
