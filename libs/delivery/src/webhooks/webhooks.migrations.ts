import { channelsMigrations } from '../notifications/channels.migrations.js';
import type { Migration, QueryRunner } from '@signet/platform';

class CreateWebhooks1790000008000 {
  name = 'CreateWebhooks1790000008000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE SCHEMA delivery;

      CREATE TABLE delivery.endpoints (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        url text NOT NULL,
        events text[] NOT NULL,
        description text,
        signature text NOT NULL CHECK (signature IN ('hmac', 'ed25519')),
        enabled boolean NOT NULL,
        disabled_reason text,
        failing_since timestamptz,
        version int NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        created_by text NOT NULL
      );
      CREATE INDEX ON delivery.endpoints (workspace_id, id);

      -- The newest signs, the others too until they expire.
      CREATE TABLE delivery.endpoint_keys (
        id uuid PRIMARY KEY,
        endpoint_id uuid NOT NULL REFERENCES delivery.endpoints ON DELETE CASCADE,
        sealed_secret bytea NOT NULL,
        public_key text,
        created_at timestamptz NOT NULL,
        expires_at timestamptz
      );
      CREATE INDEX ON delivery.endpoint_keys (endpoint_id, created_at);

      -- An event's bytes, once for all endpoints that are told of it.
      CREATE TABLE delivery.messages (
        event_id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        type text NOT NULL,
        body bytea NOT NULL,
        created_at timestamptz NOT NULL
      );
      CREATE INDEX ON delivery.messages (created_at);

      -- No foreign keys: a batch of the log must not fail because somebody deletes an endpoint meanwhile.
      CREATE TABLE delivery.deliveries (
        id uuid PRIMARY KEY,
        endpoint_id uuid NOT NULL,
        event_id uuid NOT NULL,
        state text NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
        attempts int NOT NULL DEFAULT 0,
        -- When it is due; while it is being sent, when it is taken for lost.
        next_attempt_at timestamptz,
        last_status int,
        last_failure text,
        created_at timestamptz NOT NULL,
        ended_at timestamptz,
        UNIQUE (endpoint_id, event_id)
      ) WITH (fillfactor = 80);
      CREATE INDEX deliveries_due ON delivery.deliveries (endpoint_id, next_attempt_at) WHERE state = 'pending';
      CREATE INDEX deliveries_of_endpoint ON delivery.deliveries (endpoint_id, created_at, id);
      CREATE INDEX ON delivery.deliveries (event_id);

      CREATE TABLE delivery.attempts (
        delivery_id uuid NOT NULL,
        number int NOT NULL,
        at timestamptz NOT NULL,
        milliseconds int NOT NULL,
        status int,
        failure text,
        response_type text,
        response_body text,
        PRIMARY KEY (delivery_id, number)
      );

      GRANT USAGE ON SCHEMA delivery TO signet_analytics;
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA delivery TO signet_analytics;
      GRANT SELECT, INSERT, UPDATE, DELETE ON access.idempotent_answers TO signet_analytics;
      GRANT USAGE ON SCHEMA audit TO signet_analytics;
      GRANT INSERT ON audit.entries TO signet_analytics;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

class EraseMessages1790000008100 {
  name = 'EraseMessages1790000008100';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Whom an event names; null for what names nobody, and for the notice of an erasure.
      ALTER TABLE delivery.messages ADD COLUMN subject text, ADD COLUMN erased_at timestamptz;
      UPDATE delivery.messages SET subject = convert_from(body, 'UTF8')::jsonb #>> '{data,subject}'
      WHERE type ~ '^(verification|enrollment|factor|subject)[.]';
      CREATE INDEX messages_of_subject ON delivery.messages (workspace_id, subject) WHERE subject IS NOT NULL;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

export const webhooksMigrations: readonly Migration[] = [
  CreateWebhooks1790000008000,
  EraseMessages1790000008100,
  ...channelsMigrations,
];
