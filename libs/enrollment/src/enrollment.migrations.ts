import type { Migration, QueryRunner } from '@signet/platform';

class CreateEnrollment1790000005000 {
  name = 'CreateEnrollment1790000005000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE SCHEMA enrollment;
      CREATE TABLE enrollment.settings (
        workspace_id uuid PRIMARY KEY,
        enabled boolean NOT NULL,
        issuer text NOT NULL,
        ticket_ttl_seconds int NOT NULL,
        updated_at timestamptz NOT NULL
      );
      -- Rows of a subject change under the lock of its row in mfa.subjects.
      CREATE TABLE enrollment.enrollments (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        subject_id uuid NOT NULL,
        subject text NOT NULL,
        factor_type text NOT NULL,
        delivery text NOT NULL,
        status text NOT NULL CHECK
          (status IN ('created', 'opened', 'claimed', 'active', 'failed', 'expired', 'revoked', 'superseded')),
        factor_id uuid NOT NULL,
        claim_token_hash bytea NOT NULL,
        failures int NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        ended_at timestamptz
      );
      CREATE INDEX open_enrollments ON enrollment.enrollments (subject_id)
        WHERE status IN ('created', 'opened', 'claimed');

      GRANT USAGE ON SCHEMA enrollment TO signet_enrollment;
      GRANT SELECT, INSERT, UPDATE ON enrollment.settings TO signet_enrollment;
      GRANT SELECT, INSERT, UPDATE (status, failures, ended_at) ON enrollment.enrollments TO signet_enrollment;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

class AddEnrollmentLinks1790000005100 {
  name = 'AddEnrollmentLinks1790000005100';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Before the claim there is no secret, and nobody who could prove that they saw it.
      ALTER TABLE enrollment.enrollments
        ALTER COLUMN factor_id DROP NOT NULL,
        ALTER COLUMN claim_token_hash DROP NOT NULL,
        ADD COLUMN purpose text,
        ADD COLUMN code_id uuid UNIQUE,
        ADD COLUMN claimed_at timestamptz,
        ADD COLUMN shown_at timestamptz,
        ADD COLUMN acknowledged_at timestamptz,
        ADD COLUMN remind_at timestamptz,
        ADD CONSTRAINT claimed_has_secret CHECK
          (status NOT IN ('claimed', 'active') OR (factor_id IS NOT NULL AND claim_token_hash IS NOT NULL));
      UPDATE enrollment.enrollments SET claimed_at = created_at, shown_at = created_at;

      CREATE INDEX enrollments_by_workspace ON enrollment.enrollments (workspace_id, id);
      CREATE INDEX expiring_enrollments ON enrollment.enrollments (expires_at)
        WHERE status IN ('created', 'opened', 'claimed');
      CREATE INDEX enrollments_to_remind ON enrollment.enrollments (remind_at) WHERE remind_at IS NOT NULL;
      GRANT UPDATE (factor_id, claim_token_hash, expires_at, claimed_at, shown_at, acknowledged_at, remind_at)
        ON enrollment.enrollments TO signet_enrollment;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

class AskForPins1790000005150 {
  name = 'AskForPins1790000005150';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE enrollment.settings ADD COLUMN require_pin boolean NOT NULL DEFAULT false;
      ALTER TABLE enrollment.enrollments
        -- Keyed: the key is in the key ring.
        ADD COLUMN pin_key_id text,
        ADD COLUMN pin_hash bytea,
        ADD COLUMN pin_failures int NOT NULL DEFAULT 0,
        -- Tells a second claim of the same visitor from one of somebody else.
        ADD COLUMN claimant_hash bytea;
      GRANT UPDATE (pin_failures, claimant_hash) ON enrollment.enrollments TO signet_enrollment;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

class EraseEnrollments1790000005200 {
  name = 'EraseEnrollments1790000005200';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE INDEX enrollments_of_subject ON enrollment.enrollments (subject_id);
      GRANT DELETE ON enrollment.enrollments TO signet_enrollment;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

export const enrollmentMigrations: readonly Migration[] = [
  CreateEnrollment1790000005000,
  AddEnrollmentLinks1790000005100,
  AskForPins1790000005150,
  EraseEnrollments1790000005200,
];
