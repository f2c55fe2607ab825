import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { fastify, type FastifyInstance } from 'fastify';
import { SignetError } from '../errors.js';
import { newId } from '../ids.js';
import { NestLog } from '../logging.js';
import { requestDuration } from '../metrics.js';
import type { Platform } from '../platform.js';
import { ProblemFilter, sendProblem, toSignetError } from './problem.js';

const BODY_LIMIT = 1024 * 1024;
/** Of request line and headers together; Node answers 431. Room for a URL of 8 KB and a proxy's cookies. */
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_URL_LENGTH = 8 * 1024;
const URL_TOO_LONG = `The path with its query is longer than ${MAX_URL_LENGTH} characters`;
/** Whoever sends a header byte by byte holds a connection so long; Node then answers 408. */
const HEADERS_TIMEOUT_MS = 10_000;

/** Answers some requests before Fastify sees them: for paths so hot that routing and hooks are most of their time. */
export interface Interception {
  /** As the metrics name it. */
  route: string;
  /**
   * @returns undefined to leave the request to Fastify; else a promise that resolves when it was answered. When it
   * rejects, the connection is closed without an answer.
   */
  intercept: (request: IncomingMessage, response: ServerResponse) => Promise<void> | undefined;
}

interface Exchange {
  route: string;
  request: IncomingMessage;
  response: ServerResponse;
  startedAt: number;
}

declare module 'fastify' {
  interface FastifyInstance {
    /** For what comes over the network: `inject` goes to the routes. */
    interceptRequests(interception: Interception): void;
  }
}

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
    // Of a whole request: a file of 100 MB comes over 1.5 Mbit/s.
    requestTimeout: 10 * 60_000,
    http: { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: 1000 },
    // A connection that is still there when the stop begins has its request answered, and not 503.
    return503OnClosing: false,
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
    const tooLong = request.url.length > MAX_URL_LENGTH;
    done(tooLong ? new SignetError('unreadable-request', { detail: URL_TOO_LONG }) : undefined);
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
  const conclude = async (
    answered: Promise<void>,
    { route, request, response, startedAt }: Exchange,
  ): Promise<void> => {
    try {
      await answered;
    } catch {
      response.destroy();
      return;
    }
    const labels = { method: request.method, route, status: String(response.statusCode) };
    duration.observe(labels, (performance.now() - startedAt) / 1000);
  };
  instance.decorate('interceptRequests', ({ route, intercept }: Interception) => {
    const { server } = instance;
    const listeners = server.listeners('request');
    server.removeAllListeners('request');
    server.on('request', (request, response) => {
      const startedAt = performance.now();
      const answered = intercept(request, response);
      if (answered) void conclude(answered, { route, request, response, startedAt });
      else for (const listener of listeners) Reflect.apply(listener, server, [request, response]);
    });
  });
  return instance;
}
