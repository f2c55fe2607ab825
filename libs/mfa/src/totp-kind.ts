import { randomBytes } from 'node:crypto';
import { TotpParametersSchema, type TotpParameters } from '@signet/contracts';
import { KeyRing, type SealContext } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { CodeAttempt, CodeCheck, FactorKind } from './factor-kind.js';
import type { StoredFactor } from './factor.js';
import { burnStep } from './factors.sql.js';
import { diagnoseTotp, type TotpDiagnosis } from './totp-diagnosis.js';
import { ACCEPTED_STEPS, NO_STEP, stepAt, verifyTotp, type TotpResult } from './totp.js';

const SECRET_BYTES = 20;

type FactorPlace = Pick<StoredFactor, 'id' | 'workspaceId'>;
export const TOTP_SECRET = 'totp-secret';
/** What the secret of a TOTP factor is bound to. */
const sealContext = ({ id, workspaceId }: FactorPlace): SealContext => ({
  workspaceId,
  recordId: id,
  purpose: TOTP_SECRET,
});
const parametersOf = ({ parameters }: StoredFactor): TotpParameters => TotpParametersSchema.parse(parameters);
const NOBODY: FactorPlace = { id: 'nobody', workspaceId: 'nobody' };

/** RFC 6238 codes: one step, once. */
@Injectable()
export class TotpKind implements FactorKind {
  readonly type = 'totp';
  private readonly nobodysSecret: Buffer;

  constructor(private readonly keyRing: KeyRing) {
    this.nobodysSecret = this.seal(this.newSecret(), NOBODY);
  }

  async check(manager: EntityManager, { candidates, code, at, pastSteps }: CodeAttempt): Promise<CodeCheck> {
    if (candidates.length === 0) this.evaluateForNothing(code, at);
    const results = candidates.map((factor) => ({ factor, result: this.evaluate(factor, code, at, pastSteps) }));
    for (const { factor, result } of results) {
      if (result.matched && (await burnStep(manager, factor.id, result.step)))
        return { result: 'accepted', factorId: factor.id, isCurrent: result.step === stepAt(at, parametersOf(factor)) };
    }
    const used = results.find(({ result }) => result.matched || result.reason === 'replayed');
    return used ? { result: 'replayed', factorId: used.factor.id } : { result: 'invalid' };
  }

  /** @throws SignetError `internal-error` when the factor's secret does not open */
  evaluate(factor: StoredFactor, code: string, at: Date, pastSteps: 0 | 1 = ACCEPTED_STEPS.past): TotpResult {
    const { lastStep } = factor;
    const opened = this.open(factor);
    if (!opened) return { matched: false, reason: 'invalid' };
    return verifyTotp({ ...opened, code, at, acceptedSteps: { past: pastSteps }, lastStep });
  }

  /**
   * What may have gone wrong with a code that did not match.
   * @throws SignetError `internal-error` when the factor's secret does not open
   */
  diagnose(factor: StoredFactor, code: string, at: Date): TotpDiagnosis | undefined {
    const opened = this.open(factor);
    return opened && diagnoseTotp({ ...opened, code, at });
  }

  private open(factor: StoredFactor): { secret: Buffer; parameters: TotpParameters } | undefined {
    if (!factor.secret) return undefined;
    return { secret: this.keyRing.open(factor.secret, sealContext(factor)), parameters: parametersOf(factor) };
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
