import type { QueryRunner } from '@signet/platform';

/** Columns of a window of time, the same at every grain (rollup.ts). */
const WINDOW = `
  -- A code, or the workspace as a whole.
  scope_id uuid NOT NULL,
  bucket timestamptz NOT NULL,
  workspace_id uuid NOT NULL,
  scans bigint NOT NULL,
  bots bigint NOT NULL,
  refused bigint NOT NULL,
  opened bigint NOT NULL,
  -- {dimension: {value: scans}}: one row a window is written several times faster than one a value.
  counts jsonb NOT NULL,
  -- visitor-sketch.ts
  visitors bytea,
  PRIMARY KEY (scope_id, bucket)`;

/**
 * Raw scans and minutes in partitions of a UTC day, so that retention drops tables in place of deleting rows; and one
 * row a window, with all its dimensions. The days that were counted before are counted again from their raw scans.
 */
export class PartitionScansByDay1790000007100 {
  name = 'PartitionScansByDay1790000007100';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE analytics.rollups_minute, analytics.rollups_hour;
      ALTER TABLE analytics.scans RENAME TO scans_of_before;
      ALTER TABLE analytics.scans_of_before DROP CONSTRAINT scans_pkey;
      DROP INDEX analytics.scans_of_workspace, analytics.scans_of_code;

      -- One row an event. counted_as as in scan-facts.ts; no code and no workspace for an unknown slug. source and
      -- sequence are the journal's own count of what it shipped.
      CREATE TABLE analytics.scans (
        id uuid NOT NULL,
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
        referrer_host text,
        source_id int,
        sequence bigint,
        -- Twins have the same bytes, hence the same time.
        PRIMARY KEY (id, at)
      ) PARTITION BY RANGE (at);
      CREATE INDEX scans_of_workspace ON analytics.scans (workspace_id, at, id);
      CREATE INDEX scans_of_code ON analytics.scans (code_id, at, id);

      CREATE TABLE analytics.sources (
        id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        source text NOT NULL UNIQUE
      );

      ALTER TABLE analytics.folded_scans
        ADD COLUMN bot boolean NOT NULL DEFAULT false,
        ADD COLUMN source_id int,
        ADD COLUMN sequence bigint;
      CREATE INDEX folded_scans_of_hour ON analytics.folded_scans (hour);

      -- Room on each page for the next versions of its rows: no index entry changes when a counter grows.
      CREATE TABLE analytics.rollups_minute (${WINDOW}) PARTITION BY RANGE (bucket);
      CREATE TABLE analytics.rollups_hour (${WINDOW}) WITH (fillfactor = 70);
      CREATE INDEX rollups_hour_of_workspace ON analytics.rollups_hour (workspace_id, bucket);
      CREATE TABLE analytics.rollups_day (${WINDOW}) WITH (fillfactor = 70);
      CREATE INDEX rollups_day_by_bucket ON analytics.rollups_day (bucket);
      -- Narrow, for the codes that were scanned most: a workspace may have 100,000 of them.
      CREATE TABLE analytics.code_days (
        workspace_id uuid NOT NULL,
        day timestamptz NOT NULL,
        code_id uuid NOT NULL,
        scans bigint NOT NULL,
        PRIMARY KEY (workspace_id, day, code_id)
      ) WITH (fillfactor = 70);

      -- Times that no clock of ours should say; see open_day.
      CREATE TABLE analytics.scans_elsewhen PARTITION OF analytics.scans DEFAULT;
      CREATE TABLE analytics.rollups_minute_elsewhen PARTITION OF analytics.rollups_minute DEFAULT;

      -- Before this, raw scans and minutes are dropped, and nothing is counted any more. Moves forward only.
      CREATE TABLE analytics.retention (raw_from timestamptz NOT NULL);
      INSERT INTO analytics.retention VALUES ('-infinity');
      CREATE TABLE analytics.days_to_rebuild (day timestamptz PRIMARY KEY);

