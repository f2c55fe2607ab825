import { randomBytes } from 'node:crypto';
import { TotpParametersSchema } from '@signet/contracts';
import { KeyRing, type SealContext } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { CodeAttempt, CodeCheck, FactorKind } from './factor-kind.js';
import type { StoredFactor } from './factor.js';
import { burnStep } from './factors.sql.js';
import { ACCEPTED_STEPS, NO_STEP, verifyTotp, type TotpResult } from './totp.js';

const SECRET_BYTES = 20;

type FactorPlace = Pick<StoredFactor, 'id' | 'workspaceId'>;
const sealContext = ({ id, workspaceId }: FactorPlace): SealContext => ({
  workspaceId,
  recordId: id,
  purpose: 'totp-secret',
});
const NOBODY: FactorPlace = { id: 'nobody', workspaceId: 'nobody' };

/** RFC 6238 codes: one step, once. */
@Injectable()
export class TotpKind implements FactorKind {
  readonly type = 'totp';
  private readonly nobodysSecret: Buffer;

  constructor(private readonly keyRing: KeyRing) {
    this.nobodysSecret = this.seal(this.newSecret(), NOBODY);
  }

  async check(manager: EntityManager, { candidates, code, at }: CodeAttempt): Promise<CodeCheck> {
    if (candidates.length === 0) this.evaluateForNothing(code, at);
    const results = candidates.map((factor) => ({ factor, result: this.evaluate(factor, code, at) }));
    for (const { factor, result } of results) {
      if (result.matched && (await burnStep(manager, factor.id, result.step)))
        return { result: 'accepted', factorId: factor.id };
    }
    const used = results.find(({ result }) => result.matched || result.reason === 'replayed');
    return used ? { result: 'replayed', factorId: used.factor.id } : { result: 'invalid' };
  }

  /** @throws SignetError `internal-error` when the factor's secret does not open */
  evaluate(factor: StoredFactor, code: string, at: Date): TotpResult {
    const { secret: sealed, lastStep } = factor;
    if (!sealed) return { matched: false, reason: 'invalid' };
    const parameters = TotpParametersSchema.parse(factor.parameters);
    const secret = this.keyRing.open(sealed, sealContext(factor));
    return verifyTotp({ secret, code, at, parameters, acceptedSteps: ACCEPTED_STEPS, lastStep });
  }

  newSecret(): Buffer {
    return randomBytes(SECRET_BYTES);
  }

  seal(secret: Buffer, place: FactorPlace): Buffer {
    return this.keyRing.seal(secret, sealContext(place));
  }

  /** Time tells nobody whether a subject exists or has a factor (ASVS 6.3.8). */
  private evaluateForNothing(code: string, at: Date): void {
    const secret = this.keyRing.open(this.nobodysSecret, sealContext(NOBODY));
    const parameters = TotpParametersSchema.parse({});
    verifyTotp({ secret, code, at, parameters, acceptedSteps: ACCEPTED_STEPS, lastStep: NO_STEP });
  }
}
