import { BrandDirectory } from '@signet/domains';
import { SignetError } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { sendRefusal } from './answers.js';

type LogoRequest = FastifyRequest<{ Params: { id: string; revision: string } }>;

/** Logos on the origin of the pages that show them. A new logo has a new path, so each may be kept for good. */
@Injectable()
export class BrandLogos {
  constructor(
    adapterHost: HttpAdapterHost,
    private readonly brands: BrandDirectory,
  ) {
    const fastify: FastifyInstance = adapterHost.httpAdapter.getInstance();
    fastify.get<{ Params: { id: string; revision: string } }>(
      '/assets/brands/:id/:revision',
      { logLevel: 'silent' },
      (request, reply) => this.send(request, reply),
    );
  }

  private async send(request: LogoRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { id, revision } = request.params;
    const logo = /^\d{1,9}$/.test(revision) ? await this.brands.logoOf(id, Number(revision)) : undefined;
    if (!logo) return sendRefusal(request, reply, { error: new SignetError('not-found') });
    return reply
      .header('content-type', logo.contentType)
      .header('cache-control', 'public, max-age=31536000, immutable')
      .header('x-content-type-options', 'nosniff')
      .header('content-security-policy', "default-src 'none'")
      .header('cross-origin-resource-policy', 'same-origin')
      .send(logo.bytes);
  }
}
