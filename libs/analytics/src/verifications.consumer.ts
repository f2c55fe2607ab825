import { topics, type EnrollmentEvent, type VerificationEvent } from '@signet/contracts';
import { Clock, eventGroup, type EventBatch } from '@signet/platform';
import { ErasedSubjects, markErased } from '@signet/privacy';
import { Controller } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { DataSource } from 'typeorm';
import { anonymiseScans, anonymiseVerifications, withoutPerson } from './erasure.sql.js';
import { ANALYTICS_GROUP } from './rollup-writer.js';
import { insertVerifications, noteEnrollments } from './verifications.sql.js';

const GROUP = eventGroup(ANALYTICS_GROUP);

/**
 * Takes verifications and enrollments off the log. What comes again is there already. What the log still tells of a
 * subject that was erased is stored without the person, and what was stored before loses it.
 */
@Controller()
export class VerificationsConsumer {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
  ) {}

  @EventPattern(topics.verifications.name, GROUP)
  async onVerifications({ events }: EventBatch<VerificationEvent>): Promise<void> {
    if (events.length === 0) return;
    await this.dataSource.transaction(async (manager) => {
      const subjects = events.map(({ event: { data } }) => ({ ...data, at: new Date(data.at) }));
      const erased = await ErasedSubjects.among(manager, subjects);
      const stored = events.map(({ event }) => {
        const erasureId = erased.erasureOf({ ...event.data, at: new Date(event.data.at) });
        return erasureId === undefined ? event : { ...event, data: withoutPerson(event.data, erasureId) };
      });
      await insertVerifications(manager, stored);
    });
  }

  @EventPattern(topics.enrollments.name, GROUP)
  async onEnrollments({ events }: EventBatch<EnrollmentEvent>): Promise<void> {
    await noteEnrollments(
      this.dataSource.manager,
      events.map(({ event }) => event),
    );
    for (const { event } of events) if (event.type === 'subject.erased') await this.erase(event.data);
  }

  private async erase({ workspaceId, subject, erasureId, codeIds = [], at }: EnrollmentEvent['data']): Promise<void> {
    if (erasureId === undefined) return;
    await this.dataSource.transaction(async (manager) => {
      await ErasedSubjects.hold(manager);
      const until = new Date(at);
      const verifications = await anonymiseVerifications(manager, { workspaceId, subject, erasureId, until });
      const scans = await anonymiseScans(manager, codeIds);
      const finishedAt = this.clock.now();
      await markErased(manager, { erasureId, store: 'verifications', records: verifications }, finishedAt);
      await markErased(manager, { erasureId, store: 'scans', records: scans }, finishedAt);
    });
  }
}
