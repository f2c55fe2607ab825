import { randomBytes } from 'node:crypto';
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Clock, LOGGER, type Logger } from '@signet/platform';
import { DataSource } from 'typeorm';
import { ensureSalt, removeSaltsThrough } from './scans.sql.js';

const SALT_BYTES = 16;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Tomorrow's salt is fetched this long before, so that a database that is away at midnight is not missed. */
const AHEAD_MS = HOUR_MS;
const RETRY_MS = 5000;

/** Days since the epoch, UTC. */
const dayOf = (atMs: number): number => Math.floor(atMs / DAY_MS);
const dateOf = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);

/** The salts under which visitors of a UTC day are hashed, shared by all redirects. */
@Injectable()
export class VisitorSalts implements OnApplicationBootstrap {
  /** In hex. */
  private readonly salts = new Map<number, string>();
  private today = 0;
  private loading: Promise<void> | undefined;
  private forgetting: Promise<void> | undefined;
  private retryAt = 0;

  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    this.saltOf(this.clock.now());
    await this.settled();
  }

  /** Resolves when what was asked of the database so far has been answered. */
  async settled(): Promise<void> {
    await Promise.all([this.loading, this.forgetting]);
  }

  /**
   * @param at now; never waits for the database
   * @returns undefined while the day's salt isn't known here: the visitor is then unknown, too
   */
  saltOf(at: Date): string | undefined {
    const atMs = at.getTime();
    const day = dayOf(atMs);
    if (day !== this.today) this.turnTo(day);
    const salt = this.salts.get(day);
    if (!salt) this.load(day, atMs);
    else if (atMs > (day + 1) * DAY_MS - AHEAD_MS && !this.salts.has(day + 1)) this.load(day + 1, atMs);
    return salt;
  }

  /** A salt is gone everywhere when its day began 48 h ago. */
  private turnTo(day: number): void {
    this.today = day;
    this.retryAt = 0;
    for (const known of this.salts.keys()) if (known < day) this.salts.delete(known);
    this.forgetting = this.forget(day - 2);
  }

  private load(day: number, nowMs: number): void {
    if (this.loading || nowMs < this.retryAt) return;
    this.retryAt = nowMs + RETRY_MS;
    this.loading = this.fetch(day).finally(() => (this.loading = undefined));
  }

  private async fetch(day: number): Promise<void> {
    try {
      const salt = await ensureSalt(this.dataSource, dateOf(day), randomBytes(SALT_BYTES));
      if (salt) this.salts.set(day, salt.toString('hex'));
    } catch (error) {
      this.logger.warn({ err: error }, 'no visitor salt: scans are recorded without a visitor');
    }
  }

  private async forget(day: number): Promise<void> {
    try {
      await removeSaltsThrough(this.dataSource, dateOf(day));
    } catch (error) {
      this.logger.warn({ err: error }, 'old visitor salts could not be deleted; tried again tomorrow');
    }
  }
}
