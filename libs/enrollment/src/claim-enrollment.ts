import { SecretCodes } from '@signet/codes';
import { FactorEnrollment, lockSubjectById, type BegunFactor, type Doing, type StoredSubject } from '@signet/mfa';
import { Clock, KeyRing, OutboxRelay, SignetConfig, SignetError, truncateIp } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { ClaimLimits } from './claim-limits.js';
import { checkPin, PINS_ALLOWED, type PinCheck } from './claim-pin.js';
import { generateClaimToken, hashClaimToken } from './claim-token.js';
import { claimantHash, type Claimant } from './claimant.js';
import { EnrollmentEndings } from './enrollment-endings.js';
import { isClaimable, isOverdue, secretExpiry, type ClaimedEnrollment, type StoredEnrollment } from './enrollment.js';
import { announceEnrollment, auditEnrollment } from './enrollment-trail.js';
import { countWrongPin, findEnrollment, findEnrollmentOfCode, storeClaim } from './enrollments.sql.js';
import { EnrollmentSettingsService } from './settings.service.js';
import { accountOf, showSecret } from './shown-secret.js';

export interface ClaimRequest {
  /** The slug of the link: whoever has it may claim. */
  slug: string;
  /** As it was typed; absent: none was. */
  pin: string | undefined;
  requestId: string;
  /** For the limits, the audit log, and to know them again. */
  claimant: Claimant;
}

export interface FoundLink {
  enrollment: StoredEnrollment;
  /** Its code may have been revoked for itself. */
  isCodeActive: boolean;
}

interface Claimed {
  enrollment: StoredEnrollment;
  claimToken: string;
  subject: StoredSubject;
  factor: BegunFactor;
  issuer: string;
}

/** What came of it; a refusal is committed, too, before anybody hears of it. `endedCode`: the redirects have to hear. */
type Outcome = { claimed: Claimed } | { refused: SignetError; endedCode?: string | null };

/** A claim that is being decided, under the subject's lock. */
interface Asked {
  enrollment: StoredEnrollment;
  claimant: Claimant;
  doing: Doing;
}

/** How a link is turned down, and whether somebody may hold a copy of it. */
interface Refusal {
  kind: 'code-exhausted' | 'code-expired' | 'code-revoked' | 'enrollment-disabled';
  reason: string;
}

