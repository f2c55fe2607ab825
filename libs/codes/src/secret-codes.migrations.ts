import type { QueryRunner } from '@signet/platform';

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
