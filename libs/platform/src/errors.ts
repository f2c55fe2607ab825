import { problems, type Problem, type ProblemKind } from '@signet/contracts';

type ProblemDetails = Pick<
  Problem,
  'detail' | 'errors' | 'attemptsLeft' | 'clockOffSeconds' | 'ignoredParameters' | 'limit' | 'used'
> & {
  /** Seconds; becomes the `Retry-After` header. */
  retryAfter?: number;
  cause?: unknown;
};

/**
 * A failure that a caller can be told about. Thrown anywhere inside; becomes problem+json (RFC 9457) only at the
 * HTTP edge. `kind` decides status and title (`problems` in libs/contracts).
 */
export class SignetError extends Error {
  readonly status: number;
  readonly details: Omit<ProblemDetails, 'cause'>;

  constructor(
    readonly kind: ProblemKind,
    { cause, ...details }: ProblemDetails = {},
  ) {
    super(details.detail ?? problems[kind].title, { cause });
    this.name = 'SignetError';
    this.status = problems[kind].status;
    this.details = details;
  }
}

/** Of Node or of PostgreSQL, also where TypeORM has wrapped it. */
function codeOf(error: unknown): string {
  const cause = error instanceof Error && 'driverError' in error ? error.driverError : error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : '';
}

/** Whether PostgreSQL ended a transaction because it and others waited for each other. */
export const isDeadlock = (error: unknown): boolean => codeOf(error) === '40P01';

/** Whether a failure may pass when the same call is made again later (a dependency is down). */
export function isTransient(error: unknown): boolean {
  if (error instanceof SignetError) return error.status === 503;
  if (!(error instanceof Error)) return false;
  const code = codeOf(error);
  // Node's socket errors; PostgreSQL classes 08 connection, 40 rollback, 53 resources, 57 operator intervention.
  if (/^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOTFOUND|EAI_|ENOENT$)/.test(code) || /^(08|40|53|57)...$/.test(code))
    return true;
  // pg says "Query read timeout" of a server that takes queries and answers none.
  return /connection (terminated|closed|ended)|timeout (exceeded|expired)|read timeout|Connection is closed/i.test(
    error.message,
  );
}
