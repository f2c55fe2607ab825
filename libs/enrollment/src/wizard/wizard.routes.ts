import formbody from '@fastify/formbody';
import { ConfirmEnrollmentSchema } from '@signet/contracts';
import { BrandDirectory } from '@signet/domains';
import {
  chooseLanguage,
  endPage,
  headersOf,
  languages,
  loadPageScripts,
  PRIVATE_HEADERS,
  problemPage,
  problemText,
  recoveryPage,
  type EnrollmentEnd,
  type Page,
  type PageFrame,
  type WizardStep,
} from '@signet/pages';
import { failWith, LOGGER, parse, retryAfterOf, SignetConfig, SignetError, type Logger } from '@signet/platform';
import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ClaimEnrollment, type FoundLink } from '../claim-enrollment.js';
import { ClaimLimits } from '../claim-limits.js';
import { matchesClaimToken } from '../claim-token.js';
import { ConfirmEnrollment } from '../confirm-enrollment.js';
import type { StoredEnrollment } from '../enrollment.js';
import { EnrollmentSettingsService } from '../settings.service.js';
import { ClaimedEnrollments } from './claimed-enrollments.js';
import { claimTokenOf, formTokenOf, isFormOf, isOwnForm, pathOf, sessionCookie } from './wizard-session.js';
import { WizardPages } from './wizard-pages.js';

const BODY_LIMIT = 1024;
const formToken = z.string().max(100);
const FormSchema = z.discriminatedUnion('step', [
  z.strictObject({ step: z.literal('claim'), pin: z.string().max(20).optional() }),
  z.strictObject({
    step: z.literal('code'),
    formToken,
    code: z.string().max(20),
    app: ConfirmEnrollmentSchema.shape.app.or(z.literal('')),
  }),
  z.strictObject({ step: z.literal('renew'), formToken }),
  z.strictObject({ step: z.literal('recovery-codes'), formToken }),
  z.strictObject({ step: z.literal('finish'), formToken, saved: z.literal('yes').optional() }),
]);
type ClaimedForm = Exclude<z.output<typeof FormSchema>, { step: 'claim' }>;
type CodeForm = Extract<ClaimedForm, { step: 'code' }>;

type WizardRequest = FastifyRequest<{ Params: { slug: string } }>;

/** A request about an enrollment that exists. */
interface Visit extends FoundLink {
  request: WizardRequest;
  reply: FastifyReply;
}

/** Of the browser that claimed it. */
interface Session {
  enrollment: StoredEnrollment;
  claimToken: string;
}

/** How refusals of a claim are shown. */
const ENDS: Partial<Record<SignetError['kind'], EnrollmentEnd>> = {
  'code-exhausted': 'used',
  'code-expired': 'expired',
  'code-revoked': 'revoked',
  'enrollment-failed': 'guessed',
  'enrollment-disabled': 'disabled',
};

/**
 * The wizard: `/enroll/{slug}`, from who asks to the last page. `GET` shows the step that the enrollment is at, and
 * changes nothing that a person would miss; each form posts its step to the same address.
 */
@Injectable()
export class WizardRoutes {
  private readonly script = loadPageScripts().enroll;

  /** Fastify takes no plugin once it has booted, which Nest's initialization begins with: so here, not in a hook. */
  constructor(
    adapterHost: HttpAdapterHost,
    private readonly config: SignetConfig,
    private readonly brands: BrandDirectory,
    private readonly limits: ClaimLimits,
    private readonly settings: EnrollmentSettingsService,
    private readonly claims: ClaimEnrollment,
    private readonly confirmation: ConfirmEnrollment,
    private readonly claimed: ClaimedEnrollments,
    private readonly pages: WizardPages,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.register(adapterHost.httpAdapter.getInstance());
  }

  private register(fastify: FastifyInstance): void {
    void fastify.register(async (scope) => {
      await scope.register(formbody, { bodyLimit: BODY_LIMIT });
      scope.setErrorHandler(failWith(this.logger, (request, reply, error) => this.sendProblem(request, reply, error)));
      // The log line of a request names its route, never its path, which is a secret.
      scope.route<{ Params: { slug: string } }>({
        method: ['GET', 'HEAD'],
        url: '/enroll/:slug',
        handler: (request, reply) => this.show(request, reply),
      });
      scope.route<{ Params: { slug: string } }>({
        method: 'POST',
        url: '/enroll/:slug',
        bodyLimit: BODY_LIMIT,
        handler: (request, reply) => this.act(request, reply),
      });
    });
  }

  private async show(request: WizardRequest, reply: FastifyReply): Promise<FastifyReply> {
    const visit = await this.visit(request, reply);
    const session = sessionOf(visit);
    const step = this.stepOf(visit, session);
    const { status, page } = session
      ? await this.pages.claimed(this.frameOf(visit), step, { enrollment: session.enrollment, request })
      : await this.pages.unclaimed(this.frameOf(visit), step, { ...visit, request });
    return send(reply, status, page);
  }

  private async act(request: WizardRequest, reply: FastifyReply): Promise<FastifyReply> {
    if (!isOwnForm(request)) throw new SignetError('forbidden', { detail: 'The form comes from another site' });
    const form = parse(FormSchema, request.body ?? {}, 'body');
    const visit = await this.visit(request, reply);
    const session = sessionOf(visit);
    if (form.step === 'claim') return session ? goOn(visit) : this.claim(visit, form.pin);
    await this.limits.takeClaim(request.ip, request.params.slug);
    if (!session) return goOn(visit);
    if (!isFormOf(session.claimToken, form.formToken)) throw new SignetError('invalid-request');
    return this.proceed(visit, session, form);
  }

