import { Idempotency } from '@signet/access';
import { SecretCodes } from '@signet/codes';
import type { CreateEnrollment } from '@signet/contracts';
import { checkFurtherFactor, FactorEnrollment, lockSubject, type Doing, type StoredSubject } from '@signet/mfa';
import { Clock, KeyRing, newId, OutboxRelay, SignetError, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { generatePin, hashPin } from './claim-pin.js';
import { generateClaimToken, hashClaimToken } from './claim-token.js';
import { codesOf, EnrollmentEndings } from './enrollment-endings.js';
import {
  expiryOf,
  isClaimable,
  isOpen,
  LONGEST_SECRET_SECONDS,
  toEnrollment,
  type CreatedEnrollment,
  type StoredEnrollment,
} from './enrollment.js';
import { announceEnrollment, auditEnrollment } from './enrollment-trail.js';
import { findEnrollment, insertEnrollment } from './enrollments.sql.js';
import { EnrollmentSettingsService } from './settings.service.js';
import { qrSvg, showSecret } from './shown-secret.js';

type Wanted = Omit<CreateEnrollment, 'factor'>;

/** A transaction that begins an enrollment, and which codes it touches. */
export interface Beginning {
  manager: EntityManager;
  caller: Caller;
  /** Grows: to be propagated after the commit. */
  codeIds: string[];
}

interface Draft {
  subject: StoredSubject;
  issuer: string;
  enrollment: StoredEnrollment;
  /** Of a link that asks for one. */
  pin: string | undefined;
  /** Why the subject is given a further factor. */
  reason: string | undefined;
  doing: Doing;
}

/** The first half of an enrollment: a single-use link, or a secret in place, either shown once (security.md §4). */
@Injectable()
export class BeginEnrollment {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly idempotency: Idempotency,
    private readonly relay: OutboxRelay,
    private readonly settings: EnrollmentSettingsService,
    private readonly factors: FactorEnrollment,
    private readonly codes: SecretCodes,
    private readonly endings: EnrollmentEndings,
    private readonly keyRing: KeyRing,
  ) {}

  /**
   * Begins an enrollment in place of any earlier one of the subject that nobody confirmed; factors that are active stay
   * as they are. Repeated with its `idempotencyKey` it gives the same answer while that is of use.
   * @throws SignetError `enrollment-disabled` | `not-found` | `step-up-required`; `enrollment-failed` for a repetition whose link was claimed
   *   or whose enrollment is at its end: what is secret is not shown again
   */
  begin(caller: Caller, idempotencyKey: string | undefined, body: CreateEnrollment): Promise<CreatedEnrollment> {
    const once = { operation: 'createEnrollment', key: idempotencyKey, request: body } as const;
    return this.once(caller, once, (beginning) => this.create(beginning, body));
  }

  /** Does `work` in a transaction, once for each key, and brings its codes to where people scan them. */
  async once(
    caller: Caller,
    once: Pick<Parameters<Idempotency['once']>[1], 'operation' | 'key' | 'request'>,
    work: (beginning: Beginning) => Promise<CreatedEnrollment>,
  ): Promise<CreatedEnrollment> {
    const codeIds: string[] = [];
    const created = await this.dataSource.transaction(async (manager) => {
      const answer = await this.idempotency.once(manager, { caller, ...once }, () =>
        work({ manager, caller, codeIds }),
      );
      await this.refuseEnded(manager, answer.id);
      return answer;
    });
    this.relay.wake();
    await this.codes.propagate(codeIds);
    return created;
  }

  /** @throws SignetError `enrollment-disabled` | `not-found` | `step-up-required` */
  async create({ manager, caller, codeIds }: Beginning, wanted: Wanted): Promise<CreatedEnrollment> {
    const settings = await this.settings.get(caller.workspaceId, manager);
    if (!settings.enabled) throw new SignetError('enrollment-disabled');
    const subject = await lockSubject(manager, caller.workspaceId, wanted.subject);
    if (subject?.status !== 'active') throw new SignetError('not-found', { detail: 'There is no such subject' });
    const doing = { actor: caller.actor, requestId: caller.requestId, at: this.clock.now() };
    const reason = await checkFurtherFactor(manager, subject, { stepUp: wanted.stepUp, at: doing.at });
    codeIds.push(...codesOf(await this.endings.endAll(manager, subject, { ending: 'superseded', doing })));
    const seconds = wanted.expiresInSeconds ?? settings.ticketTtlSeconds;
    const isPinned = wanted.delivery === 'link' && (settings.requirePin || wanted.requirePin === true);
    const pin = isPinned ? generatePin() : undefined;
    const enrollment = newEnrollment(subject, wanted, { seconds, doing });
    const stored = { ...enrollment, pin: pin === undefined ? null : hashPin(this.keyRing, enrollment.id, pin) };
    const draft = { subject, issuer: settings.issuer, enrollment: stored, pin, reason, doing };
    const created = await (wanted.delivery === 'link' ? this.byLink(manager, draft) : this.inPlace(manager, draft));
    codeIds.push(...(created.codeId === null ? [] : [created.codeId]));
    return created;
  }

  private async byLink(manager: EntityManager, draft: Draft): Promise<CreatedEnrollment> {
    const { enrollment, issuer, pin, doing } = draft;
    const { id, workspaceId, expiresAt } = enrollment;
    const code = await this.codes.issue(
      manager,
      { workspaceId, ...doing },
      { kind: 'enrollment', target: { enrollmentId: id }, title: `Enrollment · ${issuer}`, expiresAt },
    );
    const stored: StoredEnrollment = { ...enrollment, codeId: code.id };
    await this.store(manager, stored, draft);
    return {
      ...toEnrollment(stored),
      delivery: 'link',
      codeId: code.id,
      claimUrl: code.shortUrl,
      qrSvg: qrSvg(code.shortUrl),
      ...(pin !== undefined && { pin }),
      warnings: warningsOf(stored),
    };
  }

  private async inPlace(manager: EntityManager, draft: Draft): Promise<CreatedEnrollment> {
    const { enrollment, subject, issuer, doing } = draft;
    const factor = await this.factors.begin(manager, subject, doing.at);
    const claimToken = generateClaimToken();
    const stored: StoredEnrollment = {
      ...enrollment,
      status: 'claimed',
      factorId: factor.factorId,
      claimTokenHash: hashClaimToken(claimToken),
      claimedAt: doing.at,
      shownAt: doing.at,
    };
    await this.store(manager, stored, draft);
    return { ...toEnrollment(stored), delivery: 'inline', claimToken, ...showSecret(issuer, subject, factor) };
  }

  private async store(
    manager: EntityManager,
    enrollment: StoredEnrollment,
    { reason, doing }: Pick<Draft, 'reason' | 'doing'>,
  ): Promise<void> {
    await insertEnrollment(manager, enrollment);
    await auditEnrollment(manager, enrollment, { ...doing, action: 'enrollment.create', reason });
    await announceEnrollment(manager, enrollment, { type: 'enrollment.created', at: doing.at });
  }

  private async refuseEnded(manager: EntityManager, id: string): Promise<void> {
    const enrollment = await findEnrollment(manager, id);
    const at = this.clock.now();
    const isOfUse = enrollment?.delivery === 'link' ? isClaimable : isOpen;
    if (!enrollment || !isOfUse(enrollment, at))
      throw new SignetError('enrollment-failed', { detail: 'What was secret about it is not shown again' });
  }
}

function newEnrollment(
  subject: StoredSubject,
  { delivery, purpose }: Wanted,
  { seconds, doing: { at } }: { seconds: number; doing: Doing },
): StoredEnrollment {
  return {
    id: newId(),
    workspaceId: subject.workspaceId,
    subjectId: subject.id,
    subject: subject.subject,
    factor: 'totp',
    delivery,
    status: 'created',
    purpose: purpose ?? null,
    codeId: null,
    factorId: null,
    claimTokenHash: null,
    pin: null,
    pinFailures: 0,
    claimantHash: null,
    failures: 0,
    createdAt: at,
    ...expiryOf(delivery, { at, seconds }),
    claimedAt: null,
    shownAt: null,
    endedAt: null,
    acknowledgedAt: null,
  };
}

function warningsOf({ createdAt, expiresAt }: StoredEnrollment): string[] {
  const seconds = (expiresAt.getTime() - createdAt.getTime()) / 1000;
  if (seconds <= LONGEST_SECRET_SECONDS) return [];
  return [`The link lives for ${seconds} s; NIST SP 800-63B-4 §4.1.2.2 allows ${LONGEST_SECRET_SECONDS}`];
}
