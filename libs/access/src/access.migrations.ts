import type { Migration, QueryRunner } from '@signet/platform';
import { AddFileQuota1790000002600, AddQuotas1790000002200 } from './quotas.migrations.js';
import { ShowWorkspaceNames1790000002300 } from './workspace-names.migrations.js';

class CreateAccess1790000002000 {
  name = 'CreateAccess1790000002000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE SCHEMA access;
      CREATE TABLE access.workspaces (id uuid PRIMARY KEY, name text NOT NULL, created_at timestamptz NOT NULL);
      CREATE TABLE access.api_keys (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL REFERENCES access.workspaces,
        name text NOT NULL,
        key_hash bytea NOT NULL UNIQUE,
        prefix text NOT NULL,
        scopes text[] NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz,
        revoked_at timestamptz,
        last_used_at timestamptz
      );
      CREATE INDEX ON access.api_keys (workspace_id, id);
      -- Answers of creating calls, sealed, because some hold what is shown once.
      CREATE TABLE access.idempotent_answers (
        workspace_id uuid NOT NULL,
        key_hash bytea NOT NULL,
        request_hash bytea NOT NULL,
        answer bytea,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (workspace_id, key_hash)
      );
      CREATE INDEX ON access.idempotent_answers (created_at);

      GRANT USAGE ON SCHEMA access TO signet_enrollment, signet_verification, signet_analytics;
      GRANT SELECT, INSERT, UPDATE ON access.workspaces, access.api_keys TO signet_enrollment;
      GRANT SELECT ON access.workspaces TO signet_verification, signet_analytics;
      GRANT SELECT, UPDATE (last_used_at) ON access.api_keys TO signet_verification, signet_analytics;
      GRANT SELECT, INSERT, UPDATE, DELETE ON access.idempotent_answers TO signet_enrollment, signet_verification;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

export const accessMigrations: readonly Migration[] = [
  CreateAccess1790000002000,
  AddQuotas1790000002200,
  ShowWorkspaceNames1790000002300,
  AddFileQuota1790000002600,
];
