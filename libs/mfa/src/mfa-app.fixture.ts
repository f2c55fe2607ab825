import { AccessModule, accessMigrations, AccessService } from '@signet/access';
import { AuditModule, auditMigrations } from '@signet/audit';
import { createMetrics, type Migration } from '@signet/platform';
import { PoliciesModule, policiesMigrations } from '@signet/policies';
import { privacyMigrations } from '@signet/privacy';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { mfaMigrations } from './mfa.migrations.js';
import { People } from './people.fixture.js';
import { SubjectsModule } from './subjects.module.js';
import { VerificationModule } from './verification/verification.module.js';

/** Everything that subjects and verifications stand on, and they. */
export const MIGRATIONS: readonly Migration[] = [
  ...auditMigrations,
  ...accessMigrations,
  ...policiesMigrations,
  ...privacyMigrations,
  ...mfaMigrations,
];
export const MODULES = [AccessModule, AuditModule, PoliciesModule, SubjectsModule, VerificationModule];

/** Subjects and verifications over HTTP on fresh stores. */
export class MfaApp {
  private constructor(
    readonly platform: TestPlatform,
    readonly app: NestFastifyApplication,
    /** A key with every scope. */
    readonly admin: string,
    readonly people: People,
  ) {}

  /** @param now absent: the time of the test clock */
  static async open({ now, settings }: { now?: string; settings?: Record<string, string> } = {}): Promise<MfaApp> {
    const platform = await openTestPlatform(MIGRATIONS, settings);
    if (now !== undefined) platform.clock.set(new Date(now));
    const app = await createTestApp(platform, MODULES);
    const admin = (await app.get(AccessService).bootstrap()) ?? '';
    return new MfaApp(platform, app, admin, new People({ ...platform, app, admin }));
  }

  /** Another process on the same stores. Close it first. */
  async beside(): Promise<{ app: NestFastifyApplication; people: People }> {
    const app = await createTestApp({ ...this.platform, metrics: createMetrics('other') }, MODULES);
    return { app, people: new People({ ...this.platform, app, admin: this.admin }) };
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.platform.close();
  }
}
