import type { QueryRunner } from '@signet/platform';

export class AddBulk1790000003800 {
  name = 'AddBulk1790000003800';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE codes.codes ADD COLUMN imported_scans bigint NOT NULL DEFAULT 0;

      -- Bulk calls with an Idempotency-Key, for 24 h, with what was answered to each batch of their rows (sealed: it
      -- has slugs of protected codes). See docs/adr/0025-bulk-resumes-by-row.md. Nothing has used the table before.
      ALTER TABLE codes.bulk_runs
        DROP COLUMN request_hash, DROP COLUMN rows, DROP COLUMN failed, DROP COLUMN updated_at, DROP COLUMN finished_at,
        ALTER COLUMN key_hash SET NOT NULL,
        ADD COLUMN mac_key_id text NOT NULL;
      CREATE INDEX ON codes.bulk_runs (started_at);
      CREATE TABLE codes.bulk_batches (
        run_id uuid NOT NULL REFERENCES codes.bulk_runs ON DELETE CASCADE,
        first_row integer NOT NULL,
        request_mac bytea NOT NULL,
        answer bytea NOT NULL,
        PRIMARY KEY (run_id, first_row)
      );
      GRANT SELECT, INSERT, DELETE ON codes.bulk_batches TO signet_enrollment;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}
