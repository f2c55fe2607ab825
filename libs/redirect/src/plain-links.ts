import type { IncomingMessage, ServerResponse } from 'node:http';
import { codeKey } from '@signet/codes';
import { isProtected, plainUrlOf, type CodeSnapshot } from '@signet/contracts';
import { Clock, decideGate, gateFields, newId, SignetConfig } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { asciiUrl, HEADERS } from './answers.js';
import { CodeResolver } from './code-resolver.js';
import { Hosts } from './hosts.js';
import { ScanRecorder } from './scan-recorder.js';
import { TrustedProxies } from './trusted-proxies.js';

/** A path that is a slug and nothing else. What is written in another way is Fastify's to decode. */
const SLUG_PATH = /^\/[A-Za-z0-9_-]{1,64}$/;
const COMMON_HEADERS = [...Object.entries(HEADERS).flat(), 'content-length', '0'];

interface PlainLink {
  snapshot: CodeSnapshot;
  url: string;
}

/**
 * Answers scans of the plain links that this process holds a lease on, which are nearly all scans, before Fastify sees
 * them. Everything else, from unknown slugs to whatever is not certain here, is the routes' (redirect.routes.ts); what
 * both answer, they answer alike. A request through Fastify takes more than twice the time of one on Node's server.
 */
@Injectable()
export class PlainLinks {
  private readonly proxies: TrustedProxies;
  private isClosing = false;

  constructor(
    adapterHost: HttpAdapterHost,
    private readonly clock: Clock,
    private readonly resolver: CodeResolver,
    private readonly recorder: ScanRecorder,
    private readonly hosts: Hosts,
    { values }: SignetConfig,
  ) {
    this.proxies = new TrustedProxies(values.SIGNET_TRUSTED_PROXIES);
    const fastify: FastifyInstance = adapterHost.httpAdapter.getInstance();
    fastify.addHook('preClose', async () => {
      this.isClosing = true;
    });
    fastify.interceptRequests({ route: '/:slug', intercept: (...exchange) => this.intercept(...exchange) });
  }

  private intercept(request: IncomingMessage, response: ServerResponse): Promise<void> | undefined {
    const { method, url = '' } = request;
    if ((method !== 'GET' && method !== 'HEAD') || !SLUG_PATH.test(url)) return undefined;
    const at = this.clock.now();
    const place = this.hosts.placeOf(request);
    if (place === 'nobody') return undefined;
    const link = this.plainLink(codeKey(url.slice(1), place === 'own' ? undefined : place), at);
    return link && this.answer(request, response, { at, ...link });
  }

  private plainLink(key: string, at: Date): PlainLink | undefined {
    const entry = this.resolver.leased(key, at.getTime());
    if (!entry || isProtected(entry.snapshot)) return undefined;
    const { snapshot } = entry;
    const url = plainUrlOf(snapshot);
    if (url === undefined) return undefined;
    const verdict = decideGate({ ...gateFields(snapshot), used: entry.used }, { at, known: false });
    return verdict === 'open' ? { snapshot, url } : undefined;
  }

  /** As `RedirectRoutes.redirect` and `sendRedirect` do it; the request has the id of its scan. */
  private async answer(
    request: IncomingMessage,
    response: ServerResponse,
    { at, snapshot, url }: PlainLink & { at: Date },
  ): Promise<void> {
    const { method, headers, socket } = request;
    const id = newId();
    const ip = this.proxies.clientOf(socket.remoteAddress ?? '', headers['x-forwarded-for']?.toString());
    await this.recorder.record({ method, headers, socket, ip }, { outcome: 'redirected', at, snapshot, id });
    const connection = this.isClosing ? ['connection', 'close'] : [];
    const specific = ['location', asciiUrl(url), 'x-request-id', id, ...connection];
    response.writeHead(302, [...COMMON_HEADERS, ...specific]).end();
  }
}
