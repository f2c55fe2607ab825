import type { IncomingMessage, ServerResponse } from 'node:http';
import { codeKey } from '@signet/codes';
import { isProtected, plainUrlOf, type CodeSnapshot } from '@signet/contracts';
import { Clock, decideGate, gateFields, newId, SignetConfig, type CodeStateEntry } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { asciiUrl, HEADERS } from './answers.js';
import { CodeResolver } from './code-resolver.js';
import { Hosts } from './hosts.js';
import { ScanRecorder, type Visit } from './scan-recorder.js';
import { TrustedProxies } from './trusted-proxies.js';

/** A path that is a slug and nothing else. What is written in another way is Fastify's to decode. */
const SLUG_PATH = /^\/[A-Za-z0-9_-]{1,64}$/;

/** What every redirect carries beside where it leads, in its order. */
export const COMMON_HEADERS: readonly (readonly [string, string])[] = [
  ...Object.entries(HEADERS),
  ['content-length', '0'],
];

export interface PlainLink {
  snapshot: CodeSnapshot;
  at: Date;
  /** In ASCII. */
  url: string;
}

type Asked = Omit<Visit, 'ip'>;

/**
 * Scans of plain links that this process holds a lease on, which are nearly all scans, without Fastify: read from the
 * socket (plain-connections.ts), or from Node's server where a connection has carried anything else. Everything that is
 * not certain here, from unknown slugs on, is the routes' (redirect.routes.ts); what both answer, they answer alike.
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

  /** @returns undefined when this process has no lease on such a link, or none that it may serve */
  leased(slug: string, asked: Asked): PlainLink | undefined {
    const at = this.clock.now();
    const key = this.keyOf(slug, asked);
    const entry = key === undefined ? undefined : this.resolver.leased(key, at.getTime());
    return entry && plainLinkOf(entry, at);
  }

  /** Takes a lease, where the code state has the code: PostgreSQL is asked where guesses are counted. */
  async lease(slug: string, asked: Asked): Promise<PlainLink | undefined> {
    const at = this.clock.now();
    const key = this.keyOf(slug, asked);
    const entry = key === undefined ? undefined : await this.resolver.leaseNear(key, at.getTime());
    return entry && plainLinkOf(entry, at);
  }

  /**
   * As `RedirectRoutes.redirect` does it; the request has the id of its scan.
   * @returns the id, when the scan is safe
   */
  async record(asked: Asked, { at, snapshot }: PlainLink): Promise<string> {
    const { headers, socket } = asked;
    const id = newId();
    const ip = this.proxies.clientOf(socket.remoteAddress ?? '', headers['x-forwarded-for']?.toString());
    await this.recorder.record({ ...asked, ip }, { outcome: 'redirected', at, snapshot, id });
    return id;
  }

  private keyOf(slug: string, asked: Asked): string | undefined {
    const place = this.hosts.placeOf(asked);
    return place === 'nobody' ? undefined : codeKey(slug, place === 'own' ? undefined : place);
  }

  private intercept(request: IncomingMessage, response: ServerResponse): Promise<void> | undefined {
    const { method, url = '' } = request;
    if ((method !== 'GET' && method !== 'HEAD') || !SLUG_PATH.test(url)) return undefined;
    const link = this.leased(url.slice(1), request);
    return link && this.answer(request, response, link);
  }

  /** As `sendRedirect` does it. */
  private async answer(request: IncomingMessage, response: ServerResponse, link: PlainLink): Promise<void> {
    const { method, headers, socket } = request;
    const id = await this.record({ method, headers, socket }, link);
    const connection = this.isClosing ? ['connection', 'close'] : [];
    const specific = ['location', link.url, 'x-request-id', id, ...connection];
    response.writeHead(302, [...COMMON_HEADERS.flat(), ...specific]).end();
  }
}

function plainLinkOf({ snapshot, used }: CodeStateEntry, at: Date): PlainLink | undefined {
  if (isProtected(snapshot)) return undefined;
  const url = plainUrlOf(snapshot);
  if (url === undefined) return undefined;
  const verdict = decideGate({ ...gateFields(snapshot), used }, { at, known: false });
  return verdict === 'open' ? { snapshot, at, url: asciiUrl(url) } : undefined;
}
