import type { Migration, QueryRunner } from '@signet/platform';
import { DemandStepUp1790000004600 } from './subject-demands.migrations.js';

class CreateMfa1790000004000 {
  name = 'CreateMfa1790000004000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE SCHEMA mfa;
      -- The row's lock orders everything that is decided about a subject: attempts, enrollments, revocations.
      CREATE TABLE mfa.subjects (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        subject text NOT NULL,
        display_name text,
        email text,
        groups text[] NOT NULL,
        roles text[] NOT NULL,
        status text NOT NULL CHECK (status IN ('active', 'offboarded')),
        epoch bigint NOT NULL DEFAULT 0,
        failures int NOT NULL DEFAULT 0,
        wait_until timestamptz,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        UNIQUE (workspace_id, subject)
      );
      -- The throttle of names that are nobody's, so that it does not tell who exists.
      CREATE TABLE mfa.strangers (
        workspace_id uuid NOT NULL,
        subject text NOT NULL,
        failures int NOT NULL DEFAULT 0,
        wait_until timestamptz,
        seen_at timestamptz NOT NULL,
        PRIMARY KEY (workspace_id, subject)
      );
      CREATE INDEX ON mfa.strangers (seen_at);
      CREATE TABLE mfa.factors (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        subject_id uuid NOT NULL REFERENCES mfa.subjects,
        type text NOT NULL CHECK (type IN ('totp', 'recovery')),
        status text NOT NULL CHECK (status IN ('pending', 'active', 'locked', 'revoked')),
        -- Sealed; gone when the factor is.
        secret bytea,
        parameters jsonb NOT NULL,
        -- The newest TOTP step that was used; it only rises.
        last_step bigint NOT NULL,
        failures int NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL,
        confirmed_at timestamptz,
        last_used_at timestamptz,
        revoked_at timestamptz,
        revoked_reason text
      );
      CREATE INDEX ON mfa.factors (subject_id, id);
      CREATE TABLE mfa.recovery_codes (
        factor_id uuid NOT NULL REFERENCES mfa.factors,
        subject_id uuid NOT NULL,
        key_id text NOT NULL,
        code_hash bytea NOT NULL,
        used_at timestamptz,
        PRIMARY KEY (factor_id, code_hash)
      );
      CREATE TABLE mfa.verifications (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        subject_id uuid,
        subject text NOT NULL,
        factor_id uuid,
        factor_type text NOT NULL,
        result text NOT NULL CHECK (result IN ('accepted', 'rejected', 'throttled')),
        reason text,
        code_id uuid,
        device_id text,
        key_id uuid NOT NULL,
        request_id text NOT NULL,
        at timestamptz NOT NULL
      );
      CREATE INDEX ON mfa.verifications (workspace_id, id);

      GRANT USAGE ON SCHEMA mfa TO signet_enrollment, signet_verification;
      GRANT SELECT, INSERT, UPDATE ON mfa.subjects TO signet_enrollment;
      GRANT SELECT, INSERT, UPDATE (status, secret, last_step, failures, confirmed_at, revoked_at, revoked_reason)
        ON mfa.factors TO signet_enrollment;
      GRANT SELECT (factor_id), INSERT, DELETE ON mfa.recovery_codes TO signet_enrollment;
      GRANT SELECT, UPDATE (failures, wait_until) ON mfa.subjects TO signet_verification;
      GRANT SELECT, INSERT, UPDATE, DELETE ON mfa.strangers TO signet_verification;
      GRANT SELECT, UPDATE (status, last_step, failures, last_used_at) ON mfa.factors TO signet_verification;
      GRANT SELECT, UPDATE (used_at) ON mfa.recovery_codes TO signet_verification;
      GRANT SELECT, INSERT ON mfa.verifications TO signet_verification;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

class ExtendSubjectsAndFactors1790000004100 {
  name = 'ExtendSubjectsAndFactors1790000004100';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE mfa.subjects
        ADD COLUMN attributes jsonb NOT NULL DEFAULT '{}',
        ADD COLUMN version int NOT NULL DEFAULT 1,
        DROP CONSTRAINT subjects_status_check,
        ADD CONSTRAINT subjects_status_check CHECK (status IN ('active', 'suspended', 'offboarded'));
      CREATE INDEX ON mfa.subjects USING gin (groups);
      CREATE INDEX ON mfa.subjects USING gin (roles);
      -- Each attempt changes the counts, which no index has: with room in the page that is a heap-only update.
      ALTER TABLE mfa.subjects SET (fillfactor = 85);
      ALTER TABLE mfa.factors SET (fillfactor = 85);
      ALTER TABLE mfa.factors
        ADD COLUMN name text,
        ADD COLUMN last_used_ip text,
        ADD COLUMN last_used_country text,
        -- The newest step whose second use its owner was told of.
        ADD COLUMN noticed_step bigint NOT NULL DEFAULT -1;
      ALTER TABLE mfa.verifications
        DROP CONSTRAINT verifications_result_check,
        ADD CONSTRAINT verifications_result_check CHECK (result IN ('accepted', 'rejected', 'throttled', 'step_up')),
        -- The verification whose step-up this one answers; each is answered once.
        ADD COLUMN step_up_of uuid;
      CREATE UNIQUE INDEX ON mfa.verifications (step_up_of) WHERE step_up_of IS NOT NULL AND result = 'accepted';

      GRANT UPDATE (name) ON mfa.factors TO signet_enrollment;
      GRANT UPDATE (last_used_ip, last_used_country, noticed_step) ON mfa.factors TO signet_verification;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

class AddAppsOfFactors1790000004200 {
  name = 'AddAppsOfFactors1790000004200';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE mfa.factors ADD COLUMN app text;
      GRANT UPDATE (app) ON mfa.factors TO signet_enrollment;
      -- Whether a verification speaks for a further factor.
      GRANT SELECT ON mfa.verifications TO signet_enrollment;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

class EraseSubjects1790000004900 {
  name = 'EraseSubjects1790000004900';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      GRANT SELECT, DELETE ON mfa.verifications TO signet_enrollment;
      GRANT SELECT (workspace_id, subject), DELETE ON mfa.strangers TO signet_enrollment;
      GRANT DELETE ON mfa.subjects, mfa.factors TO signet_enrollment;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

export const mfaMigrations: readonly Migration[] = [
  CreateMfa1790000004000,
  ExtendSubjectsAndFactors1790000004100,
  AddAppsOfFactors1790000004200,
  DemandStepUp1790000004600,
  EraseSubjects1790000004900,
];
