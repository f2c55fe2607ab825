import type { QueryRunner } from '@signet/platform';

/** What analytics may know of a code beside whose it is: its labels, and neither its slug nor its target (ADR 27). */
export class GrantLabelsToAnalytics1790000003700 {
  name = 'GrantLabelsToAnalytics1790000003700';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'GRANT SELECT (tags, folder, campaign, domain, state, phase) ON codes.codes TO signet_analytics',
    );
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}
