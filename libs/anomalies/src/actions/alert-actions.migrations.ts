import type { Migration, QueryRunner } from '@signet/platform';

class CreateAlertActions1790000009600 {
  name = 'CreateAlertActions1790000009600';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- What was done of itself for an alert, once: who resumes a code that was paused has the last word.
      CREATE TABLE codes.alert_actions (
        alert_id uuid NOT NULL,
        action text NOT NULL,
        code_id uuid NOT NULL,
        done_at timestamptz NOT NULL,
        PRIMARY KEY (alert_id, action)
      );
      CREATE INDEX ON codes.alert_actions (done_at);
      GRANT SELECT, INSERT, DELETE ON codes.alert_actions TO signet_enrollment;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

/** For the control plane; after those of codes. */
export const alertActionsMigrations: readonly Migration[] = [CreateAlertActions1790000009600];
