import { randomBytes } from 'node:crypto';
import { TotpParametersSchema, type TotpParameters } from '@signet/contracts';
import { KeyRing, type SealContext } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { CodeAttempt, CodeCheck, FactorKind } from './factor-kind.js';
import type { StoredFactor } from './factor.js';
import { burnSteps } from './factors.sql.js';
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
interface Match {
  factorId: string;
  step: number;
  isCurrent: boolean;
}
interface Evaluated {
  matched?: Match;
  used?: string;
}
const useOf = ({ at, ip, country }: CodeAttempt, { factorId, step }: Match) => ({ factorId, step, at, ip, country });
const NOBODY: FactorPlace = { id: 'nobody', workspaceId: 'nobody' };

/** RFC 6238 codes: one step, once. */
@Injectable()
export class TotpKind implements FactorKind {
  readonly type = 'totp';
  private readonly nobodysSecret: Buffer;

  constructor(private readonly keyRing: KeyRing) {
    this.nobodysSecret = this.seal(this.newSecret(), NOBODY);
  }

  /** One statement for the steps of all attempts; a code that is right for two factors is the first one's. */
  async check(manager: EntityManager, attempts: readonly CodeAttempt[]): Promise<CodeCheck[]> {
    const evaluated = attempts.map((attempt) => this.evaluateAll(attempt));
    const uses = evaluated.flatMap(({ matched }, index) => {
      const attempt = attempts[index];
      return matched && attempt ? [useOf(attempt, matched)] : [];
    });
    const burnt = await burnSteps(manager, uses);
    return evaluated.map(({ matched, used }) => {
      if (matched && burnt.has(matched.factorId))
        return { result: 'accepted', factorId: matched.factorId, isCurrent: matched.isCurrent };
      const factorId = matched?.factorId ?? used;
      return factorId === undefined ? { result: 'invalid' } : { result: 'replayed', factorId };
    });
  }

  /** @returns the first factor whose code it is, and the first whose code it was */
  private evaluateAll({ candidates, code, at, pastSteps }: CodeAttempt): Evaluated {
    if (candidates.length === 0) this.evaluateForNothing(code, at);
    let evaluated: Evaluated = {};
    for (const factor of candidates) {
      const result = this.evaluate(factor, code, at, pastSteps);
      const { id: factorId } = factor;
      if (result.matched) {
        const isCurrent = result.step === stepAt(at, parametersOf(factor));
        evaluated = { matched: { factorId, step: result.step, isCurrent }, ...evaluated };
      } else if (result.reason === 'replayed') evaluated = { used: factorId, ...evaluated };
    }
    return evaluated;
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

  /**
   * The secret of a factor that is not confirmed yet, to be shown; what is confirmed is never shown again.
   * @throws SignetError `internal-error` when the factor's secret does not open
   */
  reveal(factor: StoredFactor): { secret: Buffer; parameters: TotpParameters } | undefined {
    return factor.status === 'pending' ? this.open(factor) : undefined;
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
