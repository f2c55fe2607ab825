import formbody from '@fastify/formbody';
import { codeKey } from '@signet/codes';
import { isProtected, type CodeSnapshot, type FileTarget } from '@signet/contracts';
import type { Site } from '@signet/domains';
import { ContentGrants, FileContents, type Granted } from '@signet/files';
import { DOWNLOAD_NAMES, type DownloadName } from '@signet/pages';
import {
  Clock,
  decideGate,
  failWith,
  gateFields,
  LOGGER,
  parse,
  SignetError,
  type CodeStateEntry,
  type Logger,
} from '@signet/platform';
import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { prefersJson } from './accept.js';
import { sendClaimPage, sendNoIcon, sendRedirect, sendRefusal, sendRobots } from './answers.js';
import { claimEventId, hashNonce, newNonce } from './claim-desk.js';
import { CodeFinder } from './code-finder.js';
import { sendDeepLinkPage } from './deep-links.js';
import { Destinations, fileKeyOf, type Destination } from './destination.js';
import {
  CONTENTS,
  contentTargetOf,
  fileTargetOf,
  grantOf,
  pathOf,
  sendContent,
  sendFile,
  setGrant,
  type ContentName,
  type SentContent,
} from './file-answers.js';
import { Guessing } from './guessing.js';
import { Hosts } from './hosts.js';
import { offUrlFor } from './off-url.js';
import { pageOf, sendDownload, sendTargetPage } from './page-answers.js';
import { sendPasswordPage, type PasswordFailure } from './password-answers.js';
import { PasswordDesk } from './password-desk.js';
import { refusals, type Refusal } from './refusals.js';
import { isPreview, ScanRecorder } from './scan-recorder.js';
import { TargetedClaims } from './targeted-claims.js';

/** A nonce has 22 characters; a password at most 128, of which each may take nine in a form. */
const CLAIM_BODY_LIMIT = 1536;
const ClaimBodySchema = z.strictObject({
  nonce: z
    .string()
    .regex(/^[A-Za-z0-9_-]{22,64}$/, 'must be the nonce of the page')
    .optional(),
  password: z.string().max(128).optional(),
});

type SlugRequest = FastifyRequest<{ Params: { slug: string } }>;
const grantedBy = ({ id, passwordHash }: CodeSnapshot, { fileId }: FileTarget): Granted => ({
  codeId: id,
  fileId,
  passwordHash,
});

