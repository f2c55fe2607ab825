import type { CodeSnapshot } from '@signet/contracts';
import { sendProblem, SignetError } from '@signet/platform';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { prefersJson } from './accept.js';
import { chooseLanguage, languages, writeTime } from './pages/languages.js';
import { claimPage, CONTENT_SECURITY_POLICY, problemPage, type ClaimPage } from './pages/page.js';
import { problemText, type Texts } from './pages/texts.js';

export const HEADERS = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-robots-tag': 'noindex',
  'x-content-type-options': 'nosniff',
};
/** When nobody could decide: dependencies are back in seconds, or not soon. */
const RETRY_AFTER_SECONDS = 2;

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

const textsFor = ({ headers }: FastifyRequest): Texts => languages[chooseLanguage(headers['accept-language'])];

interface Page {
  status: number;
  texts: Texts;
  html: string;
}

const sendPage = (reply: FastifyReply, { status, texts, html }: Page): FastifyReply =>
  reply
    .code(status)
    .headers(HEADERS)
    .header('content-type', 'text/html; charset=utf-8')
    .header('content-language', texts.language)
    .header('vary', 'Accept, Accept-Language')
    .header('content-security-policy', CONTENT_SECURITY_POLICY)
    .send(html);

/** The interstitial; a program that prefers JSON learns where to claim, and with which nonce. */
export function sendClaimPage(request: FastifyRequest, reply: FastifyReply, claim: ClaimPage): FastifyReply {
  if (!prefersJson(request.headers.accept)) {
    const texts = textsFor(request);
    return sendPage(reply, { status: 200, texts, html: claimPage(texts, claim) });
  }
  const body = { status: 'claim-required', claimUrl: `/${encodeURIComponent(claim.slug)}/claim`, nonce: claim.nonce };
  return reply.code(200).headers(HEADERS).send(body);
}

export interface Refusal {
  error: SignetError;
  /** When a code that is not active yet becomes so. */
  activeFrom?: CodeSnapshot['activeFrom'];
}

/** The failure as a page that says what to do, or as problem+json. */
export function sendRefusal(
  request: FastifyRequest,
  reply: FastifyReply,
  { error, activeFrom }: Refusal,
): FastifyReply {
  if (prefersJson(request.headers.accept)) {
    void reply.headers(HEADERS);
    sendProblem(error, request, reply);
    return reply;
  }
  const retryAfter = error.details.retryAfter ?? (error.status === 503 ? RETRY_AFTER_SECONDS : undefined);
  if (retryAfter !== undefined) void reply.header('retry-after', Math.ceil(retryAfter));
  const texts = textsFor(request);
  const notes = activeFrom === undefined ? [] : [texts.activeFrom(writeTime(texts, activeFrom))];
  if (error.status === 429 && retryAfter !== undefined) notes.push(texts.retryAfter(Math.ceil(retryAfter)));
  const html = problemPage(texts, { text: problemText(texts, error.kind), notes, requestId: request.id });
  return sendPage(reply, { status: error.status, texts, html });
}