/** The claim of a link: it happens once, and only then there is a secret (security.md §4). */
@Injectable()
export class ClaimEnrollment {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly relay: OutboxRelay,
    private readonly limits: ClaimLimits,
    private readonly settings: EnrollmentSettingsService,
    private readonly factors: FactorEnrollment,
    private readonly codes: SecretCodes,
    private readonly endings: EnrollmentEndings,
    private readonly keyRing: KeyRing,
    private readonly config: SignetConfig,
  ) {}

  /** The enrollment behind a link, whatever has become of it. @returns undefined for a slug that is nobody's */
  async find(slug: string): Promise<FoundLink | undefined> {
    const { manager } = this.dataSource;
    const code = await this.codes.find(manager, 'enrollment', slug);
    const enrollment = code && (await findEnrollmentOfCode(manager, code.id));
    return enrollment && { enrollment, isCodeActive: code.state === 'active' };
  }

  /**
   * The claim of a program, which shows the secret itself.
   * @throws SignetError as `claim`
   */
  async claimAndShow(request: ClaimRequest): Promise<ClaimedEnrollment> {
    const { enrollment, claimToken, subject, factor, issuer } = await this.take(request, { isShown: true });
    return {
      enrollmentId: enrollment.id,
      claimToken,
      ...showSecret(issuer, subject, factor),
      account: accountOf(subject),
      issuer,
      expiresAt: enrollment.expiresAt.toISOString(),
    };
  }

  /**
   * The claim of a browser, which is shown the secret by its next page.
   * @returns the token by which the browser is known from now on
   * @throws SignetError `code-unknown` | `code-exhausted` | `code-expired` | `code-revoked` | `enrollment-disabled` |
   *   `too-many-requests`; `pin-required`, `wrong-pin` with the tries that are left, and `enrollment-failed` with the last
   */
  async claim(request: ClaimRequest): Promise<string> {
    return (await this.take(request, { isShown: false })).claimToken;
  }

  private async take(request: ClaimRequest, shown: { isShown: boolean }): Promise<Claimed> {
    const { ip } = request.claimant;
    await this.limits.takeClaim(ip, request.slug);
    const found = await this.find(request.slug);
    if (!found) {
      await this.limits.takeUnknownSlug(ip);
      throw new SignetError('code-unknown');
    }
    const outcome = await this.dataSource.transaction((manager) =>
      this.decide(manager, found.enrollment, { ...request, ...shown }),
    );
    this.relay.wake();
    if ('claimed' in outcome) return outcome.claimed;
    await this.codes.propagate(outcome.endedCode ? [outcome.endedCode] : []);
    throw outcome.refused;
  }

  private async decide(
    manager: EntityManager,
    { id, subjectId }: StoredEnrollment,
    { requestId, claimant, pin, isShown }: ClaimRequest & { isShown: boolean },
  ): Promise<Outcome> {
    const subject = await lockSubjectById(manager, subjectId);
    const enrollment = await findEnrollment(manager, id);
    if (!subject || !enrollment) throw new SignetError('code-unknown');
    const doing = { actor: `subject:${subject.id}`, requestId, at: this.clock.now(), ip: claimant.ip };
    const asked = { enrollment, claimant, doing };
    const settings = await this.settings.get(enrollment.workspaceId, manager);
    const refusal = refusalOf({ subject, enrollment, isOn: settings.enabled, at: doing.at });
    if (refusal) return this.refuse(manager, asked, refusal);
    const pinCheck = checkPin(this.keyRing, enrollment.pin ?? undefined, { enrollmentId: id, typed: pin });
    if (pinCheck !== 'right') return this.refusePin(manager, asked, pinCheck);
    // Last of all the code is used up: it may have been revoked for itself.
    const isUsed = enrollment.codeId !== null && (await this.codes.use(manager, enrollment.codeId, doing.at));
    if (!isUsed) return this.refuse(manager, asked, { kind: 'code-revoked', reason: 'code_revoked' });
    const factor = await this.factors.begin(manager, subject, doing.at);
    const claimToken = generateClaimToken();
    const claimed: StoredEnrollment = {
      ...enrollment,
      status: 'claimed',
      factorId: factor.factorId,
      claimTokenHash: hashClaimToken(claimToken),
      claimantHash: claimantHash(id, claimant),
      claimedAt: doing.at,
      shownAt: isShown ? doing.at : null,
      expiresAt: secretExpiry(doing.at),
    };
    await storeClaim(manager, id, claimed);
    await auditEnrollment(manager, claimed, { ...doing, action: 'enrollment.claim', result: 'accepted' });
    await announceEnrollment(manager, claimed, { type: 'enrollment.claimed', at: doing.at });
    return { claimed: { enrollment: claimed, claimToken, subject, factor, issuer: settings.issuer } };
  }

  /** A PIN that is missing, or is none, is no guess. */
  private async refusePin(
    manager: EntityManager,
    { enrollment, doing }: Asked,
    pinCheck: Exclude<PinCheck, 'right'>,
  ): Promise<Outcome> {
    const { id, codeId, pinFailures } = enrollment;
    const isMissing = pinCheck === 'missing';
    const reason = isMissing ? 'pin_required' : 'wrong_pin';
    await auditEnrollment(manager, enrollment, { ...doing, action: 'enrollment.claim', result: 'rejected', reason });
    if (isMissing) return { refused: new SignetError('pin-required') };
    const failures = pinCheck === 'wrong' ? await countWrongPin(manager, id) : pinFailures;
    if (failures < PINS_ALLOWED)
      return { refused: new SignetError('wrong-pin', { attemptsLeft: PINS_ALLOWED - failures }) };
    await this.endings.end(manager, { enrollment, ending: 'failed', reason, doing });
    return { refused: new SignetError('enrollment-failed'), endedCode: codeId };
  }

  private async refuse(
    manager: EntityManager,
    { enrollment, claimant, doing }: Asked,
    { kind, reason }: Refusal,
  ): Promise<Outcome> {
    const { at } = doing;
    if (isOverdue(enrollment, at)) await this.endings.end(manager, { enrollment, ending: 'expired', doing });
    await auditEnrollment(manager, enrollment, { ...doing, action: 'enrollment.claim', result: 'rejected', reason });
    // Two people have the link: either the first or the second one should not.
    if (kind === 'code-exhausted')
      await announceEnrollment(manager, enrollment, {
        type: 'enrollment.claim_refused',
        reason,
        claimedAt: enrollment.claimedAt?.toISOString(),
        ip: truncateIp(claimant.ip, this.config.values.SIGNET_IP_TRUNCATION),
        sameVisitor: enrollment.claimantHash?.equals(claimantHash(enrollment.id, claimant)),
        at,
      });
    return { refused: new SignetError(kind) };
  }
}

function refusalOf({
  subject,
  enrollment,
  isOn,
  at,
}: {
  subject: StoredSubject;
  enrollment: StoredEnrollment;
  isOn: boolean;
  at: Date;
}): Refusal | undefined {
  const { status, claimedAt } = enrollment;
  if (claimedAt !== null) return { kind: 'code-exhausted', reason: 'claimed_before' };
  if (status === 'expired' || isOverdue(enrollment, at)) return { kind: 'code-expired', reason: 'expired' };
  if (!isClaimable(enrollment, at)) return { kind: 'code-revoked', reason: status };
  if (!isOn) return { kind: 'enrollment-disabled', reason: 'disabled' };
  return subject.status === 'active' ? undefined : { kind: 'code-revoked', reason: subject.status };
}
