import { AccessModule, accessMigrations, AccessService } from '@signet/access';
import { AuditModule, auditMigrations } from '@signet/audit';
import { codesMigrations } from '@signet/codes';
import { mfaMigrations, VerificationModule } from '@signet/mfa';
import type { Migration } from '@signet/platform';
import { PoliciesModule, policiesMigrations } from '@signet/policies';
import { privacyMigrations } from '@signet/privacy';
import { createTestApp, openTestPlatform, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { pino } from 'pino';
import { enrollmentMigrations } from './enrollment.migrations.js';
import { EnrollmentModule } from './enrollment.module.js';
import type { CreatedEnrollment } from './enrollment.js';

export type LinkEnrollment = Extract<CreatedEnrollment, { delivery: 'link' }>;
export type InlineEnrollment = Extract<CreatedEnrollment, { delivery: 'inline' }>;

/** Everything that enrollments stand on, and they. */
export const MIGRATIONS: readonly Migration[] = [
  ...auditMigrations,
  ...accessMigrations,
  ...codesMigrations,
  ...policiesMigrations,
  ...privacyMigrations,
  ...mfaMigrations,
  ...enrollmentMigrations,
];
/** What the control plane has of them. */
export const MODULES = [AccessModule, AuditModule, PoliciesModule, EnrollmentModule];

export const slugOf = ({ claimUrl }: Pick<LinkEnrollment, 'claimUrl'>): string => claimUrl.split('/').at(-1) ?? '';

type AppModule = (typeof MODULES)[number];

/** Enrollments and verifications over HTTP on fresh stores, with everything that was logged. */
export class EnrollmentApp {
  private people = 0;

  private constructor(
    readonly platform: TestPlatform,
    readonly app: NestFastifyApplication,
    readonly admin: string,
    readonly logged: readonly string[],
  ) {}

  static async open(
    now: string,
    {
      migrations = [],
      modules = [],
      settings,
    }: { migrations?: readonly Migration[]; modules?: readonly AppModule[]; settings?: Record<string, string> } = {},
  ): Promise<EnrollmentApp> {
    const platform = await openTestPlatform([...MIGRATIONS, ...migrations], settings);
    platform.clock.set(new Date(now));
    const logged: string[] = [];
    const logger = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
    const app = await createTestApp({ ...platform, logger }, [...MODULES, VerificationModule, ...modules]);
    const admin = (await app.get(AccessService).bootstrap()) ?? '';
    return new EnrollmentApp(platform, app, admin, logged);
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.platform.close();
  }

  readonly call = (
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    url: string,
    payload?: object,
    headers: Record<string, string> = { authorization: `Bearer ${this.admin}` },
  ) => this.app.inject({ method, url, payload, headers });

  /** @returns the name of somebody new */
  readonly newSubject = async (profile: object = {}): Promise<string> => {
    this.people += 1;
    const subject = `person-${this.people}`;
    const answer = await this.call('PUT', `/v1/subjects/${subject}`, profile);
    if (answer.statusCode !== 200) throw new Error(answer.body);
    return subject;
  };
}
