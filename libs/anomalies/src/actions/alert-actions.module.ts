import { CodesModule } from '@signet/codes';
import { SubjectsModule } from '@signet/mfa';
import { Module } from '@nestjs/common';
import { AlertActionsConsumer } from './alert-actions.consumer.js';

/** What alerts ask for is done: the control plane's part. */
@Module({ imports: [CodesModule, SubjectsModule], controllers: [AlertActionsConsumer] })
export class AlertActionsModule {}