/** A request for a slug, and what is known of the code behind it. */
interface Scan {
  request: SlugRequest;
  reply: FastifyReply;
  at: Date;
  /** The domain; absent: the installation's own. */
  site: Site | undefined;
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
    private readonly finder: CodeFinder,
    private readonly guessing: Guessing,
    private readonly recorder: ScanRecorder,
    private readonly destinations: Destinations,
    private readonly claims: TargetedClaims,
    private readonly passwords: PasswordDesk,
    private readonly hosts: Hosts,
    private readonly files: FileContents,
    private readonly grants: ContentGrants,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.register(adapterHost.httpAdapter.getInstance());
  }

  private register(fastify: FastifyInstance): void {
    void fastify.register(async (scope) => {
      await scope.register(formbody, { bodyLimit: CLAIM_BODY_LIMIT });
      scope.setErrorHandler(
        failWith(this.logger, (request, reply, error) =>
          sendRefusal(request, reply, { error, brand: this.hosts.brandFor(request) }),
        ),
      );
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
      for (const name of ['file', 'picture'] as const)
        scope.route<{ Params: { slug: string } }>({
          method: ['GET', 'HEAD'],
          url: `/:slug/${name}`,
          logLevel: 'silent',
          handler: (request, reply) => this.content(request, reply, name),
        });
      for (const name of DOWNLOAD_NAMES)
        scope.get<{ Params: { slug: string } }>(`/:slug/${name}`, { logLevel: 'silent' }, (request, reply) =>
          this.download(request, reply, name),
        );
    });
  }

  private async scan(request: SlugRequest, reply: FastifyReply): Promise<FastifyReply> {
    const at = this.clock.now();
    const site = this.hosts.siteOf(request);
    const key = codeKey(request.params.slug, site);
    const entry = await this.find(request, { site, key, at });
    if (!entry) return this.refuse({ request, reply, at, site }, 'unknown');
    const scan = { request, reply, at, site, key, entry };
    const { snapshot } = entry;
    const verdict = decideGate({ ...gateFields(snapshot), used: entry.used }, { at, known: false });
    // Whoever claimed an enrollment goes on with it by scanning once more; the wizard knows them.
    const isClaimed = snapshot.kind === 'enrollment' && verdict === 'exhausted';
    if (verdict !== 'open' && verdict !== 'unknown-here' && !isClaimed) return this.refuse(scan, verdict);
    if (snapshot.passwordHash !== undefined) return this.askPassword(scan);
    if (snapshot.kind === 'enrollment' || !snapshot.limit) return this.redirect(scan, 302);
    const claimsAtOnce = snapshot.limit.claimMode === 'direct' && request.method === 'GET' && !isPreview(request);
    return claimsAtOnce ? this.use(scan, 302) : this.offerClaim(scan, snapshot.limit.maxScans);
  }

  private async claim(request: SlugRequest, reply: FastifyReply): Promise<FastifyReply> {
    const at = this.clock.now();
    const { nonce, password } = parse(ClaimBodySchema, request.body ?? {}, 'body');
    const site = this.hosts.siteOf(request);
    const key = codeKey(request.params.slug, site);
    await this.guessing.takeClaim(request, { key, at });
    const entry = await this.find(request, { site, key, at });
    if (!entry) return this.refuse({ request, reply, at, site }, 'unknown');
    const scan = { request, reply, at, site, key, entry };
    const { snapshot } = entry;
    const isUse = snapshot.limit !== undefined && snapshot.kind !== 'enrollment';
    // The desk judges uses, and knows who may ask again.
    if (!isUse || snapshot.passwordHash !== undefined) {
      const verdict = decideGate({ ...gateFields(snapshot), used: entry.used }, { at, known: nonce !== undefined });
      if (verdict !== 'open' && verdict !== 'unknown-here') return this.refuse(scan, verdict);
    }
    const failure = await this.passwordFailure(scan, password);
    if (failure) return this.askPassword(scan, { failure, nonce });
    return isUse ? this.use(scan, 303, nonce) : this.redirect(scan, 303);
  }

  private async download(request: SlugRequest, reply: FastifyReply, name: DownloadName): Promise<FastifyReply> {
    const at = this.clock.now();
    const site = this.hosts.siteOf(request);
    const key = codeKey(request.params.slug, site);
    const entry = await this.find(request, { site, key, at });
    if (!entry) return this.refuse({ request, reply, at, site }, 'unknown');
    const { snapshot } = entry;
    const verdict = decideGate({ ...gateFields(snapshot), used: entry.used }, { at, known: false });
    if (verdict !== 'open' && verdict !== 'unknown-here')
      return this.refuse({ request, reply, at, site, entry }, verdict);
    return sendDownload(request, reply, { name, snapshot, at, brand: this.hosts.brandFor(request, snapshot) });
  }

  /** The content of a file, or a page's picture. Whoever has come from its code was counted: this is no scan of its own. */
  private async content(request: SlugRequest, reply: FastifyReply, name: ContentName): Promise<FastifyReply> {
    const at = this.clock.now();
    const site = this.hosts.siteOf(request);
    const key = codeKey(request.params.slug, site);
    const entry = await this.find(request, { site, key, at });
    const target = entry && CONTENTS[name](entry.snapshot);
    if (!entry || !target) return this.refuse({ request, reply, at, site }, 'unknown');
    const { snapshot } = entry;
    const isGuarded = isProtected(snapshot);
    const known = isGuarded && (await this.grants.allows(grantOf(request), grantedBy(snapshot, target), at));
    const verdict = decideGate({ ...gateFields(snapshot), used: entry.used }, { at, known });
    if (verdict !== 'open' && verdict !== 'unknown-here')
      return this.refuse({ request, reply, at, site, entry }, verdict);
    // To where one is let in.
    if (isGuarded && !known) return sendRedirect(reply, 302, pathOf(request));
    const file = await this.files.find(fileKeyOf(snapshot, target));
    const read: SentContent['read'] = (range) => this.files.read(file, range);
    return sendContent(request, reply, { file, disposition: target.disposition, isProtected: isGuarded, read });
  }

  private find(
    request: SlugRequest,
    { site, key, at }: Pick<Scan, 'site' | 'key' | 'at'>,
  ): Promise<CodeStateEntry | undefined> {
    return this.finder.find({ visit: request, slug: request.params.slug, key, workspaceId: site?.workspaceId, at });
  }

  private async redirect(scan: Scan, status: 302 | 303): Promise<FastifyReply> {
    const { request, at, entry } = scan;
    const { snapshot } = entry;
    // The wizard claims by its own POST; nothing is claimed by opening it.
    const destination =
      snapshot.kind === 'enrollment'
        ? { url: `/enroll/${encodeURIComponent(request.params.slug)}` }
        : await this.destinations.choose(request, snapshot, at);
    const { targetIndex } = destination;
    const outcome = pageOf(snapshot) ? 'page' : destination.file ? 'file' : 'redirected';
    await this.recorder.record(request, { outcome, at, snapshot, targetIndex });
    return this.arrive(scan, status, destination);
  }

  /** What the scan came for, when nothing stands before it any more. */
  private async arrive(
    { request, reply, at, entry }: Scan,
    status: 302 | 303,
    destination: Destination,
  ): Promise<FastifyReply> {
    const { url, app, file } = destination;
    const content = contentTargetOf(entry.snapshot);
    if (content && isProtected(entry.snapshot))
      setGrant(request, reply, await this.grants.issue(grantedBy(entry.snapshot, content), at));
    const given = fileTargetOf(entry.snapshot);
    if (file && given) {
      const brand = this.hosts.brandFor(request, entry.snapshot);
      return sendFile(request, reply, { file, target: given, brand, status });
    }
    const target = pageOf(entry.snapshot);
    if (target) {
      const brand = this.hosts.brandFor(request, entry.snapshot);
      return sendTargetPage(request, reply, { target, snapshot: entry.snapshot, at, brand });
    }
    if (app === undefined || prefersJson(request.headers.accept)) return sendRedirect(reply, status, url);
    return sendDeepLinkPage(request, reply, { app, brand: this.hosts.brandFor(request, entry.snapshot) });
  }

  /** Of a code with a password; undefined when nothing stands in the way. */
  private async passwordFailure(
    { key, at, entry: { snapshot } }: Scan,
    password: string | undefined,
  ): Promise<PasswordFailure | undefined> {
    const { passwordHash } = snapshot;
    if (passwordHash === undefined) return undefined;
    if (password === undefined) return 'password-required';
    const { isRight, excess } = await this.passwords.check({ key, passwordHash, password, at });
    if (excess) await this.guessing.tellOfPasswords(excess, snapshot);
    return isRight ? undefined : 'wrong-password';
  }

  /** The nonce stays the same while somebody mistypes: it is their browser's. */
  private async askPassword(
    { request, reply, at, entry: { snapshot } }: Scan,
    { failure, nonce }: { failure?: PasswordFailure; nonce?: string } = {},
  ): Promise<FastifyReply> {
    await this.recorder.record(request, { outcome: failure ? 'denied' : 'interstitial', at, snapshot });
    const ownNonce = snapshot.limit === undefined ? undefined : (nonce ?? newNonce());
    const brand = this.hosts.brandFor(request, snapshot);
    return sendPasswordPage(request, reply, { slug: request.params.slug, nonce: ownNonce, failure, brand });
  }

  private async offerClaim({ request, reply, at, entry }: Scan, maxScans: number): Promise<FastifyReply> {
    const { snapshot } = entry;
    await this.recorder.record(request, { outcome: 'interstitial', at, snapshot });
    const brand = this.hosts.brandFor(request, snapshot);
    return sendClaimPage(request, reply, { slug: request.params.slug, nonce: newNonce(), maxScans, brand });
  }

  private async use(scan: Scan, status: 302 | 303, nonce?: string): Promise<FastifyReply> {
    const { request, at, key } = scan;
    const nonceHash = nonce === undefined ? undefined : hashNonce(nonce);
    const claim = await this.claims.claim(request, { key, entry: scan.entry, at, nonceHash });
    const { decision, entry, destination } = claim;
    if (decision.outcome === 'refused') return this.refuse(scan, decision.reason);
    const { codeVersion, useNumber } = decision;
    const { snapshot } = entry;
    const { targetIndex } = destination;
    const id = useNumber === null ? undefined : claimEventId(snapshot.id, useNumber);
    await this.recorder.record(request, { outcome: 'claimed', at, snapshot, codeVersion, targetIndex, id });
    return this.arrive({ ...scan, entry }, status, destination);
  }

  private async refuse(
    { request, reply, at, site, entry }: Omit<Scan, 'key' | 'entry'> & { entry?: CodeStateEntry },
    refusal: Refusal,
  ): Promise<FastifyReply> {
    const { kind, outcome } = refusals[refusal];
    const snapshot: CodeSnapshot | undefined = entry?.snapshot;
    await this.recorder.record(request, { outcome, at, snapshot, workspaceId: site?.workspaceId });
    if (refusal === 'unknown' && site?.notFoundUrl && !prefersJson(request.headers.accept))
      return sendRedirect(reply, request.method === 'POST' ? 303 : 302, site.notFoundUrl);
    const offUrl = snapshot && offUrlFor(request, snapshot);
    if (offUrl !== undefined) return sendRedirect(reply, request.method === 'POST' ? 303 : 302, offUrl);
    const brand = this.hosts.brandFor(request, snapshot);
    const activeFrom = refusal === 'not-active-yet' ? snapshot?.activeFrom : undefined;
    const retryAfter = activeFrom === undefined ? undefined : (Date.parse(activeFrom) - at.getTime()) / 1000;
    return sendRefusal(request, reply, { error: new SignetError(kind, { retryAfter }), activeFrom, brand });
  }
}
