import { Idempotency } from '@signet/access';
import { QrQuerySchema, type CreateEnrollment } from '@signet/contracts';
import {
  FactorEnrollment,
  lockSubject,
  otpauthUri,
  toBase32,
  type BegunFactor,
  type Doing,
  type StoredSubject,
} from '@signet/mfa';
import { Clock, newId, OutboxRelay, SignetError, type Caller } from '@signet/platform';
import { renderQr } from '@signet/qr';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { generateClaimToken, hashClaimToken } from './claim-token.js';
import { abandonEnrollment, endingOfEarlier } from './end-enrollment.js';
import { isOpen, lifetimeSeconds, toEnrollment, type CreatedEnrollment, type StoredEnrollment } from './enrollment.js';
import { announceEnrollment, auditEnrollment } from './enrollment-trail.js';
import { findEnrollment, insertEnrollment, readOpenEnrollments } from './enrollments.sql.js';
import { EnrollmentSettingsService } from './settings.service.js';

interface NewEnrollment {
  subject: StoredSubject;
  factor: BegunFactor;
  claimToken: string;
  ttlSeconds: number;
}

/** The first half of an inline enrollment: a secret, shown once (security.md §4). */
@Injectable()
export class BeginEnrollment {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly idempotency: Idempotency,
    private readonly relay: OutboxRelay,
    private readonly settings: EnrollmentSettingsService,
    private readonly factors: FactorEnrollment,
  ) {}

  /**
   * Begins an enrollment in place of any earlier one of the subject that nobody confirmed; factors that are active stay
   * as they are. Repeated with its `idempotencyKey` it gives the same answer while it can still be confirmed.
   * @throws SignetError `not-supported` | `enrollment-disabled` | `not-found`; `enrollment-failed` for a repetition
   *   whose enrollment is at its end: a secret in use is not shown again
   */
  async begin(caller: Caller, idempotencyKey: string | undefined, body: CreateEnrollment): Promise<CreatedEnrollment> {
    if (body.delivery === 'link')
      throw new SignetError('not-supported', {
        detail: 'delivery "link" is not supported yet: use "inline", and show the QR code to its subject yourself',
      });
    const once = { caller, operation: 'createEnrollment', key: idempotencyKey, request: body } as const;
    const created = await this.dataSource.transaction(async (manager) => {
      const answer = await this.idempotency.once(manager, once, () => this.create(manager, caller, body));
      await this.refuseEnded(manager, answer.id);
      return answer;
    });
    this.relay.wake();
    return created;
  }

  private async create(manager: EntityManager, caller: Caller, body: CreateEnrollment): Promise<CreatedEnrollment> {
    const settings = await this.settings.get(caller.workspaceId, manager);
    if (!settings.enabled) throw new SignetError('enrollment-disabled');
    const subject = await lockSubject(manager, caller.workspaceId, body.subject);
    if (subject?.status !== 'active') throw new SignetError('not-found', { detail: 'There is no such subject' });
    const { actor, requestId } = caller;
    const doing = { actor, requestId, at: this.clock.now() };
    await this.supersede(manager, subject, doing);
    const factor = await this.factors.begin(manager, subject, doing.at);
    const claimToken = generateClaimToken();
    const ttlSeconds = lifetimeSeconds(settings, body.expiresInSeconds);
    const enrollment = await this.store(manager, { subject, factor, claimToken, ttlSeconds }, doing);
    return { ...toEnrollment(enrollment), claimToken, ...present(settings.issuer, subject, factor) };
  }

  private async supersede(manager: EntityManager, subject: StoredSubject, doing: Doing): Promise<void> {
    for (const enrollment of await readOpenEnrollments(manager, subject.id)) {
      const ending = endingOfEarlier(enrollment, doing.at);
      await abandonEnrollment(manager, this.factors, { enrollment, ending, doing });
    }
  }

  private async store(
    manager: EntityManager,
    { subject, factor, claimToken, ttlSeconds }: NewEnrollment,
    doing: Doing,
  ): Promise<StoredEnrollment> {
    const enrollment: StoredEnrollment = {
      id: newId(),
      workspaceId: subject.workspaceId,
      subjectId: subject.id,
      subject: subject.subject,
      factor: 'totp',
      delivery: 'inline',
      status: 'claimed',
      factorId: factor.factorId,
      claimTokenHash: hashClaimToken(claimToken),
      failures: 0,
      createdAt: doing.at,
      expiresAt: new Date(doing.at.getTime() + ttlSeconds * 1000),
    };
    await insertEnrollment(manager, enrollment);
    await auditEnrollment(manager, enrollment, { ...doing, action: 'enrollment.create' });
    await announceEnrollment(manager, enrollment, { type: 'enrollment.created', at: doing.at });
    return enrollment;
  }

  private async refuseEnded(manager: EntityManager, id: string): Promise<void> {
    const enrollment = await findEnrollment(manager, id);
    if (!enrollment || !isOpen(enrollment, this.clock.now()))
      throw new SignetError('enrollment-failed', { detail: 'Its secret is not shown again' });
  }
}

/** The secret as a person takes it into an app: scanned or typed. */
function present(
  issuer: string,
  subject: StoredSubject,
  { secret, parameters }: BegunFactor,
): Pick<CreatedEnrollment, 'otpauthUri' | 'secret' | 'qrSvg'> {
  const uri = otpauthUri({ issuer, account: subject.email ?? subject.subject, secret, parameters });
  const { body } = renderQr(uri, QrQuerySchema.parse({ format: 'svg' }));
  return { otpauthUri: uri, secret: toBase32(secret), qrSvg: body.toString() };
}
