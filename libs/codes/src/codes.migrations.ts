import { domainsMigrations } from '@signet/domains';
import { filesMigrations } from '@signet/files';
import type { Migration, QueryRunner } from '@signet/platform';
import { GrantLabelsToAnalytics1790000003700 } from './analytics-grants.migrations.js';
import { AddBulk1790000003800 } from './bulk/bulk.migrations.js';
import { KeepSlugsOfHosts1790000003460 } from './host-slugs.migrations.js';
import { AddOrganising1790000003600 } from './search/organising.migrations.js';
import {
  LetEnrollmentUseSecretCodes1790000003900,
  TellOfEndedSecretCodes1790000003950,
} from './secret-codes.migrations.js';
import { AddTargetSafety1790000003500 } from './target-safety.migrations.js';

class CreateCodes1790000003000 {
  name = 'CreateCodes1790000003000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE SCHEMA codes;
      -- The truth of every code. Room in the pages keeps the count of uses a heap-only update. No CHECK may compare
      -- scans_used with max_scans: PostgreSQL checks an UPDATE first on the row version of its snapshot, before it finds
      -- a newer one, so that claims would fail while somebody raises the limit.
      CREATE TABLE codes.codes (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        slug text,
        slug_key text NOT NULL UNIQUE,
        kind text NOT NULL,
        state text NOT NULL CHECK (state IN ('active', 'paused', 'revoked', 'archived')),
        version integer NOT NULL,
        target jsonb NOT NULL,
        title text,
        tags text[] NOT NULL,
        folder text,
        active_from timestamptz,
        expires_at timestamptz,
        max_scans integer,
        claim_mode text CHECK (claim_mode IN ('interstitial', 'direct')),
        scans_used integer NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        created_by text NOT NULL,
        revoked_reason text
      ) WITH (fillfactor = 85);
      CREATE INDEX ON codes.codes (workspace_id, created_at, id);
      CREATE INDEX ON codes.codes (workspace_id, folder, created_at, id) WHERE folder IS NOT NULL;
      CREATE INDEX ON codes.codes USING gin (tags);

      CREATE TABLE codes.versions (
        code_id uuid NOT NULL REFERENCES codes.codes,
        version integer NOT NULL,
        at timestamptz NOT NULL,
        by text NOT NULL,
        action text NOT NULL,
        changes jsonb NOT NULL,
        PRIMARY KEY (code_id, version)
      );

      -- Each use of a limited code, written by the arbiter under the lock of the code's row. No foreign key: it would
      -- check again, once a use, what that lock has just shown. The two unique indexes are a second wall.
      CREATE TABLE codes.uses (
        code_id uuid NOT NULL,
        use_no integer NOT NULL,
        nonce_hash bytea,
        target_url text NOT NULL,
        at timestamptz NOT NULL,
        PRIMARY KEY (code_id, use_no)
      );
      CREATE UNIQUE INDEX ON codes.uses (code_id, nonce_hash) WHERE nonce_hash IS NOT NULL;

      -- Changes that CodeState has not confirmed.
      CREATE TABLE codes.unpropagated (
        code_id uuid PRIMARY KEY REFERENCES codes.codes,
        version integer NOT NULL,
        since timestamptz NOT NULL
      );

      GRANT USAGE ON SCHEMA codes TO signet_enrollment, signet_redirect, signet_analytics;
      GRANT SELECT, INSERT, UPDATE ON codes.codes TO signet_enrollment;
      GRANT SELECT, INSERT ON codes.versions TO signet_enrollment;
      GRANT SELECT, INSERT, UPDATE, DELETE ON codes.unpropagated TO signet_enrollment;
      GRANT SELECT (id, workspace_id, slug, slug_key, kind, state, version, target, active_from, expires_at, max_scans,
                    claim_mode, scans_used), UPDATE (scans_used) ON codes.codes TO signet_redirect;
      GRANT SELECT, INSERT ON codes.uses TO signet_redirect;
      GRANT SELECT (id, workspace_id) ON codes.codes TO signet_analytics;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

class AddCodeLifecycle1790000003100 {
  name = 'AddCodeLifecycle1790000003100';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE codes.codes
        ADD COLUMN reissued_from uuid REFERENCES codes.codes,
        ADD COLUMN reissued_as uuid REFERENCES codes.codes,
        -- Whether code.expired and code.exhausted are in the outbox.
        ADD COLUMN expired_told boolean NOT NULL DEFAULT false,
        ADD COLUMN exhausted_told boolean NOT NULL DEFAULT false,
        -- An index on the comparison itself would make each use of a code a change of that index; this column changes
        -- with the last use only, so the others stay heap-only.
        ADD COLUMN used_up boolean GENERATED ALWAYS AS (scans_used >= max_scans) STORED;
      -- One successor each; the service asks first, under the lock of the row.
      CREATE UNIQUE INDEX ON codes.codes (reissued_from) WHERE reissued_from IS NOT NULL;
      -- Endings that are to be told, and live codes that have an end.
      CREATE INDEX codes_expiring ON codes.codes (expires_at) WHERE state = 'active' AND NOT expired_told
        AND expires_at IS NOT NULL;
      CREATE INDEX codes_used_up ON codes.codes (id) WHERE state = 'active' AND NOT exhausted_told AND used_up;

      -- The editable fields as of that version; null in versions that were made before.
      ALTER TABLE codes.versions ADD COLUMN state jsonb, ADD COLUMN restored_version integer;
      -- When the last use was, for the event that tells of it.
      GRANT SELECT (code_id, use_no, at) ON codes.uses TO signet_enrollment;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

class AddRulesAndNotes1790000003200 {
  name = 'AddRulesAndNotes1790000003200';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE codes.codes
        ADD COLUMN rules jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN forward_query boolean NOT NULL DEFAULT false,
        ADD COLUMN utm jsonb,
        ADD COLUMN off_url text,
        -- Argon2id in PHC format.
        ADD COLUMN password_hash text,
        ADD COLUMN brand_id uuid,
        ADD COLUMN notes text,
        ADD COLUMN campaign text,
        ADD COLUMN owner text;
      GRANT SELECT (rules, forward_query, utm, off_url, password_hash, brand_id) ON codes.codes TO signet_redirect;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

class AddDomains1790000003450 {
  name = 'AddDomains1790000003450';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE codes.codes
        ADD COLUMN domain_id uuid,
        -- The host, which never changes; also of a domain that was removed.
        ADD COLUMN domain text,
        -- Keeps a domain from being removed while it has codes that are not archived, and lets it go afterwards.
        ADD COLUMN live_domain_id uuid GENERATED ALWAYS AS (CASE WHEN state <> 'archived' THEN domain_id END) STORED
          REFERENCES domains.domains;
      CREATE INDEX ON codes.codes (live_domain_id) WHERE live_domain_id IS NOT NULL;
      CREATE INDEX ON codes.codes (workspace_id, domain, created_at, id) WHERE domain IS NOT NULL;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

/** With those of the domains and files, which codes refer to. */
export const codesMigrations: readonly Migration[] = [
  CreateCodes1790000003000,
  AddCodeLifecycle1790000003100,
  AddRulesAndNotes1790000003200,
  ...domainsMigrations,
  ...filesMigrations,
  AddDomains1790000003450,
  KeepSlugsOfHosts1790000003460,
  AddTargetSafety1790000003500,
  AddOrganising1790000003600,
  GrantLabelsToAnalytics1790000003700,
  AddBulk1790000003800,
  LetEnrollmentUseSecretCodes1790000003900,
  TellOfEndedSecretCodes1790000003950,
];
