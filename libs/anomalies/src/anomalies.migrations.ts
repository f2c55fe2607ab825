import type { Migration, QueryRunner } from '@signet/platform';

class CreateAnomalies1790000009500 {
  name = 'CreateAnomalies1790000009500';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- What is known of a subject, a code, a network or a workspace; moved in the transaction that moves the offset.
      CREATE TABLE analytics.anomaly_profiles (
        workspace_id uuid NOT NULL,
        scope text COLLATE "C" NOT NULL,
        name text COLLATE "C" NOT NULL,
        profile jsonb,
        seen_at timestamptz NOT NULL,
        -- When a code has been silent for too long, unless it is scanned before.
        silent_at timestamptz,
        PRIMARY KEY (workspace_id, scope, name)
      ) WITH (fillfactor = 70);
      CREATE INDEX anomaly_profiles_silent ON analytics.anomaly_profiles (silent_at) WHERE silent_at IS NOT NULL;
      CREATE INDEX anomaly_profiles_by_age ON analytics.anomaly_profiles (scope, seen_at);

      -- Every version of a workspace's rules; the newest is in force, without any the defaults are.
      CREATE TABLE analytics.anomaly_rules (
        workspace_id uuid NOT NULL,
        version int NOT NULL,
        rules jsonb NOT NULL,
        changed_at timestamptz NOT NULL,
        changed_by text NOT NULL,
        PRIMARY KEY (workspace_id, version)
      );

      GRANT SELECT, INSERT, UPDATE, DELETE ON analytics.anomaly_profiles TO signet_analytics;
      GRANT SELECT, INSERT ON analytics.anomaly_rules TO signet_analytics;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

export const anomaliesMigrations: readonly Migration[] = [CreateAnomalies1790000009500];
