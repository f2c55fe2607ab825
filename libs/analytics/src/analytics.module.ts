import { Module } from '@nestjs/common';
import { AnalyticsController } from './analytics.controller.js';
import { AnalyticsService } from './analytics.service.js';
import { AnalyticsUpkeep } from './analytics-upkeep.js';
import { LabelWindows } from './label-windows.js';
import { ReconciliationService } from './reconciliation.service.js';
import { RollupPublisher } from './rollup-publisher.js';
import { RollupRebuild } from './rollup-rebuild.js';
import { RollupWriter } from './rollup-writer.js';
import { ScanLog } from './scan-log.service.js';
import { ScansConsumer } from './scans.consumer.js';
import { VerificationLog } from './verification-log.service.js';
import { VerificationsConsumer } from './verifications.consumer.js';

/** Counting the events of the log, and answering what was counted. */
@Module({
  controllers: [ScansConsumer, VerificationsConsumer, AnalyticsController],
  providers: [
    RollupWriter,
    RollupRebuild,
    RollupPublisher,
    LabelWindows,
    AnalyticsUpkeep,
    AnalyticsService,
    ScanLog,
    VerificationLog,
    ReconciliationService,
  ],
})
export class AnalyticsModule {}
