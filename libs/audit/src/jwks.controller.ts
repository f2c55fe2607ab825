import type { Jwks } from '@signet/contracts';
import { Operation } from '@signet/platform';
import { Controller, Header } from '@nestjs/common';
import { CheckpointSigningKeys } from './checkpoint-keys.js';

@Controller()
export class JwksController {
  constructor(private readonly keys: CheckpointSigningKeys) {}

  @Operation('getJwks')
  @Header('Cache-Control', 'public, max-age=300')
  jwks(): Jwks {
    return this.keys.jwks;
  }
}
