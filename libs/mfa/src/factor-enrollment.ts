import { appendAudit } from '@signet/audit';
import type { TotpParameters } from '@signet/contracts';
import { KeyRing, newId } from '@signet/platform';
import { applicablePolicy, readEffectivePolicies } from '@signet/policies';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { activateFactor, endFactor, findFactor, insertFactor, readFactors } from './factors.sql.js';
import { generateRecoveryCode, RECOVERY_CODES_PER_SET } from './recovery-code.js';
import { insertRecoveryCodes, removeRecoveryCodes } from './recovery-codes.sql.js';
import { hashRecoveryCode } from './recovery-hash.js';
import type { StoredSubject } from './subject.js';
import type { TotpDiagnosis } from './totp-diagnosis.js';
import { TotpKind } from './totp-kind.js';
import { NO_STEP } from './totp.js';

/** Who does something in the transaction, and when; with what the audit log says of them. */
export interface Doing {
  actor: string;
  requestId: string;
  at: Date;
  /** Where it is the address of the person. */
  ip?: string;
}

export interface BegunFactor {
  factorId: string;
  /** To be shown once; from here on it is only kept sealed. */
  secret: Buffer;
  parameters: TotpParameters;
}

/**
 * What an enrollment does to factors. Each call belongs to a transaction that holds the subject's lock; a factor that
 * is active is not touched by one that is not.
 */
@Injectable()
export class FactorEnrollment {
  constructor(
    private readonly keyRing: KeyRing,
    private readonly totp: TotpKind,
  ) {}

  /** Makes a pending TOTP factor with the parameters of the subject's policy; it opens nothing before it is confirmed. */
  async begin(manager: EntityManager, subject: StoredSubject, at: Date): Promise<BegunFactor> {
    const place = { id: newId(), workspaceId: subject.workspaceId };
    const secret = this.totp.newSecret();
    const parameters = await parametersFor(manager, subject);
    await insertFactor(manager, {
      ...place,
      subjectId: subject.id,
      type: 'totp',
      status: 'pending',
      secret: this.totp.seal(secret, place),
      parameters,
      lastStep: NO_STEP,
      createdAt: at,
      confirmedAt: null,
    });
    return { factorId: place.id, secret, parameters };
  }

  /** The secret of a pending factor once more; whoever calls it sees to it that it is shown once. */
  async reveal(manager: EntityManager, factorId: string): Promise<BegunFactor | undefined> {
    const factor = await findFactor(manager, factorId);
    const revealed = factor && this.totp.reveal(factor);
    return revealed && { factorId, ...revealed };
  }

  /**
   * Activates a pending factor with a code of its current or previous step; that step counts as used.
   * @param app which the person says that it is
   * @returns whether the code was right
   */
  async confirm(
    manager: EntityManager,
    factorId: string,
    { code, app, at }: { code: string; app?: string | undefined; at: Date },
  ): Promise<boolean> {
    const factor = await findFactor(manager, factorId);
    if (factor?.status !== 'pending') return false;
    const result = this.totp.evaluate(factor, code, at);
    if (!result.matched) return false;
    await activateFactor(manager, factorId, { step: result.step, app, at });
    return true;
  }

  /** What may be wrong with a code that did not confirm a factor: its app, or the clock of its phone. */
  async diagnose(
    manager: EntityManager,
    factorId: string,
    { code, at }: { code: string; at: Date },
  ): Promise<TotpDiagnosis | undefined> {
    const factor = await findFactor(manager, factorId);
    return factor?.status === 'pending' ? this.totp.diagnose(factor, code, at) : undefined;
  }

  /** Ends a pending factor: its secret dies. */
  async abandon(manager: EntityManager, factorId: string, { reason, at }: { reason: string; at: Date }): Promise<void> {
    await endFactor(manager, factorId, reason, at);
  }

  /** @returns a new set of recovery codes, to be shown once; the old set is dead */
  async issueRecoveryCodes(manager: EntityManager, subject: StoredSubject, doing: Doing): Promise<string[]> {
    await this.endRecoveryCodes(manager, subject, doing.at);
    const codes = Array.from({ length: RECOVERY_CODES_PER_SET }, () => generateRecoveryCode());
    const [keyId = ''] = this.keyRing.keyIds;
    const set = { factorId: newId(), subjectId: subject.id };
    await insertFactor(manager, {
      id: set.factorId,
      workspaceId: subject.workspaceId,
      subjectId: subject.id,
      type: 'recovery',
      status: 'active',
      secret: null,
      parameters: {},
      lastStep: NO_STEP,
      createdAt: doing.at,
      confirmedAt: doing.at,
    });
    const hashes = codes.map((code) => hashRecoveryCode(this.keyRing, { subjectId: subject.id, keyId }, code));
    await insertRecoveryCodes(manager, set, hashes);
    await appendAudit(manager, {
      ...doing,
      workspaceId: subject.workspaceId,
      action: 'recovery-codes.issue',
      subject: subject.subject,
      factorId: set.factorId,
    });
    return codes;
  }

  private async endRecoveryCodes(manager: EntityManager, subject: StoredSubject, at: Date): Promise<void> {
    for (const set of await readFactors(manager, subject.id, 'recovery')) {
      if (await endFactor(manager, set.id, 'replaced', at)) await removeRecoveryCodes(manager, set.id);
    }
  }
}

/** The parameters of the policy that decides about a subject; its networks count for nobody whose address is unknown. */
async function parametersFor(manager: EntityManager, subject: StoredSubject): Promise<TotpParameters> {
  const policies = await readEffectivePolicies(manager, subject.workspaceId);
  const { algorithm, digits, period } = applicablePolicy(subject, policies, {}).terms.totp;
  return { algorithm, digits, periodSeconds: period };
}
