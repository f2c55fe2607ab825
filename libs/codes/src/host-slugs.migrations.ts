import type { QueryRunner } from '@signet/platform';

/**
 * Makes a slug its host's for good. The key of a code begins with its domain's id, and a host that was removed and added
 * again is another domain; what was printed on it still says the host.
 */
export class KeepSlugsOfHosts1790000003460 {
  name = 'KeepSlugsOfHosts1790000003460';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- What follows the id of 36 characters and the slash: folded or hashed as the key is.
      CREATE UNIQUE INDEX codes_of_host ON codes.codes (domain, substr(slug_key, 38)) WHERE domain IS NOT NULL;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}
