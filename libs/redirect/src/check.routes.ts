import { gzipSync } from 'node:zlib';
import formbody from '@fastify/formbody';
import type { CodeOrigin } from '@signet/contracts';
import { checkPage, loadPageScripts, MAX_CHECKED_LENGTH, verdictPage, type PageScripts } from '@signet/pages';
import {
  Clock,
  counter,
  failWith,
  LOGGER,
  Registry,
  SignetConfig,
  SignetError,
  type Counter,
  type Logger,
} from '@signet/platform';
import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { prefersJson } from './accept.js';
import { frameFor, HEADERS, sendPage, sendRefusal } from './answers.js';
import { readLink } from './checked-link.js';
import { CodeOrigins, type Origin } from './code-origins.js';
import { Hosts } from './hosts.js';
import { ScanLimits } from './scan-limits.js';

/** A form may take nine characters for each of a link. */
const BODY_LIMIT = 9 * MAX_CHECKED_LENGTH + 100;
const BodySchema = z.strictObject({ link: z.string().max(MAX_CHECKED_LENGTH) });

/**
 * `/check`, where anybody learns whether a code was issued here: the answer to codes that somebody else has pasted over
 * ours. The link is asked for by `POST`, because that of a code may be a secret, and URLs are written down everywhere.
 */
@Injectable()
export class CheckRoutes {
  private readonly scripts: PageScripts = loadPageScripts();
  private readonly checks: Counter<'verdict'>;

  constructor(
    adapterHost: HttpAdapterHost,
    private readonly clock: Clock,
    private readonly config: SignetConfig,
    private readonly origins: CodeOrigins,
    private readonly limits: ScanLimits,
    private readonly hosts: Hosts,
    registry: Registry,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.checks = counter(registry, 'signet_origin_checks_total', 'Links that people asked about at /check', [
      'verdict',
    ]);
    this.register(adapterHost.httpAdapter.getInstance());
  }

  private register(fastify: FastifyInstance): void {
    void fastify.register(async (scope) => {
      await scope.register(formbody, { bodyLimit: BODY_LIMIT });
      scope.setErrorHandler(
        failWith(this.logger, (request, reply, error) =>
          sendRefusal(request, reply, { error, brand: this.hosts.brandFor(request) }),
        ),
      );
      scope.route({
        method: ['GET', 'HEAD'],
        url: '/check',
        logLevel: 'silent',
        handler: (request, reply) => this.ask(request, reply, 200),
      });
      scope.route({
        method: 'POST',
        url: '/check',
        logLevel: 'silent',
        bodyLimit: BODY_LIMIT,
        handler: (request, reply) => this.answer(request, reply),
      });
      for (const [path, body] of this.scripts.bodies) {
        const zipped = gzipSync(body);
        scope.get(path, { logLevel: 'silent' }, (request, reply) => sendScript(request, reply, { body, zipped }));
      }
    });
  }

  /** The form; 422: once more, because what was sent is no link. */
  private ask(request: FastifyRequest, reply: FastifyReply, status: 200 | 422): FastifyReply {
    const host = this.hosts.siteOf(request)?.host ?? new URL(this.config.publicUrl).host;
    const frame = frameFor(request, this.hosts.brandFor(request));
    return sendPage(reply, status, checkPage(frame, { host, script: this.scripts.scan, isUnreadable: status === 422 }));
  }

  private async answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    this.hosts.siteOf(request);
    const at = this.clock.now();
    await this.limits.takeOriginCheck(request.ip, at);
    const { data } = BodySchema.safeParse(request.body);
    const link = data && readLink(data.link);
    if (!link) return this.refuseText(request, reply);
    const origin = await this.origins.originOf(link, { visit: request, at });
    this.checks.inc({ verdict: origin.verdict });
    return this.tell(request, reply, { origin, link });
  }

  private refuseText(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    if (!prefersJson(request.headers.accept)) return this.ask(request, reply, 422);
    const message = `must be a web link of at most ${MAX_CHECKED_LENGTH} characters`;
    const error = new SignetError('invalid-request', {
      detail: `link: ${message}`,
      errors: [{ path: 'link', message }],
    });
    return sendRefusal(request, reply, { error });
  }

  private tell(
    request: FastifyRequest,
    reply: FastifyReply,
    { origin, link }: { origin: Origin; link: URL },
  ): FastifyReply {
    const { verdict, issuedBy, brand = this.hosts.brandFor(request) } = origin;
    if (!prefersJson(request.headers.accept)) {
      const host = verdict === 'foreign' ? link.host : undefined;
      return sendPage(reply, 200, verdictPage(frameFor(request, brand), { verdict, issuedBy, host }));
    }
    const issuedHere = verdict !== 'unknown' && verdict !== 'foreign';
    const body: CodeOrigin = { verdict, issuedHere, issuedBy: issuedBy ?? null };
    return reply.code(200).headers(HEADERS).send(body);
  }
}

/** For good: another script has another path. */
const sendScript = (
  { headers }: FastifyRequest,
  reply: FastifyReply,
  { body, zipped }: { body: string; zipped: Buffer },
): FastifyReply => {
  void reply
    .header('content-type', 'text/javascript; charset=utf-8')
    .header('cache-control', 'public, max-age=31536000, immutable')
    .header('x-content-type-options', 'nosniff')
    .header('cross-origin-resource-policy', 'same-origin')
    .header('vary', 'Accept-Encoding');
  const takesGzip = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:,|$))/i.test(headers['accept-encoding'] ?? '');
  return takesGzip ? reply.header('content-encoding', 'gzip').send(zipped) : reply.send(body);
};
