import type { QueryRunner } from '@signet/platform';

/** What `q` is looked for in; an index on exactly this expression answers it. */
export const SEARCHED_TEXT = `lower(' ' || COALESCE(title, '') || ' ' || COALESCE(slug, '') || ' ' ||
  COALESCE(target->>'url', target->>'fallback', target->>'title', ''))`;
/** By what a list is sorted by title: any case, and no longer than a cursor can hold. */
export const TITLE_KEY = `lower("left"(COALESCE(title, ''), 60))`;
export const EXPIRY_KEY = `COALESCE(expires_at, 'infinity'::timestamptz)`;

/**
 * Search over a million codes of one workspace: an index for each order (which also answers whatever many codes have),
 * and one for each filter (for what few have). See docs/adr/0024-search-over-indexes.md.
 */
export class AddOrganising1790000003600 {
  name = 'AddOrganising1790000003600';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Trusted since PostgreSQL 13: who owns the database may create it.
      CREATE EXTENSION IF NOT EXISTS pg_trgm;

      -- The part of the status that does not change by the clock. Like used_up it changes with the last use only, so
      -- that the uses before stay heap-only updates.
      ALTER TABLE codes.codes
        ADD COLUMN phase text NOT NULL GENERATED ALWAYS AS (CASE
          WHEN state <> 'active' THEN state
          WHEN expired_told THEN 'expired'
          WHEN scans_used >= max_scans THEN 'exhausted'
          ELSE 'live' END) STORED;

      -- The orders. Archived codes have their own: they are asked for by their status, and never among the others.
      DROP INDEX codes.codes_workspace_id_created_at_id_idx;
      CREATE INDEX codes_by_creation ON codes.codes (workspace_id, created_at, id) WHERE state <> 'archived';
      CREATE INDEX codes_by_update ON codes.codes (workspace_id, updated_at, id) WHERE state <> 'archived';
      CREATE INDEX codes_by_title ON codes.codes (workspace_id, (${TITLE_KEY}), id) WHERE state <> 'archived';
      CREATE INDEX codes_by_expiry ON codes.codes (workspace_id, (${EXPIRY_KEY}), id) WHERE state <> 'archived';

      -- Those of a partial index are not used: without these, every end would be taken for that of a third of the codes.
      CREATE STATISTICS codes.codes_expiry ON (${EXPIRY_KEY}) FROM codes.codes;
      CREATE INDEX codes_archived_by_update ON codes.codes (workspace_id, updated_at, id) WHERE state = 'archived';
      CREATE INDEX codes_archived_by_title ON codes.codes (workspace_id, (${TITLE_KEY}), id) WHERE state = 'archived';
      CREATE INDEX codes_archived_by_expiry ON codes.codes (workspace_id, (${EXPIRY_KEY}), id) WHERE state = 'archived';

      -- The filters, each in the order of creation; that of the phase has the archived ones in this order, too.
      CREATE INDEX codes_by_phase ON codes.codes (workspace_id, phase, created_at, id);
      CREATE INDEX codes_by_kind ON codes.codes (workspace_id, kind, created_at, id)
        WHERE kind <> 'link' AND state <> 'archived';
      CREATE INDEX codes_by_campaign ON codes.codes (workspace_id, campaign, created_at, id)
        WHERE campaign IS NOT NULL AND state <> 'archived';
      CREATE INDEX codes_by_owner ON codes.codes (workspace_id, owner, created_at, id)
        WHERE owner IS NOT NULL AND state <> 'archived';
      CREATE INDEX codes_with_password ON codes.codes (workspace_id, created_at, id)
        WHERE password_hash IS NOT NULL AND state <> 'archived';
      CREATE INDEX codes_scheduled ON codes.codes (workspace_id, active_from) WHERE active_from IS NOT NULL AND state = 'active';
      DROP INDEX codes.codes_workspace_id_folder_created_at_id_idx;
      -- By bytes, so that a folder and everything below it is one range.
      CREATE INDEX codes_by_folder ON codes.codes (workspace_id, folder text_pattern_ops)
        WHERE folder IS NOT NULL AND state <> 'archived';
      CREATE INDEX codes_by_text ON codes.codes USING gin ((${SEARCHED_TEXT}) gin_trgm_ops);

      -- How many codes have a tag, are in a folder or in a campaign. Changes are appended, so that two calls that use one
      -- tag never wait for each other, and are added up in the background; a reader adds the two.
      CREATE TABLE codes.labels (
        workspace_id uuid NOT NULL,
        kind text NOT NULL CHECK (kind IN ('tag', 'folder', 'campaign')),
        name text NOT NULL,
        codes integer NOT NULL,
        PRIMARY KEY (workspace_id, kind, name)
      );
      CREATE TABLE codes.label_changes (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        workspace_id uuid NOT NULL,
        kind text NOT NULL,
        name text NOT NULL,
        codes integer NOT NULL
      );
      CREATE INDEX ON codes.label_changes (workspace_id, kind);
      INSERT INTO codes.labels (workspace_id, kind, name, codes)
        SELECT workspace_id, kind, name, count(DISTINCT id) FROM (
          SELECT workspace_id, id, 'tag' AS kind, unnest(tags) AS name FROM codes.codes WHERE state <> 'archived'
          UNION ALL
          SELECT workspace_id, id, 'folder', folder FROM codes.codes WHERE folder IS NOT NULL AND state <> 'archived'
          UNION ALL
          SELECT workspace_id, id, 'campaign', campaign FROM codes.codes
            WHERE campaign IS NOT NULL AND state <> 'archived') AS label
        GROUP BY workspace_id, kind, name;

      CREATE TABLE codes.saved_filters (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        name text NOT NULL,
        query jsonb NOT NULL,
        version integer NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        created_by text NOT NULL,
        UNIQUE (workspace_id, name)
      );

      -- What bulk calls have done so far. With an Idempotency-Key, the ids of the codes follow from the run's id, so that
      -- the same call again finds what it made.
      CREATE TABLE codes.bulk_runs (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        operation text NOT NULL,
        key_hash bytea UNIQUE,
        request_hash bytea,
        rows integer NOT NULL DEFAULT 0,
        failed integer NOT NULL DEFAULT 0,
        started_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        finished_at timestamptz,
        started_by text NOT NULL
      );
      CREATE INDEX ON codes.bulk_runs (workspace_id, started_at, id);

      GRANT SELECT, INSERT, UPDATE ON codes.labels TO signet_enrollment;
      GRANT SELECT, INSERT, DELETE ON codes.label_changes TO signet_enrollment;
      GRANT SELECT, INSERT, UPDATE, DELETE ON codes.saved_filters, codes.bulk_runs TO signet_enrollment;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}
