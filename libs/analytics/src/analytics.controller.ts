import type { CodeAnalytics, InputOf, Scan } from '@signet/contracts';
import { CurrentCaller, Input, Operation, type Caller } from '@signet/platform';
import { Controller } from '@nestjs/common';
import { AnalyticsService } from './analytics.service.js';

@Controller()
export class AnalyticsController {
  constructor(private readonly analytics: AnalyticsService) {}

  @Operation('codeAnalytics')
  codeAnalytics(
    @CurrentCaller() caller: Caller,
    @Input() { params, query }: InputOf<'codeAnalytics'>,
  ): Promise<CodeAnalytics> {
    return this.analytics.codeAnalytics(caller.workspaceId, params.id, query);
  }

  @Operation('listScans')
  listScans(
    @CurrentCaller() caller: Caller,
    @Input() { query }: InputOf<'listScans'>,
  ): Promise<{ items: Scan[]; nextCursor: string | null }> {
    return this.analytics.listScans(caller.workspaceId, query);
  }
}
