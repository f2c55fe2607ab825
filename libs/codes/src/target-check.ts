import type { TargetCheck } from '@signet/contracts';
import { OutgoingError, version, type Certificate, type HttpClient, type OutgoingAnswer } from '@signet/platform';
import type { UrlAt } from './target-safety.js';

const MAX_REDIRECTS = 5;
/** For one target with all its redirects. */
const TARGET_MILLISECONDS = 15_000;
const DAY_MILLISECONDS = 86_400_000;
const HEADERS = { 'user-agent': `Signet/${version} (target check)`, accept: 'text/html,*/*;q=0.8' };
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** A server that says so is there; it would only rather not talk to a program. */
const UNWELCOMING: ReadonlySet<number> = new Set([401, 403, 405, 406, 429]);

type Problem = NonNullable<TargetCheck['problem']>;
interface Walk {
  client: HttpClient;
  signal: AbortSignal;
  at: Date;
}
interface Seen {
  /** Of the server that was asked last. */
  answer?: OutgoingAnswer;
  certificate?: Certificate;
  finalUrl: string | null;
  redirects: number;
  problem?: Problem;
}

/**
 * Calls a target as a browser would, up to five redirects far, each of which is guarded like the first (security.md §6).
 * Nothing is read of what it shows.
 * @param walk `at`: the day from which `daysLeft` counts
 */
export async function checkTarget({ path, url }: UrlAt, walk: Walk): Promise<TargetCheck> {
  const startedAt = performance.now();
  const { answer, certificate, finalUrl, redirects, problem } = await follow(url, walk);
  return {
    path,
    url,
    healthy: problem === undefined,
    reachable: problem === undefined || problem === 'status',
    status: answer?.status ?? null,
    finalUrl,
    redirects,
    certificate: certificate === undefined ? null : describe(certificate, walk.at),
    milliseconds: Math.round(performance.now() - startedAt),
    problem: problem ?? null,
  };
}

async function follow(first: string, { client, signal }: Walk): Promise<Seen> {
  const endsAt = performance.now() + TARGET_MILLISECONDS;
  const seen: Seen = { finalUrl: null, redirects: 0 };
  let url = first;
  for (;;) {
    try {
      const timeoutMilliseconds = Math.max(1, Math.ceil(endsAt - performance.now()));
      seen.answer = await client.send({ url, headers: HEADERS, timeoutMilliseconds, signal });
      seen.certificate = seen.answer.certificate;
    } catch (error) {
      if (!(error instanceof OutgoingError)) throw error;
      return { ...seen, answer: undefined, certificate: error.certificate, problem: error.reason };
    }
    const { status, headers } = seen.answer;
    if (!REDIRECTS.has(status) || headers.location === undefined) {
      const isWell = status < 400 || UNWELCOMING.has(status);
      return { ...seen, finalUrl: url, ...(!isWell && { problem: 'status' }) };
    }
    const next = URL.canParse(headers.location, url) ? new URL(headers.location, url) : undefined;
    if (next === undefined || !/^https?:$/.test(next.protocol)) return { ...seen, problem: 'redirect-refused' };
    if (seen.redirects === MAX_REDIRECTS) return { ...seen, problem: 'too-many-redirects' };
    seen.redirects += 1;
    url = next.href;
  }
}

const describe = (
  { valid, problem, issuer, expiresAt }: Certificate,
  at: Date,
): NonNullable<TargetCheck['certificate']> => ({
  valid,
  ...(problem !== undefined && { problem }),
  issuer,
  expiresAt,
  daysLeft: Math.floor((Date.parse(expiresAt) - at.getTime()) / DAY_MILLISECONDS) || 0,
});
