import { DomainLookupModule } from '@signet/domains';
import { HttpClient, SignetConfig } from '@signet/platform';
import { Module } from '@nestjs/common';
import { ClaimArbiter } from './claim-arbiter.js';
import { CodeChanges } from './code-changes.js';
import { CodeEndings } from './code-endings.js';
import { CodeLifecycleService } from './code-lifecycle.service.js';
import { CodePropagation } from './code-propagation.js';
import { CodeResolutionService } from './code-resolution.service.js';
import { CodesController } from './codes.controller.js';
import { CodesService } from './codes.service.js';
import { CodeSearch } from './search/code-search.service.js';
import { Labels } from './search/labels.service.js';
import { OrganisingController } from './search/organising.controller.js';
import { SavedFilters } from './search/saved-filters.service.js';
import { TargetChecks } from './target-checks.service.js';
import { TargetSettingsService } from './target-settings.service.js';
import { TargetsController } from './targets.controller.js';

/** `/v1/codes` and the repair loop: the control plane's part. */
@Module({
  imports: [DomainLookupModule],
  controllers: [CodesController, OrganisingController, TargetsController],
  providers: [
    CodesService,
    CodeLifecycleService,
    CodeChanges,
    CodePropagation,
    CodeEndings,
    CodeSearch,
    Labels,
    SavedFilters,
    TargetSettingsService,
    TargetChecks,
    CodeResolutionService,
    {
      provide: HttpClient,
      useFactory: ({ values }: SignetConfig) =>
        new HttpClient({ allowPrivate: values.SIGNET_TARGET_CHECK_ALLOW_PRIVATE }),
      inject: [SignetConfig],
    },
  ],
  exports: [CodesService, CodeLifecycleService],
})
export class CodesModule {}

/** The decision on claims: the redirect's part. */
@Module({ providers: [ClaimArbiter], exports: [ClaimArbiter] })
export class CodeArbiterModule {}
