import formbody from '@fastify/formbody';
import { codeKey } from '@signet/codes';
import { SlugSchema, type CodeSnapshot, type ProblemKind, type ScanOutcome } from '@signet/contracts';
import {
  Clock,
  decideGate,
  gateFields,
  logFailure,
  LOGGER,
  parse,
  SignetError,
  toSignetError,
  type CodeStateEntry,
  type GateVerdict,
  type Logger,
} from '@signet/platform';
import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { sendClaimPage, sendNoIcon, sendRedirect, sendRefusal, sendRobots } from './answers.js';
import { ClaimDesk, claimEventId, hashNonce, newNonce } from './claim-desk.js';
import { CodeResolver } from './code-resolver.js';
import { ScanLimits } from './scan-limits.js';
import { isPreview, ScanRecorder } from './scan-recorder.js';
import { mainUrlOf } from './destination.js';

/** A nonce has 22 characters. */
const CLAIM_BODY_LIMIT = 1024;
const ClaimBodySchema = z.strictObject({
  nonce: z
    .string()
    .regex(/^[A-Za-z0-9_-]{22,64}$/, 'must be the nonce of the page')
    .optional(),
});

type SlugRequest = FastifyRequest<{ Params: { slug: string } }>;
type Refusal = Exclude<GateVerdict, 'open' | 'unknown-here'> | 'archived' | 'unknown';

/** How each refusal is told, and how it is counted. An archived code is one that its owner has put away. */
const refusals: Readonly<Record<Refusal, { kind: ProblemKind; outcome: ScanOutcome }>> = {
  unknown: { kind: 'code-unknown', outcome: 'not_found' },
  revoked: { kind: 'code-revoked', outcome: 'revoked' },
  expired: { kind: 'code-expired', outcome: 'expired' },
  exhausted: { kind: 'code-exhausted', outcome: 'exhausted' },
  paused: { kind: 'code-paused', outcome: 'denied' },
  archived: { kind: 'code-paused', outcome: 'denied' },
  'not-active-yet': { kind: 'code-not-active-yet', outcome: 'denied' },
};

/** A request for a slug, and what is known of the code behind it. */
interface Scan {
  request: SlugRequest;
  reply: FastifyReply;
  at: Date;
  key: string;
  entry: CodeStateEntry;
}

/**
 * `GET /{slug}` and `POST /{slug}/claim`, as routes of Fastify itself: Nest's guards, pipes, interceptors and filters
 * have nothing to do here, and cost the hottest path about a tenth more CPU a request (measured: 10 of 100 µs). They
 * live in a plugin of their own, so that the form's content type and the pages for errors stay with them.
 */
@Injectable()
export class RedirectRoutes {
  /** Fastify takes no plugin once it has booted, which Nest's initialization begins with: so here, not in a hook. */
  constructor(
    adapterHost: HttpAdapterHost,
    private readonly clock: Clock,
    private readonly resolver: CodeResolver,
    private readonly limits: ScanLimits,
    private readonly recorder: ScanRecorder,
    private readonly desk: ClaimDesk,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.register(adapterHost.httpAdapter.getInstance());
  }

  private register(fastify: FastifyInstance): void {
    void fastify.register(async (scope) => {
      await scope.register(formbody, { bodyLimit: CLAIM_BODY_LIMIT });
      scope.setErrorHandler((thrown, request, reply) => {
        const error = toSignetError(thrown);
        logFailure(this.logger, error, request.id);
        return sendRefusal(request, reply, { error });
      });
      // What browsers and crawlers ask for by themselves is no guess at a slug.
      scope.get('/favicon.ico', { logLevel: 'silent' }, (_request, reply) => sendNoIcon(reply));
      scope.get('/robots.txt', { logLevel: 'silent' }, (_request, reply) => sendRobots(reply));
      // No log line a scan, and never one with a slug in it.
      scope.route<{ Params: { slug: string } }>({
        method: ['GET', 'HEAD'],
        url: '/:slug',
        logLevel: 'silent',
        handler: (request, reply) => this.scan(request, reply),
      });
      scope.route<{ Params: { slug: string } }>({
        method: 'POST',
        url: '/:slug/claim',
        logLevel: 'silent',
        bodyLimit: CLAIM_BODY_LIMIT,
        handler: (request, reply) => this.claim(request, reply),
      });
    });
  }

