import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DynamicModule, Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { topics } from '@signet/contracts';
import {
  createHttpApp,
  createLogger,
  createMetrics,
  Health,
  KeyRing,
  LmdbEventLog,
  loadConfig,
  ManualClock,
  MemoryCodeState,
  PlatformModule,
  type Logger,
  type Migration,
  type Platform,
} from '@signet/platform';
import { openTestDatabase } from './test-database.js';

/** A log that says nothing; `SIGNET_TEST_LOG=debug` makes it speak. */
export const testLogger = (): Logger =>
  createLogger({ service: 'test', instance: 'test', level: process.env['SIGNET_TEST_LOG'] ?? 'silent' });

export interface TestPlatform extends Platform {
  clock: ManualClock;
  keyRing: KeyRing;
  directory: string;
}

/** A platform on fresh stores, with a clock that the test moves. */
export async function openTestPlatform(
  migrations: readonly Migration[],
  environment: NodeJS.ProcessEnv = {},
): Promise<TestPlatform> {
  const directory = mkdtempSync(join(tmpdir(), 'signet-test-'));
  const database = await openTestDatabase(migrations);
  const logger = testLogger();
  const clock = new ManualClock();
  const eventLog = new LmdbEventLog({ directory: join(directory, 'events'), logger });
  await eventLog.ensureTopics(Object.values(topics));
  const codeState = new MemoryCodeState({ clock });
  return {
    service: 'test',
    config: loadConfig({
      SIGNET_DATA_DIR: directory,
      SIGNET_KEY_REQUESTS_PER_SECOND: '0',
      // The targets of tests are somebody's.
      SIGNET_TARGET_CHECK_INTERVAL_HOURS: '0',
      ...environment,
    }),
    logger,
    clock,
    metrics: createMetrics('test'),
    health: new Health(),
    dataSource: database.dataSource,
    eventLog,
    codeState,
    keyRing: new KeyRing(KeyRing.generate()),
    directory,
    async close() {
      await eventLog.close();
      await codeState.close();
      await database.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The modules as a service would serve them; use `app.inject(...)`. */
export async function createTestApp(
  platform: Platform,
  imports: (Type | DynamicModule)[],
): Promise<NestFastifyApplication> {
  class TestModule {}
  const app = await createHttpApp({ module: TestModule, imports: [PlatformModule.of(platform), ...imports] }, platform);
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  return app;
}
