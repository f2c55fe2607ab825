import type { QueryRunner } from '@signet/platform';

/** Lets the control plane read a subject's own, for an export. */
export class ShowVerifications1790000007900 {
  name = 'ShowVerifications1790000007900';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      GRANT USAGE ON SCHEMA analytics TO signet_enrollment;
      GRANT SELECT ON analytics.verifications TO signet_enrollment;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

/** The log of verifications and how far enrollments have come, as their events tell it. */
export class AddVerifications1790000007200 {
  name = 'AddVerifications1790000007200';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- One row an event; its id makes a redelivery harmless.
      CREATE TABLE analytics.verifications (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        at timestamptz NOT NULL,
        subject text NOT NULL,
        result text NOT NULL,
        reason text,
        factor_type text NOT NULL,
        country text,
        device_type text,
        -- The event's data; the columns are what is looked for.
        data jsonb NOT NULL
      );
      CREATE INDEX verifications_of_workspace ON analytics.verifications (workspace_id, at, id);
      CREATE INDEX verifications_of_subject ON analytics.verifications (workspace_id, subject, at, id);
      CREATE INDEX verifications_by_time ON analytics.verifications (at);

      -- One row an enrollment: when it first came to each state.
      CREATE TABLE analytics.enrollments (
        enrollment_id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        created_at timestamptz,
        opened_at timestamptz,
        claimed_at timestamptz,
        confirmed_at timestamptz,
        expired_at timestamptz,
        revoked_at timestamptz
      );
      CREATE INDEX enrollments_of_workspace ON analytics.enrollments (workspace_id, created_at);

      GRANT SELECT, INSERT, UPDATE, DELETE ON analytics.verifications, analytics.enrollments TO signet_analytics;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}
