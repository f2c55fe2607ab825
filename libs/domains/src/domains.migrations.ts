import type { Migration, QueryRunner } from '@signet/platform';

class CreateDomains1790000002500 {
  name = 'CreateDomains1790000002500';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE SCHEMA domains;
      CREATE TABLE domains.brands (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        name text NOT NULL,
        primary_color text NOT NULL,
        website text,
        support_email text,
        support_url text,
        is_default boolean NOT NULL,
        -- 0: no logo yet; otherwise part of its path, which is cached for good.
        logo_revision integer NOT NULL DEFAULT 0,
        has_logo boolean NOT NULL DEFAULT false,
        version integer NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL
      );
      CREATE INDEX ON domains.brands (workspace_id, created_at, id);
      CREATE UNIQUE INDEX ON domains.brands (workspace_id) WHERE is_default;

      CREATE TABLE domains.logos (
        brand_id uuid PRIMARY KEY REFERENCES domains.brands ON DELETE CASCADE,
        revision integer NOT NULL,
        content_type text NOT NULL,
        bytes bytea NOT NULL
      );

      CREATE TABLE domains.domains (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        host text NOT NULL,
        is_active boolean NOT NULL,
        -- What the DNS record of a domain that is not active must have.
        token text,
        case_sensitive boolean NOT NULL,
        slug_length integer NOT NULL,
        default_brand_id uuid REFERENCES domains.brands,
        not_found_url text,
        is_default boolean NOT NULL CHECK (is_active OR NOT is_default),
        version integer NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        UNIQUE (workspace_id, host)
      );
      -- Of workspaces that only say that a host is theirs there may be several.
      CREATE UNIQUE INDEX ON domains.domains (host) WHERE is_active;
      CREATE UNIQUE INDEX ON domains.domains (workspace_id) WHERE is_default;
      CREATE INDEX ON domains.domains (default_brand_id) WHERE default_brand_id IS NOT NULL;

      -- One row, raised by every change, so that a redirect learns with one small read whether there was any.
      CREATE TABLE domains.revision (only_row boolean PRIMARY KEY CHECK (only_row), revision bigint NOT NULL);
      INSERT INTO domains.revision (only_row, revision) VALUES (true, 1);

      GRANT USAGE ON SCHEMA domains TO signet_enrollment, signet_redirect;
      GRANT SELECT, INSERT, UPDATE, DELETE ON domains.domains, domains.brands, domains.logos TO signet_enrollment;
      GRANT SELECT, UPDATE (revision) ON domains.revision TO signet_enrollment;
      GRANT SELECT (id, workspace_id, host, is_active, case_sensitive, default_brand_id, not_found_url)
        ON domains.domains TO signet_redirect;
      GRANT SELECT (id, workspace_id, name, primary_color, website, support_email, support_url, is_default, logo_revision,
                    has_logo) ON domains.brands TO signet_redirect;
      GRANT SELECT ON domains.logos, domains.revision TO signet_redirect;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

class AddAppLinks1790000002550 {
  name = 'AddAppLinks1790000002550';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE domains.domains ADD COLUMN app_links jsonb;
      GRANT SELECT (app_links) ON domains.domains TO signet_redirect;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

export const domainsMigrations: readonly Migration[] = [CreateDomains1790000002500, AddAppLinks1790000002550];
