import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { Clock, LOGGER, Registry, SignetConfig, type Logger } from '@signet/platform';
import { ScanJournal } from './scan-journal.js';
import { ScanPump } from './scan-pump.js';
import { VisitorSalts } from './visitor-salts.js';

const MEGABYTE = 1024 * 1024;
const HOUR_SECONDS = 3600;

const openJournal = (config: SignetConfig, clock: Clock, metrics: Registry, logger: Logger): Promise<ScanJournal> =>
  ScanJournal.open({
    directory: join(config.values.SIGNET_DATA_DIR, 'journal'),
    maxBytes: config.values.SIGNET_JOURNAL_MAX_MB * MEGABYTE,
    maxAgeSeconds: config.values.SIGNET_JOURNAL_MAX_AGE_HOURS * HOUR_SECONDS,
    clock,
    metrics,
    logger,
  });

/** The journal of this process, its pump, and the visitors' salts. */
@Module({
  providers: [
    { provide: ScanJournal, useFactory: openJournal, inject: [SignetConfig, Clock, Registry, LOGGER] },
    ScanPump,
    VisitorSalts,
  ],
  exports: [ScanJournal, VisitorSalts],
})
export class ScansModule {}
