// A process that publishes records with the keys `firstKey`, `firstKey + 1` … until it is killed, and tells its parent
// how many are acknowledged; or that the log was refused to it. It runs the sources: Node strips their types.
import { registerHooks } from 'node:module';

registerHooks({
  resolve: (specifier, context, next) =>
    specifier.startsWith('.') && context.parentURL?.endsWith('.ts')
      ? next(specifier.replace(/\.js$/, '.ts'), context)
      : next(specifier, context),
});
const { pino } = await import('pino');
const { LmdbEventLog } = await import('./lmdb-event-log.ts');

const [directory, topic, firstKey] = process.argv.slice(2);
try {
  const log = new LmdbEventLog({ directory, logger: pino({ level: 'silent' }) });
  await log.ensureTopics([{ name: topic, partitions: 1, cleanup: 'delete', retentionDays: 1 }]);
  for (let next = Number(firstKey); ; next += 10) {
    const records = Array.from({ length: 10 }, (_, index) => ({ key: String(next + index), value: Buffer.alloc(300) }));
    await log.publish(topic, records);
    process.send({ acknowledged: next + 10 });
  }
} catch (error) {
  process.send({ refused: error.message });
  process.disconnect();
}
