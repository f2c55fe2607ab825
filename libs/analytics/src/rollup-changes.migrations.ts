import type { QueryRunner } from '@signet/platform';

/** Which windows have changed since they were published last (rollup-publisher.ts). */
export class NoteChangedRollups1790000009100 {
  name = 'NoteChangedRollups1790000009100';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE analytics.rollup_changes (
        interval text NOT NULL,
        scope_id uuid NOT NULL,
        bucket timestamptz NOT NULL,
        workspace_id uuid NOT NULL,
        -- The transaction that changed it last: what is published may be forgotten only while nobody else did.
        changed_by bigint NOT NULL,
        -- When it was first changed since it was published.
        since timestamptz NOT NULL,
        PRIMARY KEY (interval, scope_id, bucket)
      ) WITH (fillfactor = 50);
      CREATE INDEX rollup_changes_by_age ON analytics.rollup_changes (interval, since);
      GRANT SELECT, INSERT, UPDATE, DELETE ON analytics.rollup_changes TO signet_analytics;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}
