import { appendAudit } from '@signet/audit';
import type { EnrollmentSettings, PutEnrollmentSettings } from '@signet/contracts';
import { Clock, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { DEFAULT_SETTINGS } from './enrollment.js';
import { readSettings, writeSettings } from './settings.sql.js';

/** The toggle and the defaults of QR enrollment, per workspace. */
@Injectable()
export class EnrollmentSettingsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
  ) {}

  async get(workspaceId: string, manager: EntityManager = this.dataSource.manager): Promise<EnrollmentSettings> {
    return (await readSettings(manager, workspaceId)) ?? DEFAULT_SETTINGS;
  }

  async put({ workspaceId, actor, requestId }: Caller, body: PutEnrollmentSettings): Promise<EnrollmentSettings> {
    const at = this.clock.now();
    return this.dataSource.transaction(async (manager) => {
      const { requirePin } = await this.get(workspaceId, manager);
      const settings = { requirePin, ...body };
      await writeSettings(manager, workspaceId, { ...settings, at });
      const result = settings.enabled ? 'enabled' : 'disabled';
      await appendAudit(manager, { at, workspaceId, actor, action: 'enrollment-settings.update', result, requestId });
      return settings;
    });
  }
}
