import type { QueryRunner } from '@signet/platform';

/** Whoever issued a secret code hears of its end from a row, which is written in the transaction that ends it. */
export class TellOfEndedSecretCodes1790000003950 {
  name = 'TellOfEndedSecretCodes1790000003950';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE codes.ended_secret_codes (
        code_id uuid PRIMARY KEY REFERENCES codes.codes,
        kind text NOT NULL,
        ended_by text NOT NULL,
        reason text,
        ended_at timestamptz NOT NULL
      );
      GRANT SELECT, INSERT, DELETE ON codes.ended_secret_codes TO signet_enrollment;
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}

/** The use of an enrollment's code belongs to the transaction of its claim, which is the control plane's. */
export class LetEnrollmentUseSecretCodes1790000003900 {
  name = 'LetEnrollmentUseSecretCodes1790000003900';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('GRANT INSERT ON codes.uses TO signet_enrollment');
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward');
  }
}