  private async claim(visit: Visit, pin: string | undefined): Promise<FastifyReply> {
    const { request, reply } = visit;
    const { slug } = request.params;
    try {
      const claimant = { ip: request.ip, userAgent: request.headers['user-agent'] };
      const claimToken = await this.claims.claim({ slug, pin, requestId: request.id, claimant });
      const isSecure = this.config.publicUrl.startsWith('https:');
      void reply.header('set-cookie', sessionCookie(claimToken, { path: pathOf(slug), isSecure }));
      return goOn(visit);
    } catch (error) {
      if (!(error instanceof SignetError)) throw error;
      const step = this.stepOf(visit);
      if (error.kind === 'pin-required' || error.kind === 'wrong-pin')
        return send(reply, 422, await this.pages.offer(this.frameOf(visit), step, { ...visit, error }));
      const end = ENDS[error.kind];
      if (end === undefined) throw error;
      const page = endPage(this.frameOf(visit), { ...step, end, isTold: end === 'used', requestId: request.id });
      return send(reply, error.status, page);
    }
  }

  private async proceed(visit: Visit, session: Session, form: ClaimedForm): Promise<FastifyReply> {
    const { request, reply } = visit;
    const { id } = session.enrollment;
    const visitor = { requestId: request.id, ip: request.ip };
    switch (form.step) {
      case 'code':
        return this.confirm(visit, session, form);
      case 'renew':
        await this.claimed.renew(id, visitor);
        return goOn(visit);
      case 'recovery-codes': {
        const codes = await this.claimed.renewRecoveryCodes(id, visitor);
        return codes ? this.showRecoveryCodes(visit, session, codes) : goOn(visit);
      }
      case 'finish': {
        if (form.saved === 'yes') {
          await this.claimed.acknowledge(id, visitor);
          return goOn(visit);
        }
        if (session.enrollment.status !== 'active') return goOn(visit);
        const { issuer } = await this.settings.get(session.enrollment.workspaceId);
        const step = this.stepOf(visit, session);
        return send(reply, 422, recoveryPage(this.frameOf(visit), { ...step, issuer, isUnsaved: true }));
      }
    }
  }

  private async confirm(visit: Visit, session: Session, form: CodeForm): Promise<FastifyReply> {
    const { request, reply } = visit;
    const { enrollment, claimToken } = session;
    // Sent twice, or after its end: the address says where it stands.
    if (enrollment.status !== 'claimed') return goOn(visit);
    const code = form.code.replaceAll(/\s/g, '');
    const app = form.app || undefined;
    try {
      // What no app shows is no guess, and is not counted as one.
      if (!/^\d{6,8}$/.test(code)) throw new SignetError('invalid-code');
      const proof = { id: enrollment.id, code, claimToken, app, requestId: request.id, ip: request.ip };
      const { recoveryCodes } = await this.confirmation.confirm(proof);
      return await this.showRecoveryCodes(visit, session, recoveryCodes);
    } catch (error) {
      if (!(error instanceof SignetError)) throw error;
      if (error.kind === 'enrollment-failed') return goOn(visit);
      if (error.kind !== 'invalid-code' && error.kind !== 'app-ignored-parameters') throw error;
      const step = this.stepOf(visit, session);
      return send(reply, 422, this.pages.wrongCode(this.frameOf(visit), step, { enrollment, error }));
    }
  }

  private async showRecoveryCodes(visit: Visit, session: Session, codes: readonly string[]): Promise<FastifyReply> {
    const { issuer } = await this.settings.get(session.enrollment.workspaceId);
    return send(visit.reply, 200, recoveryPage(this.frameOf(visit), { ...this.stepOf(visit, session), issuer, codes }));
  }

  /** @throws SignetError `code-unknown` | `too-many-requests` */
  private async visit(request: WizardRequest, reply: FastifyReply): Promise<Visit> {
    const found = await this.claims.find(request.params.slug);
    if (found) return { ...found, request, reply };
    await this.limits.takeUnknownSlug(request.ip);
    throw new SignetError('code-unknown');
  }

  private stepOf({ request }: Visit, session?: Session): WizardStep {
    const form = session && formTokenOf(session.claimToken);
    return { path: pathOf(request.params.slug), formToken: form, script: this.script };
  }

  private frameOf({ request, enrollment }: Pick<Visit, 'request' | 'enrollment'>): PageFrame {
    const brand = this.brands.brandOf({ workspaceId: enrollment.workspaceId });
    return { texts: textsFor(request), brand };
  }

  private sendProblem(request: FastifyRequest, reply: FastifyReply, error: SignetError): FastifyReply {
    const retryAfter = retryAfterOf(error);
    if (retryAfter !== undefined) void reply.header('retry-after', retryAfter);
    const texts = textsFor(request);
    const notes = error.status === 429 && retryAfter !== undefined ? [texts.retryAfter(retryAfter)] : [];
    return send(
      reply,
      error.status,
      problemPage({ texts }, { text: problemText(texts, error.kind), notes, requestId: request.id }),
    );
  }
}

const textsFor = ({ headers }: FastifyRequest): PageFrame['texts'] =>
  languages[chooseLanguage(headers['accept-language'])];

/** The browser that claimed, when it is the one that asks. */
function sessionOf({ request, enrollment }: Visit): Session | undefined {
  const claimToken = claimTokenOf(request);
  if (claimToken === undefined || !matchesClaimToken(claimToken, enrollment.claimTokenHash)) return undefined;
  return { enrollment, claimToken };
}

/** To the step that the enrollment is at by now, in a way that may be looked at again. */
const goOn = ({ request, reply }: Visit): FastifyReply =>
  reply.code(303).headers(PRIVATE_HEADERS).header('location', pathOf(request.params.slug)).send();

const send = (reply: FastifyReply, status: number, page: Page): FastifyReply =>
  reply.code(status).headers(headersOf(page)).send(page.html);
