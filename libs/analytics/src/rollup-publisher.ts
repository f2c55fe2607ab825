import { randomUUID } from 'node:crypto';
import { dataSchemaUrn, INTERVALS, topics, type Interval, type RollupData, type SignetEvent } from '@signet/contracts';
import { BackgroundLoop, Clock, EventLog, LOGGER, newId, observedGauge, Registry, type Logger } from '@signet/platform';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import {
  forgetChanges,
  readChanged,
  readPublishAge,
  tryLockPublisher,
  type ChangedWindow,
} from './rollup-changes.sql.js';
import { mostFrequent } from './rollup.js';
import { VisitorSketch } from './visitor-sketch.js';

/** A window that changes all the time is published this often. */
const COALESCED_MS = 2000;
const IDLE_MS = 1000;
const BATCH = 1000;
const TOP_VALUES = 20;
const TYPE = 'rollup.updated';

/**
 * Publishes every window of a code that has changed, as it was committed, to `signet.analytics.v1`. What is to be
 * published is noted in the transaction that counts and forgotten once the log has it: after a crash windows may be
 * published again, with the same or newer values, and none is left out. One process at a time publishes, so that the
 * last event of a key has the newest values, which is what compaction keeps.
 */
@Injectable()
export class RollupPublisher implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop: BackgroundLoop;
  private readonly source = `/signet/analytics/${randomUUID()}`;
  private published = 0;

  constructor(
    private readonly dataSource: DataSource,
    private readonly eventLog: EventLog,
    private readonly clock: Clock,
    @Inject(LOGGER) logger: Logger,
    metrics: Registry,
  ) {
    this.loop = new BackgroundLoop({
      failure: 'the rollups could not be published',
      step: () => this.step(COALESCED_MS),
      idleMilliseconds: IDLE_MS,
      logger,
    });
    observedGauge(
      metrics,
      'signet_rollup_publish_age_seconds',
      'How long the oldest change of a window has waited to be published',
      () => readPublishAge(dataSource.manager),
    );
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.loop.stop();
  }

  /**
   * @param waited milliseconds that a change must have waited, so that those that follow are published with it
   * @returns whether there is more to do at once
   */
  step(waited: number): Promise<boolean> {
    return this.dataSource.transaction(async (manager) => {
      if (!(await tryLockPublisher(manager))) return false;
      const published = new Map<Interval, ChangedWindow[]>();
      for (const interval of INTERVALS) {
        const changed = await readChanged(manager, interval, { waited, limit: BATCH });
        await this.publish(changed, interval);
        published.set(interval, changed);
      }
      // All at the end: until the transaction does, who counts waits for what was forgotten.
      for (const [interval, windows] of published) await forgetChanges(manager, interval, windows);
      return [...published.values()].some(({ length }) => length === BATCH);
    });
  }

  private async publish(changed: readonly ChangedWindow[], interval: Interval): Promise<void> {
    const windows = changed.filter(({ isKept }) => isKept).map((window) => toRollup(window, interval));
    if (windows.length === 0) return;
    await this.eventLog.publish(
      topics.analytics.name,
      windows.map((data, index) => ({
        key: `${data.codeId}|${interval}|${data.start}`,
        value: Buffer.from(JSON.stringify(this.toEvent(data, this.published + index + 1))),
      })),
    );
    this.published += windows.length;
  }

  private toEvent(data: RollupData, sequence: number): SignetEvent {
    return {
      specversion: '1.0',
      id: newId(),
      source: this.source,
      type: TYPE,
      subject: data.codeId,
      time: this.clock.now().toISOString(),
      datacontenttype: 'application/json',
      dataschema: dataSchemaUrn(TYPE),
      sequence: String(sequence),
      data,
    };
  }
}

function toRollup(window: ChangedWindow, interval: Interval): RollupData {
  const { scope, workspace, bucket, scans, bots, refused, opened } = window;
  return {
    workspaceId: workspace,
    codeId: scope,
    interval,
    start: bucket.toISOString(),
    scans,
    uniques: VisitorSketch.decode(window.visitors).count(),
    bots,
    refused,
    opened,
    by: mostFrequent(window.counts ?? {}, TOP_VALUES),
  };
}
