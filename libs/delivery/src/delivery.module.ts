import { ApiKeyGuardModule } from '@signet/access';
import { Module, type DynamicModule } from '@nestjs/common';
import { LiveTail } from './live-tail.js';
import { StreamController } from './stream.controller.js';
import { StreamLimits } from './stream-limits.js';
import { StreamService } from './stream.service.js';

/** The live stream of events. */
@Module({
  imports: [ApiKeyGuardModule],
  controllers: [StreamController],
  providers: [LiveTail, StreamService, { provide: StreamLimits, useFactory: () => new StreamLimits() }],
})
export class DeliveryModule {
  static limitedTo(limits: Partial<StreamLimits>): DynamicModule {
    return {
      module: DeliveryModule,
      providers: [{ provide: StreamLimits, useValue: new StreamLimits(limits) }],
    };
  }
}
