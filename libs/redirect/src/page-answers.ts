import type { CodeSnapshot, PageBrand, PageTarget } from '@signet/contracts';
import { targetDownload, targetPage, type DownloadName, type Picture, type ShownCode } from '@signet/pages';
import { SignetError } from '@signet/platform';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { prefersJson } from './accept.js';
import { frameFor, HEADERS, sendPage, sendRefusal } from './answers.js';

export interface ShownPage {
  snapshot: CodeSnapshot;
  at: Date;
  brand: PageBrand | undefined;
}

/** @returns undefined for a code that leads elsewhere */
export const pageOf = ({ kind, target }: CodeSnapshot): PageTarget | undefined =>
  kind === 'page' && 'type' in target ? target : undefined;

/** Nobody has to be let in first. */
const isOpen = ({ limit, passwordHash }: CodeSnapshot): boolean => limit === undefined && passwordHash === undefined;

const shown = ({ snapshot: { id, version }, at }: ShownPage, target: PageTarget): ShownCode => ({
  target,
  codeId: id,
  version,
  at,
});

/** What a code of kind `page` shows; a program that prefers JSON gets what the page is made of. */
export function sendTargetPage(
  request: FastifyRequest<{ Params: { slug: string } }>,
  reply: FastifyReply,
  page: ShownPage & { target: PageTarget },
): FastifyReply {
  const { target, snapshot, brand } = page;
  if (prefersJson(request.headers.accept)) return reply.code(200).headers(HEADERS).send({ page: target });
  const ownPath = `/${encodeURIComponent(request.params.slug)}`;
  const path = isOpen(snapshot) ? ownPath : undefined;
  const picture = pictureOf(target, ownPath);
  return sendPage(reply, 200, targetPage(frameFor(request, brand), { ...shown(page, target), path, picture }));
}

/** Whoever sees the page of a protected code has been let in to its picture, too. */
const pictureOf = (target: PageTarget, path: string): Picture | undefined =>
  'picture' in target && target.picture ? { url: `${path}/picture`, alt: target.picture.alt } : undefined;

/** What a phone takes over from the page of an open code. The page has been counted: this is no scan of its own. */
export function sendDownload(
  request: FastifyRequest,
  reply: FastifyReply,
  { name, ...page }: ShownPage & { name: DownloadName },
): FastifyReply {
  const target = isOpen(page.snapshot) ? pageOf(page.snapshot) : undefined;
  const download = target && targetDownload(shown(page, target), name);
  if (!download) return sendRefusal(request, reply, { error: new SignetError('not-found'), brand: page.brand });
  return (
    reply
      .code(200)
      .headers(HEADERS)
      .header('content-type', download.contentType)
      // Inline, so that iOS offers to add it at once; browsers that cannot show it keep it anyway.
      .header('content-disposition', `inline; filename="${name}"`)
      .header('content-security-policy', "default-src 'none'; sandbox")
      .send(download.body)
  );
}
