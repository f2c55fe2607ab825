import type { Migration, QueryRunner } from '@signet/platform';

class CreateVisitorSalts1790000005000 {
  name = 'CreateVisitorSalts1790000005000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE SCHEMA scans;
      -- One salt a UTC day for all redirects; what it hashed cannot be traced back once it is deleted.
      CREATE TABLE scans.visitor_salts (day date PRIMARY KEY, salt bytea NOT NULL CHECK (length(salt) = 16));

      GRANT USAGE ON SCHEMA scans TO signet_redirect;
      GRANT SELECT, INSERT, DELETE ON scans.visitor_salts TO signet_redirect;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

export const scansMigrations: readonly Migration[] = [CreateVisitorSalts1790000005000];
