import type { QueryRunner } from '@signet/platform';

const TOP = `
  -- The codes with the most scans, and of how many each other one has at most.
  top_codes uuid[] NOT NULL,
  top_scans bigint[] NOT NULL,
  others_most bigint NOT NULL`;

/** Hours and days of labels, added up from those of their codes (label-windows.ts). */
export class AddUpLabels1790000009200 {
  name = 'AddUpLabels1790000009200';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE analytics.labels (
        id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        workspace_id uuid NOT NULL,
        kind text NOT NULL,
        value text NOT NULL,
        -- The sum of what hashOfCode says of the codes whose windows are added up.
        members numeric NOT NULL DEFAULT 0,
        UNIQUE (workspace_id, kind, value)
      );
      -- Under which labels the windows of a code are added up.
      CREATE TABLE analytics.code_labels (
        code_id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        labels int[] NOT NULL
      );
      CREATE INDEX code_labels_of_workspace ON analytics.code_labels (workspace_id);
      CREATE INDEX code_labels_by_label ON analytics.code_labels USING gin (labels);

      -- Windows that were added up for every label of a workspace, when all that it had counted in them was counted.
      CREATE TABLE analytics.settled_windows (
        workspace_id uuid NOT NULL,
        interval text NOT NULL,
        bucket timestamptz NOT NULL,
        counted bigint NOT NULL,
        settled_at timestamptz NOT NULL,
        ${TOP},
        PRIMARY KEY (workspace_id, interval, bucket)
      );
      CREATE TABLE analytics.label_windows (
        label_id int NOT NULL,
        interval text NOT NULL,
        bucket timestamptz NOT NULL,
        -- Codes that were scanned in it have come or gone since.
        stale boolean NOT NULL,
        scans bigint NOT NULL,
        bots bigint NOT NULL,
        refused bigint NOT NULL,
        counts jsonb NOT NULL,
        visitors bytea,
        ${TOP},
        PRIMARY KEY (label_id, interval, bucket)
      );
      CREATE INDEX label_windows_stale ON analytics.label_windows (label_id) WHERE stale;

      -- Of many codes, what was counted in some hours is found by its time.
      CREATE INDEX rollups_minute_of_workspace ON analytics.rollups_minute (workspace_id, bucket);
      CREATE INDEX rollups_day_of_workspace ON analytics.rollups_day (workspace_id, bucket);

      GRANT SELECT, INSERT, UPDATE, DELETE ON analytics.labels, analytics.code_labels, analytics.settled_windows,
        analytics.label_windows TO signet_analytics;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}
