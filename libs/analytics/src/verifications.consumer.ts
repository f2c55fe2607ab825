import { topics, type EnrollmentEvent, type VerificationEvent } from '@signet/contracts';
import { eventGroup, type EventBatch } from '@signet/platform';
import { Controller } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { DataSource } from 'typeorm';
import { ANALYTICS_GROUP } from './rollup-writer.js';
import { insertVerifications, noteEnrollments } from './verifications.sql.js';

const GROUP = eventGroup(ANALYTICS_GROUP);

/** Takes verifications and enrollments off the log. What comes again is there already. */
@Controller()
export class VerificationsConsumer {
  constructor(private readonly dataSource: DataSource) {}

  @EventPattern(topics.verifications.name, GROUP)
  async onVerifications({ events }: EventBatch<VerificationEvent>): Promise<void> {
    if (events.length > 0)
      await insertVerifications(
        this.dataSource.manager,
        events.map(({ event }) => event),
      );
  }

  @EventPattern(topics.enrollments.name, GROUP)
  async onEnrollments({ events }: EventBatch<EnrollmentEvent>): Promise<void> {
    await noteEnrollments(
      this.dataSource.manager,
      events.map(({ event }) => event),
    );
  }
}
