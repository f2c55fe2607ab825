import type { Migration, QueryRunner } from '@signet/platform';

class CreateFiles1790000002700 {
  name = 'CreateFiles1790000002700';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE SCHEMA files;
      CREATE TABLE files.files (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        -- Of its content in the store. A replacement has another one.
        object_id uuid NOT NULL UNIQUE,
        name text NOT NULL,
        content_type text NOT NULL,
        bytes bigint NOT NULL,
        sha256 bytea NOT NULL CHECK (length(sha256) = 32),
        revision integer NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        created_by text NOT NULL
      );
      CREATE INDEX ON files.files (workspace_id, created_at DESC, id DESC);

      -- The codes that give a file, or show it as a picture, and can still do so: none is revoked or archived.
      CREATE TABLE files.uses (
        code_id uuid NOT NULL,
        file_id uuid NOT NULL REFERENCES files.files,
        PRIMARY KEY (code_id, file_id)
      );
      CREATE INDEX ON files.uses (file_id);

      -- What is in the store, or may be, and belongs to no file: written down before the store is told, so that a
      -- crash at any moment leaves nothing that is not known. A doomed object can no longer become a file's.
      CREATE TABLE files.loose_objects (
        id uuid PRIMARY KEY,
        remove_after timestamptz NOT NULL,
        doomed boolean NOT NULL DEFAULT false
      );
      CREATE INDEX ON files.loose_objects (remove_after);

      -- One key a UTC day, with which redirects sign that somebody was let in to a protected file.
      CREATE TABLE files.grant_keys (day date PRIMARY KEY, key bytea NOT NULL CHECK (length(key) = 32));

      GRANT USAGE ON SCHEMA files TO signet_enrollment, signet_redirect;
      GRANT SELECT, INSERT, UPDATE, DELETE ON files.files, files.uses, files.loose_objects TO signet_enrollment;
      GRANT SELECT ON files.files TO signet_redirect;
      GRANT SELECT, INSERT, DELETE ON files.grant_keys TO signet_redirect;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

export const filesMigrations: readonly Migration[] = [CreateFiles1790000002700];
