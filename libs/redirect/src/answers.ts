import type { CodeSnapshot, PageBrand } from '@signet/contracts';
import {
  chooseLanguage,
  claimPage,
  headersOf,
  languages,
  PRIVATE_HEADERS,
  problemPage,
  problemSign,
  problemText,
  writeTime,
  type ClaimPage,
  type Page,
  type PageFrame,
} from '@signet/pages';
import { retryAfterOf, sendProblem, SignetError } from '@signet/platform';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { prefersJson } from './accept.js';

export const HEADERS = PRIVATE_HEADERS;

/** A header takes ASCII; a URL with other characters is sent in its encoded form. */
export const asciiUrl = (url: string): string => (/^[\x21-\x7e]*$/.test(url) ? url : new URL(url).href);

/** 302 after a `GET`; 303 after a `POST`, so that the browser goes on with a `GET` (RFC 9110 §15.4.4). */
export function sendRedirect(reply: FastifyReply, status: 302 | 303, url: string): FastifyReply {
  return reply.code(status).headers(HEADERS).header('location', asciiUrl(url)).send();
}

export const sendNoIcon = (reply: FastifyReply): FastifyReply =>
  reply.code(204).header('cache-control', 'public, max-age=86400').send();

/** Crawlers have no business with codes: following a link would count as a scan. */
export const sendRobots = (reply: FastifyReply): FastifyReply =>
  reply.header('content-type', 'text/plain; charset=utf-8').send('User-agent: *\nDisallow: /\n');

/** How the pages that answer a request look: its best language, and the brand of whoever issued the code. */
export const frameFor = ({ headers }: FastifyRequest, brand?: PageBrand): PageFrame => ({
  texts: languages[chooseLanguage(headers['accept-language'])],
  brand,
});

export const sendPage = (reply: FastifyReply, status: number, page: Page): FastifyReply =>
  reply.code(status).headers(headersOf(page)).send(page.html);

/** The interstitial; a program that prefers JSON learns where to claim, and with which nonce. */
export function sendClaimPage(
  request: FastifyRequest,
  reply: FastifyReply,
  { brand, ...claim }: ClaimPage & { brand?: PageBrand },
): FastifyReply {
  if (!prefersJson(request.headers.accept)) return sendPage(reply, 200, claimPage(frameFor(request, brand), claim));
  const body = { status: 'claim-required', claimUrl: `/${encodeURIComponent(claim.slug)}/claim`, nonce: claim.nonce };
  return reply.code(200).headers(HEADERS).send(body);
}

export interface Refusal {
  error: SignetError;
  /** When a code that is not active yet becomes so. */
  activeFrom?: CodeSnapshot['activeFrom'];
  brand?: PageBrand;
}

/** The failure as a page that says what to do, or as problem+json. */
export function sendRefusal(
  request: FastifyRequest,
  reply: FastifyReply,
  { error, activeFrom, brand }: Refusal,
): FastifyReply {
  if (prefersJson(request.headers.accept)) {
    void reply.headers(HEADERS);
    sendProblem(error, request, reply);
    return reply;
  }
  const retryAfter = retryAfterOf(error);
  if (retryAfter !== undefined) void reply.header('retry-after', retryAfter);
  const frame = frameFor(request, brand);
  const { texts } = frame;
  const notes = activeFrom === undefined ? [] : [texts.activeFrom(writeTime(texts, activeFrom))];
  if (error.status === 429 && retryAfter !== undefined) notes.push(texts.retryAfter(retryAfter));
  const text = problemText(texts, error.kind);
  const page = problemPage(frame, { text, sign: problemSign(error.kind), notes, requestId: request.id });
  return sendPage(reply, error.status, page);
}
