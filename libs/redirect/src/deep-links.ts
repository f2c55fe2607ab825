import type { PageBrand } from '@signet/contracts';
import { appPage, type AppPage } from '@signet/pages';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { frameFor, sendPage } from './answers.js';

/** Offers the app and, for those who do not have it, what there is without it. */
export const sendDeepLinkPage = (
  request: FastifyRequest,
  reply: FastifyReply,
  { app, brand }: { app: AppPage; brand: PageBrand | undefined },
): FastifyReply => sendPage(reply, 200, appPage(frameFor(request, brand), app));