      -- Only an owner can make and drop partitions, so the service calls these.
      CREATE FUNCTION analytics.open_day(day date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
      SET search_path = pg_catalog, pg_temp AS $$
      DECLARE
        starts timestamptz := day::timestamp AT TIME ZONE 'UTC';
        ends timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
        suffix text := to_char(day, 'YYYYMMDD');
        parent record;
      BEGIN
        PERFORM pg_advisory_xact_lock(5169502);
        FOR parent IN SELECT * FROM (VALUES ('scans', 'at', ''), ('rollups_minute', 'bucket', 'WITH (fillfactor = 70)'))
          AS parents (name, key, options) LOOP
          CONTINUE WHEN to_regclass(format('analytics.%I', parent.name || '_' || suffix)) IS NOT NULL;
          EXECUTE format('CREATE TABLE analytics.%I (LIKE analytics.%I INCLUDING ALL) %s',
            parent.name || '_' || suffix, parent.name, parent.options);
          EXECUTE format('LOCK TABLE analytics.%I IN ACCESS EXCLUSIVE MODE', parent.name || '_elsewhen');
          EXECUTE format('WITH moved AS (DELETE FROM analytics.%I WHERE %I >= $1 AND %I < $2 RETURNING *)
            INSERT INTO analytics.%I SELECT * FROM moved',
            parent.name || '_elsewhen', parent.key, parent.key, parent.name || '_' || suffix) USING starts, ends;
          EXECUTE format('ALTER TABLE analytics.%I ATTACH PARTITION analytics.%I FOR VALUES FROM (%L) TO (%L)',
            parent.name, parent.name || '_' || suffix, starts, ends);
        END LOOP;
      END $$;

      -- Returns how many days were dropped.
      CREATE FUNCTION analytics.drop_days_before(first_day date) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
      SET search_path = pg_catalog, pg_temp AS $$
      DECLARE
        starts timestamptz := first_day::timestamp AT TIME ZONE 'UTC';
        partition text;
        dropped int := 0;
      BEGIN
        PERFORM set_config('lock_timeout', '3s', true);
        -- Nobody counts meanwhile (the lock of a rebuild).
        PERFORM pg_advisory_xact_lock(5169503);
        UPDATE analytics.retention SET raw_from = greatest(raw_from, starts);
        FOR partition IN
          SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE n.nspname = 'analytics' AND c.relkind = 'r' AND c.relname ~ '^(scans|rollups_minute)_[0-9]{8}$'
            AND right(c.relname, 8) < to_char(first_day, 'YYYYMMDD')
        LOOP
          EXECUTE format('DROP TABLE analytics.%I', partition);
          dropped := dropped + (CASE WHEN partition LIKE 'scans%' THEN 1 ELSE 0 END);
        END LOOP;
        DELETE FROM analytics.scans_elsewhen WHERE at < starts;
        DELETE FROM analytics.rollups_minute_elsewhen WHERE bucket < starts;
        DELETE FROM analytics.folded_scans WHERE hour < starts;
        RETURN dropped;
      END $$;
      REVOKE EXECUTE ON FUNCTION analytics.open_day, analytics.drop_days_before FROM PUBLIC;

      SELECT analytics.open_day((at AT TIME ZONE 'UTC')::date)
      FROM (SELECT DISTINCT date_trunc('day', at, 'UTC') AS at FROM analytics.scans_of_before
            WHERE at >= '2020-01-01' AND at < now() + interval '2 days') AS days;
      INSERT INTO analytics.scans (id, workspace_id, code_id, at, counted_as, outcome, bot, preview, slug, code_version,
        target_index, visitor, ip, country, region, city, device_type, os, browser, language, referrer_host)
      SELECT id, workspace_id, code_id, at, counted_as, outcome, bot, preview, slug, code_version, target_index, visitor,
        ip, country, region, city, device_type, os, browser, language, referrer_host
      FROM analytics.scans_of_before;
      DROP TABLE analytics.scans_of_before;
      INSERT INTO analytics.days_to_rebuild
      SELECT date_trunc('day', at, 'UTC') FROM analytics.scans
      UNION SELECT date_trunc('day', hour, 'UTC') FROM analytics.folded_scans;

      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA analytics TO signet_analytics;
      GRANT EXECUTE ON FUNCTION analytics.open_day, analytics.drop_days_before TO signet_analytics;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}
