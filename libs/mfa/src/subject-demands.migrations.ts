import type { QueryRunner } from '@signet/platform';

/** Of whom more is demanded for a time, because of an alert. */
export class DemandStepUp1790000004600 {
  name = 'DemandStepUp1790000004600';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE mfa.subject_demands (
        subject_id uuid PRIMARY KEY REFERENCES mfa.subjects ON DELETE CASCADE,
        since timestamptz NOT NULL,
        until timestamptz NOT NULL,
        alert_id uuid NOT NULL
      );
      -- By which a demand is met.
      CREATE INDEX verifications_met ON mfa.verifications (subject_id, at)
      WHERE step_up_of IS NOT NULL AND result = 'accepted';
      GRANT SELECT, INSERT, UPDATE, DELETE ON mfa.subject_demands TO signet_enrollment;
      GRANT SELECT ON mfa.subject_demands TO signet_verification;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}
