import type { Migration, QueryRunner } from '@signet/platform';

class CreateChannels1790000009600 {
  name = 'CreateChannels1790000009600';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE delivery.channels (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        name text NOT NULL,
        kind text NOT NULL CHECK (kind IN ('email', 'slack', 'teams', 'syslog')),
        destination text NOT NULL,
        -- All of them: which are secret depends on the kind.
        sealed_settings bytea NOT NULL,
        min_severity text NOT NULL,
        alert_kinds text[],
        resolved boolean NOT NULL,
        digest_seconds int NOT NULL,
        enabled boolean NOT NULL,
        -- When the next message may go out; while one goes out, when it is taken for lost.
        next_at timestamptz NOT NULL,
        attempts int NOT NULL DEFAULT 0,
        last_sent_at timestamptz,
        last_failure text,
        failing_since timestamptz,
        version int NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        created_by text NOT NULL
      );
      CREATE INDEX ON delivery.channels (workspace_id, id);

      -- What waits to be told; gone when it was. No foreign key: a batch of the log must not fail because a channel goes.
      CREATE TABLE delivery.channel_alerts (
        channel_id uuid NOT NULL,
        event_id uuid NOT NULL,
        workspace_id uuid NOT NULL,
        subject text,
        alert jsonb NOT NULL,
        queued_at timestamptz NOT NULL,
        PRIMARY KEY (channel_id, event_id)
      );
      CREATE INDEX channel_alerts_of_subject ON delivery.channel_alerts (workspace_id, subject) WHERE subject IS NOT NULL;

      GRANT SELECT, INSERT, UPDATE, DELETE ON delivery.channels, delivery.channel_alerts TO signet_analytics;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

export const channelsMigrations: readonly Migration[] = [CreateChannels1790000009600];
