import type { CodeKind, CodeSnapshot, CodeTarget, Propagation } from '@signet/contracts';
import { Clock, SignetConfig } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { useUp } from './claims.sql.js';
import { CodeChanges, type Changer } from './code-changes.js';
import { moveCode, MOVES } from './code-move.js';
import { CodePropagation } from './code-propagation.js';
import { firstChanges, initialFields, newCode } from './code-rules.js';
import { awaitTurn, findEntryByKey, insertCode, lockCode } from './codes.sql.js';
import { findEndedSecrets, forgetEndedSecret, type EndedSecret } from './secret-codes.sql.js';
import { codeKey, PROTECTED_SLUG_LENGTH, randomSlug } from './slug.js';

export interface SecretCodeDraft {
  kind: Extract<CodeKind, 'enrollment'>;
  target: CodeTarget;
  title: string;
  expiresAt: Date;
}

export interface SecretCode {
  id: string;
  /** With the slug, which nobody can read again: only its hash is stored. */
  shortUrl: string;
}

/**
 * Codes for one use that another context issues, and claims by itself, in its own transaction. Each slug has 129 bit of
 * randomness on the installation's own address, because whoever has it may claim.
 */
@Injectable()
export class SecretCodes {
  constructor(
    private readonly clock: Clock,
    private readonly config: SignetConfig,
    private readonly changes: CodeChanges,
    private readonly propagation: CodePropagation,
  ) {}

  async issue(
    manager: EntityManager,
    issuer: Changer,
    { kind, target, title, expiresAt }: SecretCodeDraft,
  ): Promise<SecretCode> {
    const fields = initialFields({ target, title, expiresAt: expiresAt.toISOString(), maxScans: 1 });
    const slug = randomSlug(PROTECTED_SLUG_LENGTH);
    const draft = newCode(fields, { caller: issuer, kind, at: this.clock.now(), reissuedFrom: null });
    const code = { ...draft, slug: null, slugKey: codeKey(slug) };
    if (!(await insertCode(manager, code))) throw new Error('a slug of 129 random bits was taken');
    await this.changes.record(manager, issuer, { code, action: 'created', changes: firstChanges(fields) });
    return { id: code.id, shortUrl: `${this.config.publicUrl}/${slug}` };
  }

  /** The code behind a slug, as it is now. @returns undefined for a slug that is nobody's, or of another kind of code */
  async find(manager: EntityManager, kind: SecretCodeDraft['kind'], slug: string): Promise<CodeSnapshot | undefined> {
    const { snapshot } = (await findEntryByKey(manager, codeKey(slug))) ?? {};
    return snapshot?.kind === kind ? snapshot : undefined;
  }

  /** @returns whether this call was the one use: false for a code that was used, revoked, or is out of time */
  use(manager: EntityManager, id: string, at: Date): Promise<boolean> {
    return useUp(manager, id, at);
  }

  /** Ends a code for good, by whoever issued it; one that has ended stays as it is. */
  async revoke(manager: EntityManager, issuer: Changer, { id, reason }: { id: string; reason: string }): Promise<void> {
    await awaitTurn(manager, id);
    const before = await lockCode(manager, issuer.workspaceId, id);
    if (!before || before.state === 'archived') return;
    const moved = moveCode(before, { action: 'revoke', reason }, this.clock.now());
    if (!moved) return;
    await this.changes.store(manager, issuer, { ...moved, action: MOVES.revoke, reason });
    await forgetEndedSecret(manager, id);
  }

  /**
   * Secret codes that were revoked or archived, one by one or in bulk, and that nobody has been told of by
   * `forgetEnded`, the longest first.
   */
  findEnded(manager: EntityManager, kind: SecretCodeDraft['kind'], limit: number): Promise<EndedSecret[]> {
    return findEndedSecrets(manager, kind, limit);
  }

  /** In the transaction that ends what the code was for. */
  forgetEnded(manager: EntityManager, id: string): Promise<void> {
    return forgetEndedSecret(manager, id);
  }

  /** After the commit of what was issued or ended: tells the redirects, or leaves it to the loop that goes on trying. */
  propagate(ids: readonly string[]): Promise<Propagation> {
    return ids.length === 0 ? Promise.resolve('effective') : this.propagation.propagate(ids);
  }
}
