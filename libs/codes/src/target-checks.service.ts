import {
  topics,
  type CodeCheck,
  type CodeStatus,
  type InputOf,
  type TargetCheck,
  type TargetHealth,
} from '@signet/contracts';
import {
  appendToOutbox,
  BackgroundLoop,
  Clock,
  counter,
  HttpClient,
  LOGGER,
  OutboxRelay,
  Registry,
  SignetConfig,
  SignetError,
  type Caller,
  type Counter,
  type Logger,
} from '@signet/platform';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { DataSource } from 'typeorm';
import { statusOf, toEventData, type StoredCode } from './code.js';
import { awaitTurn, findCode, lockCode } from './codes.sql.js';
import { planChecks, postponeCheck, takeDueChecks, writeTargetHealth } from './target-checks.sql.js';
import { checkTarget } from './target-check.js';
import { healthAfter, nextCheckAt } from './target-health.js';
import { webUrlsOf } from './target-safety.js';

const HOUR_MILLISECONDS = 3_600_000;
const MINUTE_SECONDS = 60;
/** The pause between batches: no more than a few calls a second leave here, however many codes there are. */
const IDLE_MILLISECONDS = 1000;
const BATCH = 20;
const PLANNED_AT_ONCE = 1000;
/** Calls that are under way at once, of one check on demand, and of a batch. */
const AT_ONCE = 5;
/** Longer than a batch can take. */
const LEASE_MILLISECONDS = 30 * 60_000;
/** For one code with all its targets: somebody waits, or the next one. */
const CODE_MILLISECONDS = 45_000;
const LIVE: ReadonlySet<CodeStatus> = new Set(['active', 'scheduled']);

/**
 * Looks after the targets of codes: on demand, and by itself once an interval. Any number of instances may run it; each
 * code is taken by one.
 */
@Injectable()
export class TargetChecks implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop: BackgroundLoop;
  private readonly stopping = new AbortController();
  private readonly intervalMilliseconds: number;
  private readonly onDemand: RateLimiterMemory | undefined;
  private readonly checks: Counter<'result'>;

  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly config: SignetConfig,
    private readonly client: HttpClient,
    private readonly outbox: OutboxRelay,
    registry: Registry,
    @Inject(LOGGER) logger: Logger,
  ) {
    const { SIGNET_TARGET_CHECK_INTERVAL_HOURS: hours, SIGNET_TARGET_CHECKS_PER_MINUTE: points } = config.values;
    this.intervalMilliseconds = hours * HOUR_MILLISECONDS;
    this.onDemand = points === 0 ? undefined : new RateLimiterMemory({ points, duration: MINUTE_SECONDS });
    this.checks = counter(registry, 'signet_target_checks_total', 'Checks of the targets of codes', ['result']);
    this.loop = new BackgroundLoop({
      failure: 'the targets of codes have not been checked',
      step: async () => {
        await this.checkDue();
        return false;
      },
      idleMilliseconds: IDLE_MILLISECONDS,
      logger,
    });
  }

  onApplicationBootstrap(): void {
    if (this.intervalMilliseconds > 0) this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    return this.loop.stop();
  }

  /** Checks a code now. @throws SignetError `not-found` | `too-many-requests` */
  async check(caller: Caller, { params }: InputOf<'checkCode'>): Promise<CodeCheck> {
    const code = await findCode(this.dataSource.manager, caller.workspaceId, params.id);
    if (!code) throw new SignetError('not-found');
    await this.take(caller.workspaceId);
    const targets = await this.checkAll(code);
    const targetHealth = await this.record(code, targets);
    return { checkedAt: this.clock.now().toISOString(), targets, targetHealth };
  }

  /** @returns how many codes it checked */
  async checkDue(): Promise<number> {
    const at = this.clock.now();
    const { intervalMilliseconds } = this;
    await planChecks(this.dataSource.manager, { at, intervalMilliseconds, limit: PLANNED_AT_ONCE });
    const until = new Date(at.getTime() + LEASE_MILLISECONDS);
    const codes = await takeDueChecks(this.dataSource.manager, { at, until, limit: BATCH });
    await inParallel(codes, (code) => this.checkOne(code, at));
    return codes.length;
  }

  private async checkOne(code: StoredCode, at: Date): Promise<void> {
    const leads = LIVE.has(statusOf(code, at)) && webUrlsOf(code).length > 0;
    if (!leads) {
      const later = new Date(at.getTime() + this.intervalMilliseconds);
      return postponeCheck(this.dataSource.manager, code.id, later);
    }
    const targets = await this.checkAll(code);
    // What a stop has cut short says nothing about the targets.
    if (!this.stopping.signal.aborted) await this.record(code, targets);
  }

  private async take(workspaceId: string): Promise<void> {
    try {
      await this.onDemand?.consume(workspaceId);
    } catch (refusal) {
      const wait = refusal instanceof RateLimiterRes ? refusal.msBeforeNext : 1000;
      throw new SignetError('too-many-requests', { retryAfter: Math.max(1, wait / 1000) });
    }
  }

  /** Each URL once, wherever it stands. */
  private async checkAll(code: StoredCode): Promise<TargetCheck[]> {
    const urls = webUrlsOf(code);
    const signal = AbortSignal.any([this.stopping.signal, AbortSignal.timeout(CODE_MILLISECONDS)]);
    const walk = { client: this.client, signal, at: this.clock.now() };
    const byUrl = new Map<string, TargetCheck>();
    await inParallel([...new Map(urls.map((each) => [each.url, each])).values()], async (each) => {
      const check = await checkTarget(each, walk);
      this.checks.inc({ result: check.problem ?? 'healthy' });
      byUrl.set(each.url, check);
    });
    return urls.flatMap(({ path, url }) => {
      const check = byUrl.get(url);
      return check ? [{ ...check, path }] : [];
    });
  }

  /**
   * Notes what was found, and tells of a change with the event that goes out in the same transaction. What was edited
   * or ended meanwhile is left as it is.
   */
  private async record(checked: StoredCode, checks: readonly TargetCheck[]): Promise<TargetHealth | null> {
    const at = this.clock.now();
    const health = await this.dataSource.transaction(async (manager) => {
      await awaitTurn(manager, checked.id);
      const code = await lockCode(manager, checked.workspaceId, checked.id);
      if (!code || code.version !== checked.version || code.state !== 'active' || checks.length === 0)
        return code?.targetHealth ?? null;
      const finding = healthAfter(code.targetHealth, checks, at);
      // Off for good by configuration, checks on demand still plan a next one, which nobody takes.
      const checkAt = nextCheckAt(finding.health, at, this.intervalMilliseconds || HOUR_MILLISECONDS, Math.random());
      await writeTargetHealth(manager, code.id, { health: finding.health, checkAt });
      if (finding.event === undefined) return finding.health;
      const data = toEventData({ ...code, targetHealth: finding.health }, { publicUrl: this.config.publicUrl, at });
      await appendToOutbox(manager, [{ topic: topics.codes.name, key: code.id, type: finding.event, data, at }]);
      return finding.health;
    });
    this.outbox.wake();
    return health;
  }
}

/** Does all, a few at once; the first failure is thrown when those under way are over. */
async function inParallel<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const left = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  const results = await Promise.allSettled(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
  const failure = results.find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
}
