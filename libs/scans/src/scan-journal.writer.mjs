// A process that appends scans until it is killed, and tells its parent the ids that were acknowledged; or that the
// journal was refused to it. It runs the sources.
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { transformSync } from '@swc/core';

const swc = JSON.parse(readFileSync(new URL('../../../.swcrc', import.meta.url), 'utf8'));
registerHooks({
  resolve: (specifier, context, next) =>
    specifier.startsWith('.') && context.parentURL?.endsWith('.ts')
      ? next(specifier.replace(/\.js$/, '.ts'), context)
      : next(specifier, context),
  load(url, context, next) {
    if (!url.endsWith('.ts')) return next(url, context);
    const filename = fileURLToPath(url);
    const { code } = transformSync(readFileSync(filename, 'utf8'), { ...swc, filename, swcrc: false });
    return { format: 'module', source: code, shortCircuit: true };
  },
});
const { Registry, SystemClock } = await import('@signet/platform');
const { pino } = await import('pino');
const { ScanJournal } = await import('./scan-journal.ts');

const [directory, count = 'Infinity'] = process.argv.slice(2);
const clock = new SystemClock();
const scan = () => ({ outcome: 'redirected', at: clock.now().getTime() });
try {
  const journal = await ScanJournal.open({
    directory,
    maxBytes: 1e9,
    clock,
    metrics: new Registry(),
    logger: pino({ level: 'silent' }),
  });
  let folded = 0;
  for (let appended = 0; appended < Number(count); appended += 20) {
    const ids = await Promise.all(Array.from({ length: 20 }, () => journal.append(scan())));
    folded += ids.filter((id) => id === undefined).length;
    process.send({ acknowledged: ids.filter((id) => id !== undefined) });
  }
  process.send({ folded, depth: journal.depth, trouble: journal.trouble }, () => process.disconnect());
} catch (error) {
  process.send({ refused: error.message }, () => process.disconnect());
}
