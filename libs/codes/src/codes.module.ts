import { DomainLookupModule } from '@signet/domains';
import { HttpClient, SignetConfig } from '@signet/platform';
import { Module } from '@nestjs/common';
import { BulkRuns } from './bulk/bulk-runs.js';
import { BulkSelectionService } from './bulk/bulk-selection.service.js';
import { BulkTransactions } from './bulk/bulk-transactions.js';
import { BulkUploadService } from './bulk/bulk-upload.service.js';
import { BulkController } from './bulk/bulk.controller.js';
import { CodeBatch } from './bulk/code-batch.js';
import { ClaimArbiter } from './claim-arbiter.js';
import { CodeChanges } from './code-changes.js';
import { CodeDrafts } from './code-drafts.js';
import { CodeEndings } from './code-endings.js';
import { CodeLifecycleService } from './code-lifecycle.service.js';
import { CodePropagation } from './code-propagation.js';
import { CodeResolutionService } from './code-resolution.service.js';
import { CodesController } from './codes.controller.js';
import { CodesService } from './codes.service.js';
import { SecretCodes } from './secret-codes.js';
import { CodeExports } from './export/code-export.service.js';
import { ExportController } from './export/export.controller.js';
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
  controllers: [CodesController, BulkController, OrganisingController, ExportController, TargetsController],
  providers: [
    CodesService,
    CodeLifecycleService,
    CodeChanges,
    CodeDrafts,
    CodePropagation,
    CodeEndings,
    SecretCodes,
    CodeSearch,
    CodeExports,
    Labels,
    SavedFilters,
    CodeBatch,
    BulkTransactions,
    BulkRuns,
    BulkUploadService,
    BulkSelectionService,
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
  exports: [CodesService, CodeLifecycleService, SecretCodes],
})
export class CodesModule {}

/** The decision on claims: the redirect's part. */
@Module({ providers: [ClaimArbiter], exports: [ClaimArbiter] })
export class CodeArbiterModule {}
