import { BackgroundLoop, LOGGER, type Logger } from '@signet/platform';
import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { BrandDirectory } from './brand-directory.js';
import { readBrands, readRevision, readSites } from './directory.sql.js';
import { SiteDirectory } from './site-directory.js';

/** A change is known within a second, with room for the reading. */
const POLL_MS = 500;

/**
 * Keeps the directories as PostgreSQL has them: one small read twice a second, and all of it after a change. While
 * PostgreSQL is away they stay as they were.
 */
@Injectable()
export class DirectoryRefresh implements OnModuleInit, OnApplicationShutdown {
  private readonly loop: BackgroundLoop;
  private revision: string | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly sites: SiteDirectory,
    private readonly brands: BrandDirectory,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.loop = new BackgroundLoop({
      failure: 'the domains and brands could not be read',
      step: async () => {
        await this.refresh();
        return false;
      },
      idleMilliseconds: POLL_MS,
      maxWaitMilliseconds: 5000,
      logger,
    });
  }

  /** Before the first scan: one on a domain that is not known yet would find somebody else's code. */
  async onModuleInit(): Promise<void> {
    await this.refresh();
    this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }

  private async refresh(): Promise<void> {
    const { manager } = this.dataSource;
    // Read first: what changes meanwhile has another revision, and is read again.
    const revision = await readRevision(manager);
    if (revision === this.revision) return;
    this.sites.replace(await readSites(manager));
    this.brands.replace(await readBrands(manager));
    this.revision = revision;
  }
}