  private async scan(request: SlugRequest, reply: FastifyReply): Promise<FastifyReply> {
    const at = this.clock.now();
    const key = codeKey(request.params.slug);
    const entry = this.resolver.leased(key, at.getTime()) ?? (await this.find(request, key, at));
    if (!entry) return this.refuse({ request, reply, at }, 'unknown');
    const scan = { request, reply, at, key, entry };
    const { snapshot } = entry;
    const verdict = decideGate({ ...gateFields(snapshot), used: entry.used }, { at, known: false });
    if (verdict !== 'open' && verdict !== 'unknown-here') return this.refuse(scan, verdict);
    if (snapshot.kind === 'enrollment' || !snapshot.limit) return this.redirect(scan, 302);
    const claimsAtOnce = snapshot.limit.claimMode === 'direct' && request.method === 'GET' && !isPreview(request);
    return claimsAtOnce ? this.use(scan, 302) : this.offerClaim(scan, snapshot.limit.maxScans);
  }

  private async claim(request: SlugRequest, reply: FastifyReply): Promise<FastifyReply> {
    const at = this.clock.now();
    const { nonce } = parse(ClaimBodySchema, request.body ?? {}, 'body');
    const key = codeKey(request.params.slug);
    await this.limits.takeClaim(request.ip, key);
    const entry = await this.find(request, key, at);
    if (!entry) return this.refuse({ request, reply, at }, 'unknown');
    const scan = { request, reply, at, key, entry };
    const { snapshot } = entry;
    if (snapshot.limit && snapshot.kind !== 'enrollment') return this.use(scan, 303, nonce);
    const verdict = decideGate({ ...gateFields(snapshot), used: entry.used }, { at, known: false });
    if (verdict !== 'open' && verdict !== 'unknown-here') return this.refuse(scan, verdict);
    return this.redirect(scan, 303);
  }

  private async find(request: SlugRequest, key: string, at: Date): Promise<CodeStateEntry | undefined> {
    const isSlug = SlugSchema.safeParse(request.params.slug).success;
    const entry = isSlug ? await this.lookUp(request, key, at) : undefined;
    if (!entry) await this.countGuess(request);
    return entry;
  }

  /** Guessers are served what is known near by, and get no more reads of PostgreSQL. */
  private async lookUp({ ip }: SlugRequest, key: string, at: Date): Promise<CodeStateEntry | undefined> {
    if (await this.limits.isGuessing(ip)) return this.resolver.resolveNear(key);
    return this.resolver.resolve(key, at.getTime());
  }

  /** @throws SignetError `too-many-requests` */
  private async countGuess({ ip }: SlugRequest): Promise<void> {
    try {
      await this.limits.takeUnknownSlug(ip);
    } catch (error) {
      this.recorder.countThrottled();
      throw error;
    }
  }

  private async redirect({ request, reply, at, entry }: Scan, status: 302 | 303): Promise<FastifyReply> {
    const { snapshot } = entry;
    await this.recorder.record(request, { outcome: 'redirected', at, snapshot });
    // The wizard claims by its own POST; nothing is claimed by opening it.
    const url =
      snapshot.kind === 'enrollment'
        ? `/enroll/${encodeURIComponent(request.params.slug)}`
        : mainUrlOf(snapshot.target);
    return sendRedirect(reply, status, url);
  }

  private async offerClaim({ request, reply, at, entry }: Scan, maxScans: number): Promise<FastifyReply> {
    await this.recorder.record(request, { outcome: 'interstitial', at, snapshot: entry.snapshot });
    return sendClaimPage(request, reply, { slug: request.params.slug, nonce: newNonce(), maxScans });
  }

  private async use(scan: Scan, status: 302 | 303, nonce?: string): Promise<FastifyReply> {
    const { request, reply, at, key, entry } = scan;
    const nonceHash = nonce === undefined ? undefined : hashNonce(nonce);
    const decision = await this.desk.claim({ key, entry, at, nonceHash });
    if (decision.outcome === 'refused') return this.refuse(scan, decision.reason);
    const { codeVersion, url, useNumber } = decision;
    const { snapshot } = entry;
    const id = useNumber === null ? undefined : claimEventId(snapshot.id, useNumber);
    await this.recorder.record(request, { outcome: 'claimed', at, snapshot, codeVersion, id });
    return sendRedirect(reply, status, url);
  }

  private async refuse(
    { request, reply, at, entry }: Omit<Scan, 'key' | 'entry'> & { entry?: CodeStateEntry },
    refusal: Refusal,
  ): Promise<FastifyReply> {
    const { kind, outcome } = refusals[refusal];
    const snapshot: CodeSnapshot | undefined = entry?.snapshot;
    await this.recorder.record(request, { outcome, at, snapshot });
    const activeFrom = refusal === 'not-active-yet' ? snapshot?.activeFrom : undefined;
    const retryAfter = activeFrom === undefined ? undefined : (Date.parse(activeFrom) - at.getTime()) / 1000;
    return sendRefusal(request, reply, { error: new SignetError(kind, { retryAfter }), activeFrom });
  }
}
