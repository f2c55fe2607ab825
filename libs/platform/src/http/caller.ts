import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Scope } from '@signet/contracts';
import type { FastifyRequest } from 'fastify';
import { SignetError } from '../errors.js';

/** Who makes a request, as the API-key guard found out. */
export interface Caller {
  workspaceId: string;
  keyId: string;
  scopes: readonly Scope[];
  /** As history and audit name it: `key:<id>`. */
  actor: string;
  requestId: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    caller?: Caller;
  }
}

/** The caller of a method whose operation needs a key. */
export const CurrentCaller = createParamDecorator((_data: unknown, context: ExecutionContext): Caller => {
  const { caller } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!caller) throw new SignetError('unauthenticated');
  return caller;
});
