import { IdempotencyKey } from '@signet/access';
import type { InputOf, Verification } from '@signet/contracts';
import { CurrentCaller, Input, Operation, type Caller } from '@signet/platform';
import { Controller, Header } from '@nestjs/common';
import { VerificationService } from './verification.service.js';

@Controller()
export class VerificationController {
  constructor(private readonly verifications: VerificationService) {}

  @Operation('createVerification')
  @Header('Cache-Control', 'no-store')
  create(
    @CurrentCaller() caller: Caller,
    @IdempotencyKey() key: string | undefined,
    @Input() { body }: InputOf<'createVerification'>,
  ): Promise<Verification> {
    return this.verifications.verify(caller, key, body);
  }
}
