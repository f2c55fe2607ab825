import { Alerts } from '@signet/alerts';
import {
  topics,
  type CodeEvent,
  type EnrollmentEvent,
  type ScanEvent,
  type VerificationEvent,
} from '@signet/contracts';
import { Clock, counter, eventGroup, Registry, type Counter, type EventBatch } from '@signet/platform';
import { ErasedSubjects, markErased } from '@signet/privacy';
import { Controller } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { DataSource } from 'typeorm';
import { ANOMALIES_GROUP, Detector, type Watched } from './detector.js';
import { forgetProfile, noteStopped } from './profiles.sql.js';

const GROUP = eventGroup(ANOMALIES_GROUP);
/** Codes that can be scanned with success. */
const OPEN: ReadonlySet<string> = new Set(['active', 'scheduled']);

/** Hands what the log tells to the detector, batch by batch. */
@Controller()
export class AnomaliesConsumer {
  private readonly found: Counter<'rule'>;
  private readonly dropped: Counter;

  constructor(
    private readonly detector: Detector,
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly alerts: Alerts,
    metrics: Registry,
  ) {
    this.found = counter(metrics, 'signet_anomalies_total', 'What the rules found, those in shadow mode too', ['rule']);
    this.dropped = counter(
      metrics,
      'signet_anomalies_dropped_total',
      'Matters that no alert was raised for, because a batch had too many',
      [],
    );
  }

  @EventPattern(topics.scans.name, GROUP)
  async onScans(batch: EventBatch<ScanEvent>): Promise<void> {
    this.note(await this.detector.watchScans(batch));
  }

  @EventPattern(topics.verifications.name, GROUP)
  async onVerifications(batch: EventBatch<VerificationEvent>): Promise<void> {
    this.note(await this.detector.watchVerifications(batch));
  }

  @EventPattern(topics.enrollments.name, GROUP)
  async onEnrollments(batch: EventBatch<EnrollmentEvent>): Promise<void> {
    this.note(await this.detector.watchEnrollments(batch));
    for (const { event } of batch.events) if (event.type === 'subject.erased') await this.forget(event.data);
  }

  /** A code that is switched off is silent for a reason. */
  @EventPattern(topics.codes.name, GROUP)
  async onCodes({ events }: EventBatch<CodeEvent>): Promise<void> {
    const newest = new Map(events.map(({ event }) => [event.data.id, event]));
    const codes = Array.from(newest.values(), ({ data, time }) => ({
      workspaceId: data.workspaceId,
      codeId: data.id,
      stopped: !OPEN.has(data.status),
      at: Date.parse(time),
    }));
    const inOrder = codes.toSorted((one, other) => (one.codeId < other.codeId ? -1 : 1));
    await noteStopped(this.dataSource.manager, inOrder);
  }

  /** What is known of the subject, and their name in alerts. */
  private async forget({ workspaceId, subject, erasureId, at }: EnrollmentEvent['data']): Promise<void> {
    if (erasureId === undefined) return;
    await this.dataSource.transaction(async (manager) => {
      await ErasedSubjects.hold(manager);
      await forgetProfile(manager, workspaceId, subject);
      const pseudonym = `erased:${erasureId}`;
      const records = await this.alerts.forget(manager, { workspaceId, subject, pseudonym, until: new Date(at) });
      await markErased(manager, { erasureId, store: 'alerts', records }, this.clock.now());
    });
  }

  private note({ findings, dropped }: Watched): void {
    for (const { rule } of findings) this.found.inc({ rule });
    this.dropped.inc(dropped);
  }
}
