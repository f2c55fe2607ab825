import type { Migration, QueryRunner } from '@signet/platform';

class CreateAlerts1790000009400 {
  name = 'CreateAlerts1790000009400';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE SCHEMA IF NOT EXISTS analytics;

      CREATE TABLE analytics.alerts (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        kind text NOT NULL,
        severity text NOT NULL CHECK (severity IN ('low', 'medium', 'high', 'critical')),
        status text NOT NULL CHECK (status IN ('open', 'acknowledged', 'resolved')),
        sentence text NOT NULL,
        signal text NOT NULL,
        numbers jsonb NOT NULL,
        threshold jsonb NOT NULL,
        evidence uuid[] NOT NULL,
        code_id uuid,
        subject text,
        network text,
        actions text[] NOT NULL,
        step_up_until timestamptz,
        shadow boolean NOT NULL,
        muted boolean NOT NULL,
        count bigint NOT NULL,
        first_at timestamptz NOT NULL,
        last_at timestamptz NOT NULL,
        raised_at timestamptz NOT NULL,
        assignee text,
        acknowledged_at timestamptz,
        acknowledged_by text,
        resolved_at timestamptz,
        resolved_by text,
        resolution text,
        -- When it resolves unless it happens again; null: only by somebody.
        resolves_at timestamptz,
        dedupe_hash text COLLATE "C" NOT NULL,
        cool_until timestamptz NOT NULL
      ) WITH (fillfactor = 80);
      -- One open alert of a matter; what a rule in shadow mode finds is a matter of its own.
      CREATE UNIQUE INDEX alerts_open ON analytics.alerts (workspace_id, dedupe_hash, shadow) WHERE status <> 'resolved';
      CREATE INDEX alerts_of_matter ON analytics.alerts (workspace_id, dedupe_hash, cool_until);
      CREATE INDEX alerts_of_workspace ON analytics.alerts (workspace_id, raised_at, id);
      CREATE INDEX alerts_of_code ON analytics.alerts (code_id, raised_at, id) WHERE code_id IS NOT NULL;
      CREATE INDEX alerts_of_subject ON analytics.alerts (workspace_id, subject, raised_at, id) WHERE subject IS NOT NULL;
      CREATE INDEX alerts_to_resolve ON analytics.alerts (resolves_at) WHERE status <> 'resolved';
      CREATE INDEX alerts_resolved ON analytics.alerts (resolved_at) WHERE status = 'resolved';

      CREATE TABLE analytics.alert_mutes (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        kind text,
        code_id uuid,
        subject text,
        until timestamptz NOT NULL,
        reason text,
        created_at timestamptz NOT NULL,
        created_by text NOT NULL,
        CHECK (num_nonnulls(kind, code_id, subject) > 0)
      );
      CREATE INDEX alert_mutes_of_workspace ON analytics.alert_mutes (workspace_id, id);

      GRANT USAGE ON SCHEMA analytics, audit TO signet_analytics;
      GRANT SELECT, INSERT, UPDATE, DELETE ON analytics.alerts, analytics.alert_mutes TO signet_analytics;
      GRANT INSERT ON audit.entries TO signet_analytics;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

export const alertsMigrations: readonly Migration[] = [CreateAlerts1790000009400];
