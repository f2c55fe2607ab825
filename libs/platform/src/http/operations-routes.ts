import { BlockList, isIPv6 } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { SignetConfig } from '../config.js';
import { SignetError } from '../errors.js';
import type { Health } from '../health.js';
import type { Registry } from '../metrics.js';
import { sendProblem, toSignetError } from './problem.js';

export interface OperationsRoutes {
  config: SignetConfig;
  health: Pick<Health, 'report'>;
  metrics: Pick<Registry, 'metrics' | 'contentType'>;
  /** Whether this request carries an admin key; absent where a service knows no keys. */
  isAdmin?: (request: FastifyRequest) => Promise<boolean>;
}

function allowList(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  list.addSubnet('127.0.0.0', 8, 'ipv4');
  list.addAddress('::1', 'ipv6');
  for (const cidr of cidrs) {
    const [address = '', bits] = cidr.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    list.addSubnet(address, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family);
  }
  return list;
}

/** `/healthz` (alive), `/readyz` (can do its job; names what is missing) and `/metrics` (loopback, or an admin key). */
export function registerOperationsRoutes(
  fastify: FastifyInstance,
  { config, health, metrics, isAdmin }: OperationsRoutes,
): void {
  const allowed = allowList(config.values.SIGNET_METRICS_ALLOW);
  const mayReadMetrics = async (request: FastifyRequest): Promise<boolean> => {
    const address = request.ip.replace(/^::ffff:/, '');
    if (allowed.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')) return true;
    return (await isAdmin?.(request)) ?? false;
  };

  fastify.get('/healthz', { logLevel: 'silent' }, () => ({ status: 'alive' }));

  fastify.get('/readyz', { logLevel: 'silent' }, async (_request, reply) => {
    const { ready, missing, degraded } = await health.report();
    void reply.status(ready ? 200 : 503).header('Cache-Control', 'no-store');
    if (!ready) void reply.header('Retry-After', 2);
    return { status: ready ? 'ready' : 'not-ready', missing, degraded };
  });

  fastify.get('/metrics', { logLevel: 'silent' }, async (request, reply) => {
    try {
      if (!(await mayReadMetrics(request)))
        throw new SignetError('forbidden', { detail: 'Metrics are for loopback and admin keys' });
      void reply.header('Content-Type', metrics.contentType);
      return await metrics.metrics();
    } catch (error) {
      sendProblem(toSignetError(error), request, reply);
      return reply;
    }
  });
}
