import { Idempotency, Quotas } from '@signet/access';
import type { Code, InputOf } from '@signet/contracts';
import { DomainLookup } from '@signet/domains';
import { Clock, SignetError, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CodeChanges } from './code-changes.js';
import { changesOfState, moveCode, MOVES, type Move } from './code-move.js';
import { checkFiles } from './code-files.js';
import { passwordChanges } from './code-password.js';
import { checkFields, editableFields, firstChanges, newCode, type Change } from './code-rules.js';
import { isCounted } from './code-quota.js';
import type { StoredCode } from './code.js';
import { checkAction, stateAfter } from './lifecycle.js';
import { insertWithSlug } from './slug-assignment.js';
import { TargetSettingsService } from './target-settings.service.js';

/** Which code, and under which version (`If-Match`; absent: whichever is there). */
interface Which {
  id: string;
  ifMatch: string | undefined;
}

/** Switches codes off and on, ends them, and issues others in their place, as `LIFECYCLE` allows. */
@Injectable()
export class CodeLifecycleService {
  constructor(
    private readonly clock: Clock,
    private readonly targets: TargetSettingsService,
    private readonly idempotency: Idempotency,
    private readonly quotas: Quotas,
    private readonly changes: CodeChanges,
    private readonly domains: DomainLookup,
  ) {}

  /** Switches a code off until it is resumed. @throws SignetError `not-found` | `version-mismatch` | `code-not-editable` */
  pause(caller: Caller, which: Which): Promise<Code> {
    return this.move(caller, which, 'pause');
  }

  /** @throws SignetError `not-found` | `version-mismatch` | `code-not-editable` */
  resume(caller: Caller, which: Which): Promise<Code> {
    return this.move(caller, which, 'resume');
  }

  /** Ends a code for good. @throws SignetError `not-found` | `version-mismatch` | `code-not-editable` */
  revoke(caller: Caller, which: Which, reason: string): Promise<Code> {
    return this.move(caller, which, 'revoke', reason);
  }

  /** Puts a code away for good; its row keeps the slug from everybody else. @throws SignetError `not-found` | `version-mismatch` */
  archive(caller: Caller, which: Which): Promise<Code> {
    return this.move(caller, which, 'archive');
  }

  /**
   * Issues a code with the same target, limits and texts under a new random slug, and revokes the old one, both or
   * neither. A code that is revoked already can still be reissued, each once.
   * @returns the new one
   * @throws SignetError `not-found` | `version-mismatch` | `code-not-editable` | `target-not-allowed` | `idempotency-conflict`
   */
  reissue(
    caller: Caller,
    idempotencyKey: string | undefined,
    { params, body, ifMatch }: InputOf<'reissueCode'> & Pick<Which, 'ifMatch'>,
  ): Promise<Code> {
    const request = { id: params.id, ...body };
    return this.changes.change(params.id, (manager) =>
      this.idempotency.once(manager, { caller, operation: 'reissueCode', key: idempotencyKey, request }, async () => {
        const old = await this.changes.lock(manager, caller, { id: params.id, ifMatch });
        return this.replace(manager, caller, { old, reason: body.reason });
      }),
    );
  }

  private move(caller: Caller, which: Which, action: Move, reason?: string): Promise<Code> {
    return this.changes.change(which.id, async (manager) => {
      const before = await this.changes.lock(manager, caller, which);
      const moved = moveCode(before, { action, reason }, this.clock.now());
      if (!moved) return this.changes.show(before);
      if (isCounted(before) && !isCounted(moved.code)) await this.quotas.giveBackCodes(manager, caller.workspaceId);
      return this.changes.store(manager, caller, { ...moved, action: MOVES[action], reason });
    });
  }

  private async replace(
    manager: EntityManager,
    caller: Caller,
    { old, reason }: { old: StoredCode; reason: string },
  ): Promise<Code> {
    checkAction('reissue', old.kind);
    const state = stateAfter('reissue', old.state);
    if (old.reissuedAs !== null)
      throw new SignetError('code-not-editable', { detail: `The code was reissued before, as ${old.reissuedAs}` });
    const fields = editableFields(old);
    checkFields({ ...fields, scansUsed: 0 }, await this.targets.rulesOf(manager, caller.workspaceId));
    await checkFiles(manager, old);
    const draft = newCode(fields, { caller, kind: old.kind, at: this.clock.now(), reissuedFrom: old.id });
    const domain = await this.domains.keep(manager, caller.workspaceId, old.domainId);
    // The new code takes the old one's place in the quota, too, if that has one.
    if (!isCounted(old)) await this.quotas.takeCodes(manager, caller.workspaceId);
    const code = await insertWithSlug(manager, undefined, { ...draft, passwordHash: old.passwordHash }, { domain });
    const origin: Change = { field: 'reissuedFrom', from: null, to: old.id };
    const shown = await this.changes.record(manager, caller, {
      code,
      action: 'created',
      changes: [...firstChanges(fields), ...passwordChanges(null, old.passwordHash), origin],
    });
    const ended: StoredCode = { ...old, state, revokedReason: old.revokedReason ?? reason, reissuedAs: code.id };
    const changes = changesOfState(old, ended, this.clock.now());
    await this.changes.store(manager, caller, { code: ended, action: 'reissued', changes, reason });
    return shown;
  }
}
