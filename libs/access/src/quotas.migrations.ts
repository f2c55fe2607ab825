import type { QueryRunner } from '@signet/platform';

export class AddQuotas1790000002200 {
  name = 'AddQuotas1790000002200';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Null: what the installation gives everybody; 0: no limit.
      ALTER TABLE access.workspaces
        ADD COLUMN quota_codes bigint,
        ADD COLUMN quota_writes_per_minute integer,
        ADD COLUMN quota_bulk_rows integer;
      -- The live codes of a workspace are the sum of its shards' "used"; what is allotted to them adds up to "quota".
      CREATE TABLE access.code_usage (
        workspace_id uuid NOT NULL,
        shard smallint NOT NULL,
        quota bigint NOT NULL,
        used bigint NOT NULL,
        allotted bigint NOT NULL,
        PRIMARY KEY (workspace_id, shard)
      ) WITH (fillfactor = 50);
      GRANT SELECT, INSERT, UPDATE ON access.code_usage TO signet_enrollment;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

export class AddFileQuota1790000002600 {
  name = 'AddFileQuota1790000002600';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- As the other quotas.
      ALTER TABLE access.workspaces ADD COLUMN quota_file_bytes bigint;
      CREATE TABLE access.file_usage (workspace_id uuid PRIMARY KEY, bytes bigint NOT NULL);
      GRANT SELECT, INSERT, UPDATE ON access.file_usage TO signet_enrollment;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}
