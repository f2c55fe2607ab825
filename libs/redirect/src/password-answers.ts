import type { PageBrand, ProblemKind } from '@signet/contracts';
import { passwordPage } from '@signet/pages';
import { sendProblem, SignetError } from '@signet/platform';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { prefersJson } from './accept.js';
import { frameFor, HEADERS, sendPage } from './answers.js';

export type PasswordFailure = Extract<ProblemKind, 'password-required' | 'wrong-password'>;

export interface PasswordQuestion {
  slug: string;
  /** Of a limited code. */
  nonce: string | undefined;
  /** Of an answer to the question; absent: it is being asked. */
  failure: PasswordFailure | undefined;
  brand: PageBrand | undefined;
}

/** Asks for the password of a code, or says that it was wrong. It tells nothing of where the code leads. */
export function sendPasswordPage(
  request: FastifyRequest,
  reply: FastifyReply,
  { slug, nonce, failure, brand }: PasswordQuestion,
): FastifyReply {
  if (!prefersJson(request.headers.accept)) {
    const page = passwordPage(frameFor(request, brand), { slug, nonce, isWrong: failure === 'wrong-password' });
    return sendPage(reply, failure === undefined ? 200 : 403, page);
  }
  void reply.headers(HEADERS);
  const detail = failure === 'wrong-password' ? undefined : 'POST it as `password` to the /claim of this address';
  sendProblem(new SignetError(failure ?? 'password-required', { detail }), request, reply);
  return reply;
}
