import type { QueryRunner } from '@signet/platform';

/** Whoever checks a code learns who issued it, also of a workspace without a brand. */
export class ShowWorkspaceNames1790000002300 {
  name = 'ShowWorkspaceNames1790000002300';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      GRANT USAGE ON SCHEMA access TO signet_redirect;
      GRANT SELECT (id, name) ON access.workspaces TO signet_redirect;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}
