import { rmSync } from 'node:fs';
import type { Logger } from '@signet/platform';
import { ScanJournal, type ScanJournalOptions } from './scan-journal.js';

/** Journals of workers that there are no longer: nobody appends to them, and what is in them is shipped. */
export class LeftJournals {
  private constructor(
    private readonly opened: ReadonlyMap<string, ScanJournal>,
    private readonly logger: Logger,
  ) {}

  /** One that cannot be opened is named in the log, and keeps no scan from being answered. */
  static async open(
    directories: readonly string[],
    options: Omit<ScanJournalOptions, 'directory'>,
  ): Promise<LeftJournals> {
    const opened = new Map<string, ScanJournal>();
    for (const directory of directories) {
      try {
        opened.set(directory, await ScanJournal.open({ ...options, directory }));
      } catch (error) {
        options.logger.error({ err: error, directory }, 'a journal that was left cannot be opened');
      }
    }
    return new LeftJournals(opened, options.logger);
  }

  get journals(): ScanJournal[] {
    return [...this.opened.values()];
  }

  /** Those that were shipped to the end go. */
  async close(): Promise<void> {
    for (const [directory, journal] of this.opened) {
      const isEmpty = journal.depth === 0 && !journal.hasFolded;
      await journal.close();
      if (!isEmpty) continue;
      rmSync(directory, { recursive: true });
      this.logger.info({ directory }, 'a journal that was left is shipped, and removed');
    }
  }
}
