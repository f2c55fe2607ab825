import { createLogger, WorkerPool, type SignetConfig } from '@signet/platform';
import { holdJournals } from '@signet/scans';

/**
 * The process before the workers of a redirect: it answers nothing itself, and holds the port, the journals' folder and
 * the workers. Ends when they have.
 */
export async function runPrimary(config: SignetConfig, service: string): Promise<void> {
  const { SIGNET_INSTANCE: instance, SIGNET_LOG_LEVEL: level, ...values } = config.values;
  const logger = createLogger({ service, instance, level });
  try {
    await holdJournals(config);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
  const pool = new WorkerPool({
    count: values.SIGNET_REDIRECT_WORKERS,
    shutdownSeconds: values.SIGNET_SHUTDOWN_SECONDS,
    logger,
    onEnd: (exitCode) => process.exit(exitCode),
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => pool.end(0));
  pool.start();
}
