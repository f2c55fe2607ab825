import type { Migration, QueryRunner } from '@signet/platform';

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

export const auditMigrations: readonly Migration[] = [CreateAudit1790000001000, CreateCheckpoints1790000001100];
