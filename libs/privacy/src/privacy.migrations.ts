import type { Migration, QueryRunner } from '@signet/platform';

class CreatePrivacy1790000000900 {
  name = 'CreatePrivacy1790000000900';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE SCHEMA privacy;
      CREATE TABLE privacy.erasures (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        -- Until the audit log is redacted.
        subject text,
        -- SHA-256 of workspace and name, by which late events are known; gone when the log has none of them any more.
        subject_hash bytea,
        requested_at timestamptz NOT NULL,
        requested_by text NOT NULL
      );
      CREATE INDEX erasures_of_workspace ON privacy.erasures (workspace_id, id);
      CREATE INDEX erasures_by_hash ON privacy.erasures (subject_hash) WHERE subject_hash IS NOT NULL;
      CREATE INDEX erasures_to_redact ON privacy.erasures (requested_at) WHERE subject IS NOT NULL;
      CREATE TABLE privacy.erasure_stores (
        erasure_id uuid NOT NULL REFERENCES privacy.erasures ON DELETE CASCADE,
        store text NOT NULL,
        records int NOT NULL DEFAULT 0,
        finished_at timestamptz,
        PRIMARY KEY (erasure_id, store)
      );

      GRANT USAGE ON SCHEMA privacy TO signet_enrollment, signet_analytics;
      GRANT SELECT, INSERT, UPDATE (subject, subject_hash) ON privacy.erasures TO signet_enrollment;
      GRANT SELECT (id, workspace_id, subject_hash, requested_at) ON privacy.erasures TO signet_analytics;
      GRANT SELECT, INSERT, UPDATE ON privacy.erasure_stores TO signet_enrollment;
      GRANT SELECT, UPDATE ON privacy.erasure_stores TO signet_analytics;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

export const privacyMigrations: readonly Migration[] = [CreatePrivacy1790000000900];
