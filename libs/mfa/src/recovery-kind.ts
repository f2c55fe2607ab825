import { KeyRing } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { CodeAttempt, CodeCheck, FactorKind } from './factor-kind.js';
import { noteFactorUse } from './factors.sql.js';
import { findUsedRecoveryCode, useRecoveryCode } from './recovery-codes.sql.js';
import { hashRecoveryCode } from './recovery-hash.js';

/** Recovery codes: each once. The set is the factor. */
@Injectable()
export class RecoveryKind implements FactorKind {
  readonly type = 'recovery';

  constructor(private readonly keyRing: KeyRing) {}

  async check(manager: EntityManager, attempts: readonly CodeAttempt[]): Promise<CodeCheck[]> {
    const checks: CodeCheck[] = [];
    for (const attempt of attempts) checks.push(await this.checkOne(manager, attempt));
    return checks;
  }

  /** A code may have been hashed with any key that is still in the ring. */
  private async checkOne(
    manager: EntityManager,
    { subjectId = 'nobody', candidates, code, at, ip, country }: CodeAttempt,
  ): Promise<CodeCheck> {
    const hashes = this.keyRing.keyIds.map((keyId) => hashRecoveryCode(this.keyRing, { subjectId, keyId }, code));
    const ids = candidates.map(({ id }) => id);
    const accepted = await useRecoveryCode(manager, ids, hashes, at);
    if (accepted) {
      await noteFactorUse(manager, { factorId: accepted, at, ip, country });
      return { result: 'accepted', factorId: accepted, isCurrent: false };
    }
    const used = await findUsedRecoveryCode(manager, ids, hashes);
    return used ? { result: 'replayed', factorId: used } : { result: 'invalid' };
  }
}
