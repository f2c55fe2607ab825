import type { QueryRunner } from '@signet/platform';

/** Logs that are not kept for ever: up to where each was cut, and the one way in which entries go. */
export class CutAudit1790000001400 {
  name = 'CutAudit1790000001400';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Entries up to this one are no part of the log any more; 0: it begins with its first.
      ALTER TABLE audit.heads ADD COLUMN cut_seq bigint NOT NULL DEFAULT 0;
      CREATE FUNCTION audit.remove_cut(most int) RETURNS bigint
      LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        WITH removed AS (
          DELETE FROM audit.entries WHERE ctid = ANY(ARRAY(
            SELECT e.ctid FROM audit.heads h JOIN audit.entries e ON e.workspace_id = h.workspace_id AND e.seq <= h.cut_seq
            WHERE h.cut_seq > 0 LIMIT most))
          RETURNING 1)
        SELECT count(*) FROM removed
      $$;
      REVOKE EXECUTE ON FUNCTION audit.remove_cut FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION audit.remove_cut TO signet_enrollment;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}
