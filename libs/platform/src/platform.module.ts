import { Module, type DynamicModule } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Clock } from './clock.js';
import { CodeState } from './code-state/code-state.js';
import { SignetConfig } from './config.js';
import { EventLog } from './event-log/event-log.js';
import { Health } from './health.js';
import { KeyRing } from './key-ring.js';
import { OutboxRelay } from './outbox/outbox-relay.js';
import type { Platform } from './platform.js';
import { Registry } from './metrics.js';

/** Token of the pino logger, which is an interface and so cannot be its own. */
export const LOGGER = Symbol('logger');

/** Hands the opened platform to every module of the process. */
@Module({})
export class PlatformModule {
  static of(platform: Platform): DynamicModule {
    const { config, logger, clock, metrics, health, dataSource, eventLog, codeState, keyRing } = platform;
    const providers = [
      { provide: SignetConfig, useValue: config },
      { provide: LOGGER, useValue: logger },
      { provide: Clock, useValue: clock },
      { provide: Registry, useValue: metrics },
      { provide: Health, useValue: health },
      { provide: DataSource, useValue: dataSource },
      { provide: EventLog, useValue: eventLog },
      { provide: CodeState, useValue: codeState },
      { provide: OutboxRelay, useFactory: () => new OutboxRelay(dataSource, eventLog, metrics, logger) },
      ...(keyRing ? [{ provide: KeyRing, useValue: keyRing }] : []),
    ];
    return { module: PlatformModule, global: true, providers, exports: providers.map(({ provide }) => provide) };
  }
}
