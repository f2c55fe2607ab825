import type { QueryRunner } from '@signet/platform';

export class AddTargetSafety1790000003500 {
  name = 'AddTargetSafety1790000003500';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE codes.target_settings (
        workspace_id uuid PRIMARY KEY,
        allowed_hosts text[] NOT NULL,
        allowed_schemes text[] NOT NULL
      );
      GRANT SELECT, INSERT, UPDATE ON codes.target_settings TO signet_enrollment;

      ALTER TABLE codes.codes
        ADD COLUMN target_health jsonb,
        -- When the targets are checked next; '-infinity': nobody has said yet, since it is new or leads elsewhere now.
        ADD COLUMN check_at timestamptz NOT NULL DEFAULT '-infinity';
      CREATE INDEX codes_to_check ON codes.codes (check_at)
        WHERE state = 'active' AND kind IN ('link', 'app', 'page');

      -- What is there before anybody counts.
      INSERT INTO access.code_usage (workspace_id, shard, quota, used, allotted)
      SELECT workspace_id, 0, -1, count(*), 0 FROM codes.codes
      WHERE state IN ('active', 'paused') AND kind NOT IN ('enrollment', 'signin', 'sealed') GROUP BY workspace_id;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}
