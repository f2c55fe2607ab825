import type { Migration, QueryRunner } from '@signet/platform';
import { CutAudit1790000001400 } from './audit-cut.migrations.js';

class CreateAudit1790000001000 {
  name = 'CreateAudit1790000001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE SCHEMA audit;
      -- Append-only: nobody may change what an entry says; the sequencer fills in its place in the chain.
      CREATE TABLE audit.entries (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        record jsonb NOT NULL,
        tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
        position bigint GENERATED ALWAYS AS IDENTITY,
        seq bigint,
        prev_hash text,
        hash text,
        UNIQUE (workspace_id, seq)
      );
      CREATE INDEX unchained_entries ON audit.entries (tx, position) WHERE seq IS NULL;
      CREATE INDEX entries_by_subject ON audit.entries (workspace_id, (record->>'subject'), seq) WHERE record ? 'subject';
      CREATE TABLE audit.heads (workspace_id uuid PRIMARY KEY, seq bigint NOT NULL, hash text NOT NULL);

      GRANT USAGE ON SCHEMA audit TO signet_enrollment, signet_verification;
      GRANT SELECT, INSERT, UPDATE (seq, prev_hash, hash) ON audit.entries TO signet_enrollment, signet_verification;
      GRANT SELECT, INSERT, UPDATE ON audit.heads TO signet_enrollment, signet_verification;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

class CreateCheckpoints1790000001100 {
  name = 'CreateCheckpoints1790000001100';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Append-only. The key that signs is not in the database.
      CREATE TABLE audit.checkpoints (
        workspace_id uuid NOT NULL,
        seq bigint NOT NULL,
        hash text NOT NULL,
        at timestamptz NOT NULL,
        kid text NOT NULL,
        signature text NOT NULL,
        PRIMARY KEY (workspace_id, seq)
      );
      GRANT SELECT, INSERT ON audit.checkpoints TO signet_enrollment, signet_verification;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

class RedactAudit1790000001200 {
  name = 'RedactAudit1790000001200';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- The only change that an entry takes: what names a person goes, when the person is erased. No service may write to
      -- what an entry says by itself. Ids stay, which lead to nothing any more; the reasons of attempts are the product's
      -- own words, all others may be anybody's.
      CREATE FUNCTION audit.redact(workspace uuid, name text, most int) RETURNS SETOF audit.entries
      LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        UPDATE audit.entries SET record = (record - ARRAY['subject', 'ip', 'deviceId', 'deviceType', 'os', 'browser',
            'biometric', 'country', 'city', 'requestId']
            - CASE WHEN record->>'action' = 'verification.attempt' THEN '{}'::text[] ELSE ARRAY['reason'] END)
          || CASE WHEN record->>'actor' LIKE 'subject:%' THEN '{"actor": "subject"}'::jsonb ELSE '{}' END
          || '{"redacted": true}'
        WHERE workspace_id = workspace AND seq IN (
          SELECT seq FROM audit.entries WHERE workspace_id = workspace AND record ? 'subject' AND record->>'subject' = name
            AND seq IS NOT NULL ORDER BY seq LIMIT most)
        RETURNING *
      $$;
      REVOKE EXECUTE ON FUNCTION audit.redact FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION audit.redact TO signet_enrollment;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

export const auditMigrations: readonly Migration[] = [
  CreateAudit1790000001000,
  CreateCheckpoints1790000001100,
  RedactAudit1790000001200,
  CutAudit1790000001400,
];
