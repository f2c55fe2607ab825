import {
  applyDecorators,
  createParamDecorator,
  HttpCode,
  RequestMapping,
  RequestMethod,
  SetMetadata,
  type ExecutionContext,
} from '@nestjs/common';
import { operations, type OperationName, type OperationSpec } from '@signet/contracts';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { SignetError } from '../errors.js';

const OPERATION = 'signet:operation';

/** Binds a controller's method to its call of the HTTP contract: route, status, scope and schemas come from there. */
export function Operation(name: OperationName): MethodDecorator {
  const spec: OperationSpec = operations[name];
  return applyDecorators(
    RequestMapping({ method: RequestMethod[spec.method], path: spec.path.replaceAll(/\{(\w+)\}/g, ':$1') }),
    HttpCode(spec.status),
    SetMetadata(OPERATION, name),
  );
}

/** @returns the contract of the method that handles this request; undefined for a method that is not an operation */
export function operationOf(context: ExecutionContext): OperationSpec | undefined {
  const name: OperationName | undefined = Reflect.getMetadata(OPERATION, context.getHandler());
  return name && operations[name];
}

/**
 * The request's params, query and body, parsed by the operation's schemas: `InputOf<'createCode'>`.
 * @throws SignetError `invalid-request` naming every field that is wrong; `not-found` for an id that cannot be one
 */
export const Input = createParamDecorator((_data: unknown, context: ExecutionContext) => {
  const spec = operationOf(context);
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const params = spec?.params?.safeParse(request.params);
  if (params && !params.success) throw new SignetError('not-found');
  return {
    params: params?.data,
    query: spec?.query && parse(spec.query, request.query, 'query'),
    body: spec?.body && parse(spec.body, request.body ?? {}, 'body'),
  };
});

/** @throws SignetError `invalid-request` with the path of each error, below `prefix` */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown, prefix?: string): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const root = prefix && prefix !== 'body' ? [prefix] : [];
  const errors = parsed.error.issues.flatMap((issue) => fieldErrors(issue, root));
  const detail = errors.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ');
  throw new SignetError('invalid-request', { detail: detail.slice(0, 1000), errors });
}

function fieldErrors(issue: z.core.$ZodIssue, root: readonly string[]): { path: string; message: string }[] {
  const at = (...path: PropertyKey[]): string => [...root, ...path].map(String).join('.');
  if (issue.code !== 'unrecognized_keys') return [{ path: at(...issue.path), message: issue.message }];
  return issue.keys.map((key) => ({ path: at(...issue.path, key), message: 'is not a field of this request' }));
}
