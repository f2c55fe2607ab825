import { Module } from '@nestjs/common';
import { Clock, LOGGER, Registry, SignetConfig, type Logger } from '@signet/platform';
import { leftJournals, ownJournal } from './journal-places.js';
import { LeftJournals } from './left-journals.js';
import { ScanJournal, type ScanJournalOptions } from './scan-journal.js';
import { ScanPump } from './scan-pump.js';
import { VisitorSalts } from './visitor-salts.js';

const MEGABYTE = 1024 * 1024;
const HOUR_SECONDS = 3600;

type Opening = [config: SignetConfig, clock: Clock, metrics: Registry, logger: Logger];
const optionsOf = (...[{ values }, clock, metrics, logger]: Opening): Omit<ScanJournalOptions, 'directory'> => ({
  maxBytes: values.SIGNET_JOURNAL_MAX_MB * MEGABYTE,
  maxAgeSeconds: values.SIGNET_JOURNAL_MAX_AGE_HOURS * HOUR_SECONDS,
  clock,
  metrics,
  logger,
});
const openJournal = (...opening: Opening): Promise<ScanJournal> =>
  ScanJournal.open({ ...optionsOf(...opening), directory: ownJournal(opening[0]) });
const openLeft = (...opening: Opening): Promise<LeftJournals> =>
  LeftJournals.open(leftJournals(opening[0]), optionsOf(...opening));
const inject = [SignetConfig, Clock, Registry, LOGGER];

/** The journal of this process, its pump, and the visitors' salts. */
@Module({
  providers: [
    { provide: ScanJournal, useFactory: openJournal, inject },
    { provide: LeftJournals, useFactory: openLeft, inject },
    ScanPump,
    VisitorSalts,
  ],
  exports: [ScanJournal, VisitorSalts],
})
export class ScansModule {}
