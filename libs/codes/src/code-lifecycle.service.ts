import { Idempotency, Quotas } from '@signet/access';
import type { Code, CodeVersion, InputOf } from '@signet/contracts';
import { DomainLookup } from '@signet/domains';
import { Clock, SignetError, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CodeChanges } from './code-changes.js';
import { passwordChanges } from './code-password.js';
import { checkFields, editableFields, firstChanges, newCode, type Change } from './code-rules.js';
import { isCounted } from './code-quota.js';
import { statusOf, type StoredCode } from './code.js';
import { stateAfter, type CodeAction } from './lifecycle.js';
import { insertWithSlug } from './slug-assignment.js';
import { TargetSettingsService } from './target-settings.service.js';

/** Which code, and under which version (`If-Match`; absent: whichever is there). */
interface Which {
  id: string;
  ifMatch: string | undefined;
}
interface Move {
  action: CodeAction;
  as: CodeVersion['action'];
  reason?: string;
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
    return this.move(caller, which, { action: 'pause', as: 'paused' });
  }

  /** @throws SignetError `not-found` | `version-mismatch` | `code-not-editable` */
  resume(caller: Caller, which: Which): Promise<Code> {
    return this.move(caller, which, { action: 'resume', as: 'resumed' });
  }

  /** Ends a code for good. @throws SignetError `not-found` | `version-mismatch` | `code-not-editable` */
  revoke(caller: Caller, which: Which, reason: string): Promise<Code> {
    return this.move(caller, which, { action: 'revoke', as: 'revoked', reason });
  }

  /** Puts a code away for good; its row keeps the slug from everybody else. @throws SignetError `not-found` | `version-mismatch` */
  archive(caller: Caller, which: Which): Promise<Code> {
    return this.move(caller, which, { action: 'archive', as: 'archived' });
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

  private move(caller: Caller, which: Which, { action, as, reason }: Move): Promise<Code> {
    return this.changes.change(which.id, async (manager) => {
      const before = await this.changes.lock(manager, caller, which);
      const state = stateAfter(action, before.state);
      if (state === before.state) return this.changes.show(before);
      const code: StoredCode = { ...before, state, revokedReason: reason ?? before.revokedReason };
      const changes = this.changesOfState(before, code);
      if (isCounted(before) && !isCounted(code)) await this.quotas.giveBackCodes(manager, caller.workspaceId);
      return this.changes.store(manager, caller, { code, action: as, changes, reason });
    });
  }

  private async replace(
    manager: EntityManager,
    caller: Caller,
    { old, reason }: { old: StoredCode; reason: string },
  ): Promise<Code> {
    const state = stateAfter('reissue', old.state);
    if (old.reissuedAs !== null)
      throw new SignetError('code-not-editable', { detail: `The code was reissued before, as ${old.reissuedAs}` });
    const fields = editableFields(old);
    checkFields({ ...fields, scansUsed: 0 }, await this.targets.rulesOf(manager, caller.workspaceId));
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
    const changes = this.changesOfState(old, ended);
    await this.changes.store(manager, caller, { code: ended, action: 'reissued', changes, reason });
    return shown;
  }

  /** For the history: `statusOf` rather than the stored state, because that is what people know of a code. */
  private changesOfState(before: StoredCode, after: StoredCode): Change[] {
    const at = this.clock.now();
    const all: Change[] = [
      { field: 'status', from: statusOf(before, at), to: statusOf(after, at) },
      { field: 'revokedReason', from: before.revokedReason, to: after.revokedReason },
      { field: 'reissuedAs', from: before.reissuedAs, to: after.reissuedAs },
    ];
    return all.filter(({ from, to }) => from !== to);
  }
}
