import { appleAppSiteAssociation, assetLinks } from '@signet/domains';
import type { AppLinks } from '@signet/contracts';
import { SignetError } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { sendRefusal } from './answers.js';
import { Hosts } from './hosts.js';

const DOCUMENTS: Readonly<Record<string, (appLinks: AppLinks) => object | undefined>> = {
  '/.well-known/apple-app-site-association': appleAppSiteAssociation,
  '/.well-known/assetlinks.json': assetLinks,
};

/**
 * Tells phones which apps may open the short URLs of a domain. iOS asks through Apple's cache, Android at installation;
 * both take JSON without a redirect. The installation's own host belongs to all workspaces, so it has none.
 */
@Injectable()
export class AppLinksRoutes {
  constructor(
    adapterHost: HttpAdapterHost,
    private readonly hosts: Hosts,
  ) {
    const fastify: FastifyInstance = adapterHost.httpAdapter.getInstance();
    for (const [path, documentOf] of Object.entries(DOCUMENTS))
      fastify.get(path, { logLevel: 'silent' }, (request, reply) => this.send(request, reply, documentOf));
  }

  private send(
    request: FastifyRequest,
    reply: FastifyReply,
    documentOf: (appLinks: AppLinks) => object | undefined,
  ): FastifyReply {
    const place = this.hosts.placeOf(request);
    if (place === 'nobody') return sendRefusal(request, reply, { error: new SignetError('wrong-host') });
    const appLinks = place === 'own' ? null : place.appLinks;
    const document = appLinks === null ? undefined : documentOf(appLinks);
    if (!document) return sendRefusal(request, reply, { error: new SignetError('not-found') });
    return reply
      .header('cache-control', 'public, max-age=3600')
      .header('x-content-type-options', 'nosniff')
      .send(document);
  }
}
