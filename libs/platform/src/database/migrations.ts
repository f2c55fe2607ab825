import { MigrationExecutor, type DataSource, type MigrationInterface } from 'typeorm';

export type Migration = new () => MigrationInterface;
export type { QueryRunner } from 'typeorm';

const ADVISORY_LOCK = 5_169_501;

/**
 * Runs what is pending of `dataSource`'s migrations, one process at a time. Each is plain SQL, forward only, and leaves
 * a schema on which the previous release still runs.
 * @returns the names of those that ran
 */
export async function runMigrations(dataSource: DataSource): Promise<string[]> {
  const runner = dataSource.createQueryRunner();
  await runner.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCK]);
  try {
    const executor = new MigrationExecutor(dataSource, runner);
    executor.transaction = 'each';
    const executed = await executor.executePendingMigrations();
    return executed.map(({ name }) => name);
  } finally {
    await runner.query('SELECT pg_advisory_unlock($1)', [ADVISORY_LOCK]);
    await runner.release();
  }
}

/** @returns the names of those that this release needs and the database lacks */
export async function pendingMigrations(dataSource: DataSource): Promise<string[]> {
  const pending = await new MigrationExecutor(dataSource).getPendingMigrations();
  return pending.map(({ name }) => name);
}
