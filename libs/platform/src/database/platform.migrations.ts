import type { MigrationInterface, QueryRunner } from 'typeorm';
import type { Migration } from './migrations.js';

class CreateRolesAndOutbox1790000000000 implements MigrationInterface {
  name = 'CreateRolesAndOutbox1790000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DO $$
      DECLARE service text;
      BEGIN
        FOREACH service IN ARRAY ARRAY['signet_enrollment', 'signet_redirect', 'signet_verification', 'signet_analytics'] LOOP
          IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = service) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', service);
          END IF;
        END LOOP;
      END $$;

      GRANT SELECT ON signet_migrations TO signet_enrollment, signet_redirect, signet_verification, signet_analytics;

      CREATE SCHEMA outbox;
      -- Debezium's column names. tx orders rows by commit-safe transaction, position within one.
      CREATE TABLE outbox.events (
        id uuid PRIMARY KEY,
        aggregatetype text NOT NULL,
        aggregateid text NOT NULL,
        type text NOT NULL,
        payload jsonb NOT NULL,
        timestamp timestamptz NOT NULL,
        tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
        position bigint GENERATED ALWAYS AS IDENTITY
      );
      CREATE INDEX ON outbox.events (tx, position);
      -- The gap-free counter of the CloudEvents source that the relay is.
      CREATE TABLE outbox.source (only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), next_sequence bigint NOT NULL);
      INSERT INTO outbox.source (next_sequence) VALUES (1);

      GRANT USAGE ON SCHEMA outbox TO signet_enrollment, signet_verification, signet_analytics;
      GRANT SELECT, INSERT, DELETE ON outbox.events TO signet_enrollment, signet_verification, signet_analytics;
      GRANT SELECT, UPDATE ON outbox.source TO signet_enrollment, signet_verification, signet_analytics;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

/** Roles of the services and the outbox; before every context's own. */
export const platformMigrations: readonly Migration[] = [CreateRolesAndOutbox1790000000000];
