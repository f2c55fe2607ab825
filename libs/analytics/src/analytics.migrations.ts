import type { Migration, QueryRunner } from '@signet/platform';
import { AddUpLabels1790000009200 } from './label-windows.migrations.js';
import { NoteChangedRollups1790000009100 } from './rollup-changes.migrations.js';
import { PartitionScansByDay1790000007100 } from './rollups.migrations.js';
import { AddVerifications1790000007200, ShowVerifications1790000007900 } from './verifications.migrations.js';

class CreateAnalytics1790000007000 {
  name = 'CreateAnalytics1790000007000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE SCHEMA analytics;

      -- Where the rollups stand in the log; moved in the transaction that adds to them. An offset means nothing in another log.
      CREATE TABLE analytics.consumer_offsets (
        log_id text NOT NULL,
        consumer_group text NOT NULL,
        topic text NOT NULL,
        partition int NOT NULL,
        next_offset bigint NOT NULL,
        PRIMARY KEY (log_id, consumer_group, topic, partition)
      );

      -- One row an event. counted_as as in scan-facts.ts; no code and no workspace for an unknown slug.
      CREATE TABLE analytics.scans (
        id uuid PRIMARY KEY,
        workspace_id uuid,
        code_id uuid,
        at timestamptz NOT NULL,
        counted_as text NOT NULL,
        outcome text NOT NULL,
        bot boolean NOT NULL,
        preview boolean NOT NULL,
        slug text,
        code_version bigint,
        target_index bigint,
        visitor text COLLATE "C",
        ip text,
        country text,
        region text,
        city text,
        device_type text,
        os text,
        browser text,
        language text,
        referrer_host text
      );
      CREATE INDEX scans_of_workspace ON analytics.scans (workspace_id, at, id);
      -- Pages of a code's scans, and its visitors without reading the table.
      CREATE INDEX scans_of_code ON analytics.scans (code_id, at, id) INCLUDE (visitor, counted_as);

      -- Counts in place of scans that no longer fitted the journal.
      CREATE TABLE analytics.folded_scans (
        id uuid PRIMARY KEY,
        workspace_id uuid,
        code_id uuid,
        hour timestamptz NOT NULL,
        outcome text NOT NULL,
        count bigint NOT NULL
      );
      CREATE INDEX folded_scans_of_code ON analytics.folded_scans (code_id, hour);

      -- Room on each page for the next versions of its rows: no index entry changes when a counter grows.
      CREATE TABLE analytics.rollups_minute (
        code_id uuid NOT NULL,
        bucket timestamptz NOT NULL,
        workspace_id uuid NOT NULL,
        scans bigint NOT NULL,
        bots bigint NOT NULL,
        refused bigint NOT NULL,
        PRIMARY KEY (code_id, bucket)
      ) WITH (fillfactor = 70);

      -- dimension: the API's, and 'bots'. The totals of an hour are the sums of its outcomes. An hour of a code lies
      -- together, for those who write it; "C" compares bytes.
      CREATE TABLE analytics.rollups_hour (
        code_id uuid NOT NULL,
        dimension text COLLATE "C" NOT NULL,
        bucket timestamptz NOT NULL,
        value text COLLATE "C" NOT NULL,
        workspace_id uuid NOT NULL,
        scans bigint NOT NULL,
        PRIMARY KEY (code_id, bucket, dimension, value)
      ) WITH (fillfactor = 70);

      GRANT USAGE ON SCHEMA analytics TO signet_analytics;
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA analytics TO signet_analytics;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

export const analyticsMigrations: readonly Migration[] = [
  CreateAnalytics1790000007000,
  PartitionScansByDay1790000007100,
  AddVerifications1790000007200,
  ShowVerifications1790000007900,
  NoteChangedRollups1790000009100,
  AddUpLabels1790000009200,
];
