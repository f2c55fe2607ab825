import {
  donePage,
  endPage,
  offerPage,
  recoveryPage,
  setupPage,
  type EnrollmentEnd,
  type Page,
  type PageFrame,
  type WizardStep,
} from '@signet/pages';
import { findSubject } from '@signet/mfa';
import { Clock, type SignetError } from '@signet/platform';
import { describeUserAgent, isPrefetch } from '@signet/scans';
import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { DataSource } from 'typeorm';
import type { FoundLink } from '../claim-enrollment.js';
import { attemptsLeft, isClaimable, isJustConfirmed, isOpen, isOverdue, type StoredEnrollment } from '../enrollment.js';
import { markOpened } from '../enrollments.sql.js';
import { EnrollmentSettingsService } from '../settings.service.js';
import { accountOf } from '../shown-secret.js';
import { ClaimedEnrollments } from './claimed-enrollments.js';

interface Answer {
  status: 200 | 403 | 410;
  page: Page;
}

/** Which page an enrollment is at, for the browser that claimed it and for every other one. */
@Injectable()
export class WizardPages {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly settings: EnrollmentSettingsService,
    private readonly sessions: ClaimedEnrollments,
  ) {}

  /** Who asks and why, or how it ended. Looking claims nothing; the first look of a person is remembered. */
  async unclaimed(
    frame: PageFrame,
    step: WizardStep,
    { enrollment, isCodeActive, request }: FoundLink & { request: FastifyRequest },
  ): Promise<Answer> {
    const { enabled } = await this.settings.get(enrollment.workspaceId);
    const end = this.endOf(enrollment, { isCodeActive, enabled });
    if (end !== undefined) return this.ended(frame, step, { end, request });
    if (!isLook(request)) await markOpened(this.dataSource.manager, enrollment.id);
    return { status: 200, page: await this.offer(frame, step, { enrollment }) };
  }

  /** Who asks, once more with what is wrong about the PIN, if something is. */
  async offer(
    frame: PageFrame,
    step: WizardStep,
    { enrollment, error }: { enrollment: StoredEnrollment; error?: SignetError },
  ): Promise<Page> {
    const { issuer } = await this.settings.get(enrollment.workspaceId);
    const subject = await findSubject(this.dataSource.manager, enrollment.workspaceId, enrollment.subject);
    const { purpose, expiresAt } = enrollment;
    return offerPage(frame, {
      ...step,
      issuer,
      accountHint: hintOf(subject ? accountOf(subject) : enrollment.subject),
      purpose,
      expiresAt: expiresAt.toISOString(),
      pin: enrollment.pin === null ? undefined : { triesLeft: error?.details.attemptsLeft },
    });
  }

  /** The step at which the browser that claimed goes on. */
  async claimed(
    frame: PageFrame,
    step: WizardStep,
    { enrollment, request }: { enrollment: StoredEnrollment; request: FastifyRequest },
  ): Promise<Answer> {
    const at = this.clock.now();
    if (isOpen(enrollment, at)) {
      const visitor = { requestId: request.id, ip: request.ip };
      const secret = isLook(request) ? undefined : await this.sessions.reveal(enrollment.id, visitor);
      return { status: 200, page: setupPage(frame, { ...step, secret, minutesLeft: minutesLeft(enrollment, at) }) };
    }
    if (enrollment.status !== 'active') {
      const end = isOverdue(enrollment, at) || enrollment.status === 'expired' ? 'late' : endOfStatus(enrollment);
      return this.ended(frame, step, { end, request });
    }
    const { issuer } = await this.settings.get(enrollment.workspaceId);
    const page = isJustConfirmed(enrollment, at)
      ? recoveryPage(frame, { ...step, issuer })
      : donePage(frame, { ...step, issuer });
    return { status: 200, page };
  }

  /** The code was wrong: once more, with its cause. */
  wrongCode(
    frame: PageFrame,
    step: WizardStep,
    { enrollment, error }: { enrollment: StoredEnrollment; error: SignetError },
  ): Page {
    const {
      attemptsLeft: triesLeft = attemptsLeft(enrollment.failures),
      clockOffSeconds,
      ignoredParameters,
    } = error.details;
    return setupPage(frame, {
      ...step,
      minutesLeft: minutesLeft(enrollment, this.clock.now()),
      failure: { triesLeft, clockOffSeconds, ignored: ignoredParameters },
    });
  }

  private endOf(
    enrollment: StoredEnrollment,
    { isCodeActive, enabled }: { isCodeActive: boolean; enabled: boolean },
  ): EnrollmentEnd | undefined {
    const at = this.clock.now();
    if (enrollment.claimedAt !== null) return 'used';
    if (enrollment.status === 'expired' || isOverdue(enrollment, at)) return 'expired';
    if (!isClaimable(enrollment, at)) return endOfStatus(enrollment);
    if (!isCodeActive) return 'revoked';
    return enabled ? undefined : 'disabled';
  }

  private ended(
    frame: PageFrame,
    step: WizardStep,
    { end, request }: { end: EnrollmentEnd; request: FastifyRequest },
  ): Answer {
    return { status: end === 'disabled' ? 403 : 410, page: endPage(frame, { ...step, end, requestId: request.id }) };
  }
}

function endOfStatus({ status, claimedAt }: StoredEnrollment): EnrollmentEnd {
  if (status === 'failed') return claimedAt === null ? 'guessed' : 'failed';
  return status === 'superseded' ? 'superseded' : 'revoked';
}

const minutesLeft = ({ expiresAt }: StoredEnrollment, at: Date): number =>
  Math.max(1, Math.ceil((expiresAt.getTime() - at.getTime()) / 60_000));

/** A program that looks before a person does: nothing is shown to it that is shown once. */
const isLook = ({ method, headers }: FastifyRequest): boolean =>
  method === 'HEAD' || isPrefetch(headers) || describeUserAgent(headers['user-agent']).preview;

/** `anna@example.com` as `a…@example.com`: whoever finds the link learns no account from it. */
function hintOf(account: string): string {
  const at = account.lastIndexOf('@');
  const [first = ''] = account;
  return `${first}…${at > 0 ? account.slice(at) : ''}`;
}
