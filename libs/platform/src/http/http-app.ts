import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { fastify, type FastifyInstance } from 'fastify';
import { newId } from '../ids.js';
import { NestLog } from '../logging.js';
import { requestDuration } from '../metrics.js';
import type { Platform } from '../platform.js';
import { ProblemFilter, sendProblem, toSignetError } from './problem.js';

const BODY_LIMIT = 1024 * 1024;

/**
 * A Nest application on Fastify with what every service's edge has: problem+json, request ids, one log line a
 * request, metrics, a body limit of 1 MB, and JSON as the only content type (a module may register another for its own
 * routes).
 */
export async function createHttpApp(module: Type | DynamicModule, platform: Platform): Promise<NestFastifyApplication> {
  const instance = createFastify(platform);
  const app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(instance), {
    logger: new NestLog(platform.logger),
    abortOnError: false,
    bodyParser: false,
  });
  app.useGlobalFilters(new ProblemFilter(platform.logger));
  return app;
}

function createFastify({ config, logger, metrics }: Platform): FastifyInstance {
  const proxies = config.values.SIGNET_TRUSTED_PROXIES;
  const instance = fastify({
    bodyLimit: BODY_LIMIT,
    trustProxy: proxies.length > 0 ? proxies : false,
    genReqId: newId,
    requestIdHeader: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 1000 },
    requestTimeout: 60_000,
    // What is wrong before any route is found, such as a path that cannot be decoded.
    frameworkErrors: (error, request, reply) => sendProblem(toSignetError(error), request, reply),
  });
  instance.removeAllContentTypeParsers();
  const parseJson = instance.getDefaultJsonParser('error', 'error');
  instance.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    // Many clients name the type also where a call has no body; one that needs it says what is missing.
    if (body === '') done(null, undefined);
    else void parseJson(request, body, done);
  });

  const duration = requestDuration(metrics);
  instance.addHook('onRequest', (request, reply, done) => {
    void reply.header('X-Request-Id', request.id);
    done();
  });
  instance.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unmatched';
    const labels = { method: request.method, route, status: String(reply.statusCode) };
    duration.observe(labels, reply.elapsedTime / 1000);
    if (request.routeOptions.logLevel !== 'silent')
      logger.info(
        { requestId: request.id, ...labels, status: reply.statusCode, ms: Math.round(reply.elapsedTime * 10) / 10 },
        'request',
      );
    done();
  });
  return instance;
}
