import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { Backoff } from './backoff.js';
import { SystemClock, type Clock } from './clock.js';
import type { CodeState } from './code-state/code-state.js';
import { MemoryCodeState } from './code-state/memory-code-state.js';
import { RedisCodeState } from './code-state/redis-code-state.js';
import type { SignetConfig } from './config.js';
import { createDataSource, type DatabaseAddress, type DatabaseRole } from './database/database.js';
import { startEmbeddedPostgres, type EmbeddedPostgres } from './database/embedded-postgres.js';
import { pendingMigrations, runMigrations, type Migration } from './database/migrations.js';
import { platformMigrations } from './database/platform.migrations.js';
import { lockDirectory } from './directory-lock.js';
import { isTransient } from './errors.js';
import type { EventLog } from './event-log/event-log.js';
import { KafkaEventLog } from './event-log/kafka-event-log.js';
import { LmdbEventLog } from './event-log/lmdb-event-log.js';
import { Health } from './health.js';
import { KeyRing } from './key-ring.js';
import { createLogger, type Logger } from './logging.js';
import { createMetrics, type Registry } from './metrics.js';

/** What a process of Signet stands on; opened before Nest and closed after it. */
export interface Platform {
  service: string;
  config: SignetConfig;
  logger: Logger;
  clock: Clock;
  metrics: Registry;
  health: Health;
  dataSource: DataSource;
  eventLog: EventLog;
  codeState: CodeState;
  /** Absent in a service that may open no secret. */
  keyRing?: KeyRing;
  close(): Promise<void>;
}

export interface PlatformOptions {
  service: string;
  migrations: readonly Migration[];
  /** Absent: as the user who connects (migrations, the run in one process). */
  role?: DatabaseRole;
  keyRing: boolean;
  /** Ready also without PostgreSQL, as long as `CodeState` answers. */
  servesFromCodeState?: boolean;
  /** A failure after which this process cannot go on; its supervisor starts it again. */
  onFatal: (error: Error) => void;
}

/**
 * Opens the stores: those named by DATABASE_URL, REDIS_URL and KAFKA_BROKERS, and the embedded ones for what is absent.
 * Waits for a database that is not up yet, so that services may start in any order.
 */
export async function openPlatform(config: SignetConfig, options: PlatformOptions): Promise<Platform> {
  const { values } = config;
  const logger = createLogger({
    service: options.service,
    instance: values.SIGNET_INSTANCE,
    level: values.SIGNET_LOG_LEVEL,
  });
  const clock = new SystemClock();
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.toReversed()) await closer();
  };
  try {
    if (!values.DATABASE_URL || !values.KAFKA_BROKERS) {
      mkdirSync(values.SIGNET_DATA_DIR, { recursive: true, mode: 0o700 });
      closers.push(await lockDirectory(values.SIGNET_DATA_DIR));
    }
    const dataSource = await openDatabase(config, options, logger, closers);
    const eventLog = openEventLog(config, options, logger);
    closers.push(() => eventLog.close());
    const codeState = values.REDIS_URL
      ? new RedisCodeState({ url: values.REDIS_URL.reveal(), logger })
      : new MemoryCodeState({ clock });
    closers.push(() => codeState.close());
    const keyRing =
      options.keyRing && values.SIGNET_MASTER_KEYS ? new KeyRing(values.SIGNET_MASTER_KEYS.reveal()) : undefined;
    const health = new Health();
    const askDatabase = (): Promise<void> => dataSource.query('SELECT 1').then(() => undefined);
    health.prefer('event-log', () => eventLog.ping());
    if (options.servesFromCodeState)
      health.requireAnyOf({ postgresql: askDatabase, 'code-state': () => codeState.ping() });
    else {
      health.require('postgresql', askDatabase);
      health.prefer('code-state', () => codeState.ping());
    }
    return {
      service: options.service,
      config,
      logger,
      clock,
      metrics: createMetrics(options.service, config.worker),
      health,
      dataSource,
      eventLog,
      codeState,
      keyRing,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openDatabase(
  config: SignetConfig,
  options: PlatformOptions,
  logger: Logger,
  closers: (() => Promise<void>)[],
): Promise<DataSource> {
  const { DATABASE_URL, SIGNET_DATA_DIR, SIGNET_INSTANCE, SIGNET_MIGRATE_ON_START } = config.values;
  const migrations = [...platformMigrations, ...options.migrations];
  const applicationName = `signet-${options.service}-${SIGNET_INSTANCE}`.slice(0, 63);
  const address = DATABASE_URL
    ? { url: DATABASE_URL.reveal() }
    : await embedded(join(SIGNET_DATA_DIR, 'postgres'), closers);
  if (SIGNET_MIGRATE_ON_START) {
    const owner = await connect(createDataSource({ address, migrations, applicationName, poolSize: 1 }), logger);
    const ran = await runMigrations(owner);
    if (ran.length > 0) logger.info({ migrations: ran }, 'migrated');
    await owner.destroy();
  }
  const role = DATABASE_URL ? options.role : undefined;
  const dataSource = await connect(createDataSource({ address, migrations, role, applicationName }), logger);
  closers.push(() => dataSource.destroy());
  const pending = await pendingMigrations(dataSource);
  if (pending.length > 0) throw new Error(`The database lacks ${pending.join(', ')}: run \`signet migrate\``);
  return dataSource;
}

async function embedded(directory: string, closers: (() => Promise<void>)[]): Promise<DatabaseAddress> {
  const server: EmbeddedPostgres = await startEmbeddedPostgres(directory);
  closers.push(() => server.stop());
  return { socketDirectory: server.socketDirectory };
}

async function connect(dataSource: DataSource, logger: Logger): Promise<DataSource> {
  const backoff = new Backoff({ minMilliseconds: 250, maxMilliseconds: 5000 });
  for (;;) {
    try {
      return await dataSource.initialize();
    } catch (error) {
      if (!isTransient(error)) throw error;
      logger.warn({ err: error }, 'waiting for PostgreSQL');
      await backoff.sleepAfterFailure();
    }
  }
}

function openEventLog(config: SignetConfig, { service, onFatal }: PlatformOptions, logger: Logger): EventLog {
  const { KAFKA_BROKERS, SIGNET_DATA_DIR, SIGNET_INSTANCE, SIGNET_KAFKA_REPLICATION } = config.values;
  if (!KAFKA_BROKERS) return new LmdbEventLog({ directory: join(SIGNET_DATA_DIR, 'events'), logger });
  return new KafkaEventLog({
    brokers: KAFKA_BROKERS,
    clientId: `signet-${service}-${SIGNET_INSTANCE}`,
    replicationFactor: SIGNET_KAFKA_REPLICATION,
    logger,
    onCrash: onFatal,
  });
}
