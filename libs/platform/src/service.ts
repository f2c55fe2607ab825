import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { DynamicModule, Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { topics } from '@signet/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from './backoff.js';
import { ConfigError, loadConfig, type RequiredVariable, type SignetConfig } from './config.js';
import { createHttpApp } from './http/http-app.js';
import { registerDocsRoutes } from './http/docs-routes.js';
import { registerOperationsRoutes } from './http/operations-routes.js';
import { openPlatform, type Platform, type PlatformOptions } from './platform.js';
import type { WorkerLink } from './workers/worker-link.js';

/** sysexits.h EX_CONFIG: the supervisor need not try again. */
const EXIT_CONFIG = 78;
/** How long a start waits for the topics; with Kafka down it goes on without them. */
const TOPICS_GRACE_MILLISECONDS = 1000;
/** Longer than a request takes from a client or proxy that has not heard of the stop yet. */
const IDLE_GRACE_MS = 500;

export interface ServiceOptions extends Omit<PlatformOptions, 'onFatal'> {
  defaultPort: number;
  required?: readonly RequiredVariable[];
  /** Serves `/docs` and the documents. */
  docs?: boolean;
  module: (platform: Platform) => Type | DynamicModule;
  /** Whether a request carries an admin key, for `/metrics` from elsewhere than loopback. */
  isAdmin?: (app: NestFastifyApplication) => (request: FastifyRequest) => Promise<boolean>;
  /** Message transports to start beside HTTP. */
  connect?: (app: NestFastifyApplication, platform: Platform) => void;
  onReady?: (app: NestFastifyApplication, platform: Platform) => Promise<void>;
  /** Of a worker: its port is answered for all of them. */
  link?: WorkerLink;
}

export interface RunningService {
  app: NestFastifyApplication;
  platform: Platform;
  /** Stop accepting, finish what is in hand, flush, leave the groups, close the stores. */
  stop(): Promise<void>;
}

/** Opens the platform, composes the service and listens. */
export async function startService(
  config: SignetConfig,
  options: ServiceOptions,
  onFatal: (error: Error) => void,
): Promise<RunningService> {
  const platform = await openPlatform(config, { ...options, onFatal });
  const stopping = new AbortController();
  const topicsThere = ensureTopics(platform, stopping.signal);
  let app: NestFastifyApplication | undefined;
  let beginDrain: (() => void) | undefined;
  const stop = async (): Promise<void> => {
    platform.health.beginShutdown();
    stopping.abort();
    beginDrain?.();
    await app?.close();
    await platform.close();
  };
  try {
    await Promise.race([topicsThere, sleep(TOPICS_GRACE_MILLISECONDS, undefined, { ref: false })]);
    app = await createHttpApp(options.module(platform), platform);
    beginDrain = graceForIdle(app.getHttpServer());
    const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
    registerOperationsRoutes(fastify, {
      ...platform,
      ...options.link?.join(platform),
      isAdmin: options.isAdmin?.(app),
    });
    if (options.docs) registerDocsRoutes(fastify, config.publicUrl);
    options.connect?.(app, platform);
    await app.init();
    await listen(fastify, config);
    // After it, so that no batch comes before the modules are ready; returns at once also while Kafka is away.
    await app.startAllMicroservices();
    await options.onReady?.(app, platform);
    platform.logger.info(
      { port: config.port, host: config.values.SIGNET_HOST, startMs: Math.round(performance.now()) },
      'ready',
    );
    return { app, platform, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** @throws Error that says what to do when the port is taken */
async function listen(fastify: FastifyInstance, { port, values }: SignetConfig): Promise<void> {
  try {
    await fastify.listen({ port, host: values.SIGNET_HOST });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    throw new Error(`Port ${port} of ${values.SIGNET_HOST} is in use; choose another PORT`, { cause: error });
  }
}

/** Resolves when every topic exists, or at the stop; tries again while Kafka is away. */
async function ensureTopics({ eventLog, logger }: Platform, stopping: AbortSignal): Promise<void> {
  const backoff = new Backoff({ minMilliseconds: 250, maxMilliseconds: 10_000 });
  stopping.addEventListener('abort', () => backoff.wake());
  while (!stopping.aborted) {
    try {
      await eventLog.ensureTopics(Object.values(topics));
      return;
    } catch (error) {
      if (stopping.aborted) return;
      logger.warn({ err: error }, 'the topics could not be created; trying again');
      await backoff.sleepAfterFailure();
    }
  }
}

/** Emitted by a server when the stop begins: each answer from now on ends its connection. */
export const DRAINING = 'signet:draining';
/** Emitted on a server, with the socket, by whoever reads a connection's first request in place of Node's parser. */
export const FIRST_REQUEST = 'signet:first-request';

/**
 * Keeps the stop from ending connections on which a request may be on its way: idle ones, and those that have never
 * carried one (browsers open them before they need them; to Node they are neither idle nor busy). They have
 * `IDLE_GRACE_MS` to be used once more, and end with the answer.
 * @returns called when the stop begins
 */
function graceForIdle(server: Server): () => void {
  const unused = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  server.on('request', ({ socket }: IncomingMessage) => unused.delete(socket));
  server.on(FIRST_REQUEST, (socket: Socket) => unused.delete(socket));
  return () => {
    server.emit(DRAINING);
    // Node's `close` calls it at once.
    const closeIdle = server.closeIdleConnections.bind(server);
    server.closeIdleConnections = () => undefined;
    server.prependListener('request', (_request: IncomingMessage, response: ServerResponse) => {
      response.shouldKeepAlive = false;
    });
    setTimeout(() => {
      closeIdle();
      unused.forEach((socket) => socket.destroy());
    }, IDLE_GRACE_MS);
  };
}

/** Reads the environment or ends the process with every error at once (exit 78). */
export function configOrExit(
  required: readonly RequiredVariable[],
  defaults: Record<string, string>,
  { workers }: { workers?: boolean } = {},
): SignetConfig {
  try {
    return loadConfig(process.env, { required, defaults, workers });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT_CONFIG);
  }
}

/** The main of a service's process: signals, exit codes, and nothing else. */
export async function runService(config: SignetConfig, options: ServiceOptions): Promise<void> {
  let running: RunningService | undefined;
  let ending = false;
  const end = async (exitCode: number): Promise<void> => {
    if (ending) return;
    ending = true;
    setTimeout(() => process.exit(exitCode || 1), config.values.SIGNET_SHUTDOWN_SECONDS * 1000).unref();
    try {
      await running?.stop();
    } catch (error) {
      running?.platform.logger.error({ err: error }, 'the stop did not finish cleanly');
      process.exit(exitCode || 1);
    }
    process.exit(exitCode);
  };
  const onFatal = (error: Error): void => {
    if (running) running.platform.logger.fatal({ err: error }, 'cannot go on');
    else process.stderr.write(`${error.message}\n`);
    void end(1);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void end(0));
  process.on('uncaughtException', onFatal);
  process.on('unhandledRejection', (reason) => onFatal(reason instanceof Error ? reason : new Error(String(reason))));
  try {
    running = await startService(config, options, onFatal);
  } catch (error) {
    onFatal(error instanceof Error ? error : new Error(String(error)));
  }
}
