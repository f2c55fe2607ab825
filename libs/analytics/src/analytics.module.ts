import { Module } from '@nestjs/common';
import { AnalyticsController } from './analytics.controller.js';
import { AnalyticsService } from './analytics.service.js';
import { RollupWriter } from './rollup-writer.js';
import { ScansConsumer } from './scans.consumer.js';

/** Counting the scans of the log, and answering what was counted. */
@Module({ controllers: [ScansConsumer, AnalyticsController], providers: [RollupWriter, AnalyticsService] })
export class AnalyticsModule {}
