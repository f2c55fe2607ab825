import {
  LoggedVerificationSchema,
  ScanSchema,
  type CodeAnalytics,
  type InputOf,
  type LoggedVerification,
  type Overview,
  type Reconciliation,
  type Scan,
  type VerificationAnalytics,
} from '@signet/contracts';
import { CurrentCaller, Input, Operation, type Caller } from '@signet/platform';
import { Controller, Header, type StreamableFile } from '@nestjs/common';
import { AnalyticsService } from './analytics.service.js';
import { toFile } from './export-rows.js';
import { ReconciliationService } from './reconciliation.service.js';
import { ScanLog } from './scan-log.service.js';
import { VerificationLog } from './verification-log.service.js';

const scanColumns = ['id', ...Object.keys(ScanSchema.shape).filter((name) => name !== 'id')];
const verificationColumns = ['id', ...Object.keys(LoggedVerificationSchema.shape).filter((name) => name !== 'id')];

@Controller()
export class AnalyticsController {
  constructor(
    private readonly analytics: AnalyticsService,
    private readonly reconciliation: ReconciliationService,
    private readonly scans: ScanLog,
    private readonly verifications: VerificationLog,
  ) {}

  @Operation('codeAnalytics')
  codeAnalytics(
    @CurrentCaller() caller: Caller,
    @Input() { params, query }: InputOf<'codeAnalytics'>,
  ): Promise<CodeAnalytics> {
    return this.analytics.codeAnalytics(caller.workspaceId, params.id, query);
  }

  @Operation('analyticsOverview')
  overview(@CurrentCaller() caller: Caller, @Input() { query }: InputOf<'analyticsOverview'>): Promise<Overview> {
    return this.analytics.overview(caller.workspaceId, query);
  }

  @Operation('verificationAnalytics')
  verificationAnalytics(
    @CurrentCaller() caller: Caller,
    @Input() { query }: InputOf<'verificationAnalytics'>,
  ): Promise<VerificationAnalytics> {
    return this.verifications.analytics(caller.workspaceId, query);
  }

  @Operation('reconcile')
  reconcile(@CurrentCaller() caller: Caller, @Input() { query }: InputOf<'reconcile'>): Promise<Reconciliation> {
    return this.reconciliation.reconcile(caller.workspaceId, query);
  }

  @Operation('listScans')
  listScans(
    @CurrentCaller() caller: Caller,
    @Input() { query }: InputOf<'listScans'>,
  ): Promise<{ items: Scan[]; nextCursor: string | null }> {
    return this.scans.list(caller.workspaceId, query);
  }

  @Operation('exportScans')
  @Header('Cache-Control', 'no-store')
  exportScans(@CurrentCaller() caller: Caller, @Input() { query }: InputOf<'exportScans'>): Promise<StreamableFile> {
    const rows = this.scans.export(caller.workspaceId, query);
    return toFile(rows, { format: query.format, columns: scanColumns, name: 'scans' });
  }

  @Operation('listVerifications')
  listVerifications(
    @CurrentCaller() caller: Caller,
    @Input() { query }: InputOf<'listVerifications'>,
  ): Promise<{ items: LoggedVerification[]; nextCursor: string | null }> {
    return this.verifications.list(caller.workspaceId, query);
  }

  @Operation('exportVerifications')
  @Header('Cache-Control', 'no-store')
  exportVerifications(
    @CurrentCaller() caller: Caller,
    @Input() { query }: InputOf<'exportVerifications'>,
  ): Promise<StreamableFile> {
    const rows = this.verifications.export(caller.workspaceId, query);
    return toFile(rows, { format: query.format, columns: verificationColumns, name: 'verifications' });
  }
}
