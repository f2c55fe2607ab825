import { ApiKeyGuardModule } from '@signet/access';
import { Module } from '@nestjs/common';
import { SealedSettings } from './channel-settings.js';
import { ChannelsController } from './channels.controller.js';
import { ChannelsService } from './channels.service.js';
import { Messenger } from './messenger.js';
import { NotificationQueue } from './notification-queue.js';
import { NotificationSender } from './notification-sender.js';

/** `/v1/notification-channels`, and telling alerts to them. The consumer of webhooks hands the alerts over. */
@Module({
  imports: [ApiKeyGuardModule],
  controllers: [ChannelsController],
  providers: [ChannelsService, SealedSettings, Messenger, NotificationSender, NotificationQueue],
  exports: [NotificationQueue],
})
export class NotificationsModule {}
