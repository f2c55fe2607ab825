import type { FastifyInstance } from 'fastify';
import { SignetError } from '../errors.js';

/** The routes of an instance that take a type as a stream, as `POST /path`. */
const routesByType = new WeakMap<FastifyInstance, Map<string, Set<string>>>();

/**
 * Lets a route take bodies of these types as they arrive and of any length: its handler finds a `Readable` in
 * `request.body`. To every other route they stay unsupported.
 * @param route as `POST /v1/subjects/import`
 * @param types `*`: whatever has no parser of its own, as JSON has
 */
export function streamBodies(fastify: FastifyInstance, route: string, types: readonly string[]): void {
  const known = routesByType.get(fastify) ?? new Map<string, Set<string>>();
  routesByType.set(fastify, known);
  for (const type of types) {
    const routes = known.get(type) ?? new Set<string>();
    if (!known.has(type))
      fastify.addContentTypeParser(type, (request, payload, done) => {
        const asked = `${request.method} ${request.routeOptions.url}`;
        if (routes.has(asked) || known.get('*')?.has(asked)) done(null, payload);
        else done(new SignetError('unsupported-media-type', { detail: 'This call does not take such a body' }));
      });
    known.set(type, routes.add(route));
  }
}
