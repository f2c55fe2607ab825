import type { Migration, QueryRunner } from '@signet/platform';

class CreatePolicies1790000004050 {
  name = 'CreatePolicies1790000004050';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE SCHEMA policies;
      CREATE TABLE policies.policies (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        -- A copy of what the terms say, to read them in the order in which they decide.
        priority int NOT NULL,
        terms jsonb NOT NULL,
        version int NOT NULL,
        required_since timestamptz,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        deleted_at timestamptz
      );
      CREATE INDEX ON policies.policies (workspace_id, priority DESC, id) WHERE deleted_at IS NULL;
      CREATE TABLE policies.versions (
        policy_id uuid NOT NULL REFERENCES policies.policies,
        version int NOT NULL,
        at timestamptz NOT NULL,
        by text NOT NULL,
        action text NOT NULL CHECK (action IN ('created', 'updated', 'deleted')),
        terms jsonb NOT NULL,
        PRIMARY KEY (policy_id, version)
      );

      GRANT USAGE ON SCHEMA policies TO signet_enrollment, signet_verification;
      GRANT SELECT, INSERT, UPDATE (priority, terms, version, required_since, updated_at, deleted_at)
        ON policies.policies TO signet_enrollment;
      GRANT SELECT, INSERT ON policies.versions TO signet_enrollment;
      GRANT SELECT ON policies.policies TO signet_verification;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

export const policiesMigrations: readonly Migration[] = [CreatePolicies1790000004050];
