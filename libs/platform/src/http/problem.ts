import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { problems, type Problem, type ProblemKind } from '@signet/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isTransient, SignetError } from '../errors.js';
import type { Logger } from '../logging.js';

const kindByStatus: Readonly<Record<number, ProblemKind>> = {
  400: 'unreadable-request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  405: 'method-not-allowed',
  413: 'body-too-large',
  414: 'unreadable-request',
  415: 'unsupported-media-type',
};

/** @returns the failure as something that a caller can be told; a bug or a stranger's error is an `internal-error` */
export function toSignetError(error: unknown): SignetError {
  if (error instanceof SignetError) return error;
  if (isTransient(error)) return new SignetError('unavailable', { cause: error });
  const status = statusOf(error);
  const kind = status === undefined ? undefined : kindByStatus[status];
  return new SignetError(kind ?? 'internal-error', { cause: error, detail: kind && detailOf(error) });
}

/**
 * What Fastify says of a body that it refuses, handed on by Nest or not: its own sentences, without the body. Of a path
 * it repeats what was sent, which may be a secret.
 */
function detailOf(error: unknown): string | undefined {
  const status = statusOf(error);
  if (status === 414) return 'A part of the path is too long';
  const isOfBody = status === 400 || status === 413 || status === 415;
  return isOfBody && error instanceof Error ? error.message : undefined;
}

/** Nest's exceptions, and what Fastify refuses before a handler runs. */
function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  if (error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number') return error.statusCode;
  return undefined;
}

/** RFC 9457; `instance` names the request, never its path, which may be a secret. */
export function toProblem(error: SignetError, requestId: string): Problem {
  const { retryAfter: _header, ...details } = error.details;
  const { status, title } = problems[error.kind];
  return {
    type: `urn:signet:problem:${error.kind}`,
    title,
    status,
    instance: `urn:uuid:${requestId}`,
    requestId,
    ...details,
  };
}

/** What a row of a call with many is refused for: a problem without a request of its own. */
export function toRowProblem(error: SignetError): Omit<Problem, 'instance' | 'requestId'> {
  const { instance: _instance, requestId: _requestId, ...problem } = toProblem(error, '');
  return problem;
}

/** Seconds after which a call to a missing dependency may be tried again. */
const RETRY_AFTER_SECONDS = 2;

/** Whole seconds for `Retry-After` (RFC 9110 §10.2.3); undefined where trying again is no use. */
export function retryAfterOf({ details, status }: SignetError): number | undefined {
  const seconds = details.retryAfter ?? (status === 503 ? RETRY_AFTER_SECONDS : undefined);
  return seconds === undefined ? undefined : Math.ceil(seconds);
}

export function sendProblem(error: SignetError, request: FastifyRequest, reply: FastifyReply): void {
  const retryAfter = retryAfterOf(error);
  if (retryAfter !== undefined) void reply.header('Retry-After', retryAfter);
  if (error.status === 401) void reply.header('WWW-Authenticate', 'Bearer realm="signet"');
  void reply
    .status(error.status)
    .header('Content-Type', 'application/problem+json')
    .header('Cache-Control', 'no-store')
    // Bytes: to a text Fastify would add a charset, which this media type does not have (RFC 9457 §6.1).
    .send(Buffer.from(JSON.stringify(toProblem(error, request.id))));
}

/** Logs what is ours to mend: once, here. */
export function logFailure(logger: Logger, error: SignetError, requestId: string): void {
  if (error.status < 500) return;
  const level = error.status === 503 ? 'warn' : 'error';
  logger[level]({ err: error.cause ?? error, requestId, kind: error.kind }, 'a request failed');
}

/** An error handler of raw routes, which have no filter: logs what is to be logged, and tells the failure in their way. */
export const failWith =
  (logger: Logger, send: (request: FastifyRequest, reply: FastifyReply, error: SignetError) => FastifyReply) =>
  (thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const error = toSignetError(thrown);
    logFailure(logger, error, request.id);
    return send(request, reply, error);
  };

/** The edge at which errors become problem+json. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const error = toSignetError(thrown);
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    logFailure(this.logger, error, request.id);
    if (reply.sent || reply.raw.headersSent) return;
    sendProblem(error, request, reply);
  }
}
