import { createHmac, timingSafeEqual } from 'node:crypto';
import { parseCookie, stringifySetCookie } from 'cookie';
import type { FastifyRequest } from 'fastify';

const COOKIE = 'signet-enrollment';
/** The claim, ten minutes for the code, ten for the recovery codes, and time to read the last page. */
const SESSION_SECONDS = 1800;

/** Everything of an enrollment is at one address, which is also the path of its cookie: no other one sees it. */
export const pathOf = (slug: string): string => `/enroll/${encodeURIComponent(slug)}`;

/** The session of the browser that claimed: the claim's own token, of which the database has the hash. */
export const sessionCookie = (claimToken: string, { path, isSecure }: { path: string; isSecure: boolean }): string =>
  stringifySetCookie({
    name: COOKIE,
    value: claimToken,
    path,
    maxAge: SESSION_SECONDS,
    httpOnly: true,
    // Not strict: people come back by scanning the code again, from an app that is no site of ours.
    sameSite: 'lax',
    secure: isSecure,
  });

export const claimTokenOf = ({ headers }: FastifyRequest): string | undefined =>
  parseCookie(headers.cookie ?? '')[COOKIE];

/** Proves that a form was on a page of this session: another site can send one, and cannot read ours. */
export const formTokenOf = (claimToken: string): string =>
  createHmac('sha256', claimToken).update('enrollment form').digest('base64url');

export function isFormOf(claimToken: string, given: string): boolean {
  const [own, other] = [Buffer.from(formTokenOf(claimToken)), Buffer.from(given)];
  return own.length === other.length && timingSafeEqual(own, other);
}

/**
 * Whether a page of this origin sent the form. Pages say `no-referrer`, so their forms have a null `Origin`, as those of
 * sandboxed frames have, which `Sec-Fetch-Site` tells apart where the browser sends it.
 */
export function isOwnForm({ headers, host }: FastifyRequest): boolean {
  const { origin, 'sec-fetch-site': site } = headers;
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  if (origin === undefined || origin === 'null') return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}
