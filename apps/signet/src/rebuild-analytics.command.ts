import { RollupRebuild, RollupWriter } from '@signet/analytics';
import { topics } from '@signet/contracts';
import { configOrExit, type Platform } from '@signet/platform';
import { InvalidArgumentError } from 'commander';
import { withStores } from './with-stores.js';

const DAY_MS = 86_400_000;

export interface RebuildOptions {
  from: Date;
  to: Date;
  source: 'raw' | 'log';
}

/**
 * Makes the rollups of UTC days anew from the raw scans; before it, with `--source log`, counts what the log still has
 * and the raw scans lack. While the services run, counting waits for the day in hand; the embedded stores are one
 * process's, so there `signet start` has to be stopped first.
 */
export async function rebuildAnalytics({ from, to, source }: RebuildOptions): Promise<void> {
  await withStores(configOrExit([], {}).values, { service: 'rebuild' }, (platform) =>
    rebuildDays(platform, { from, to, source }, (line) => void process.stdout.write(`${line}\n`)),
  );
}

/** @param from the UTC day of this instant is the first, that of `to` the last */
export async function rebuildDays(
  { dataSource, eventLog, clock }: Pick<Platform, 'dataSource' | 'eventLog' | 'clock'>,
  { from, to, source }: RebuildOptions,
  say: (line: string) => void,
): Promise<void> {
  const rebuild = new RollupRebuild(dataSource, new RollupWriter(dataSource, clock), eventLog);
  if (source === 'log') {
    await eventLog.ensureTopics(Object.values(topics));
    const { read, added, tooLate } = await rebuild.addMissingFromLog(from, clock.now());
    say(`${read} records of the log: ${added} were not counted and are now, ${tooLate} are too late to be counted`);
  }
  if (from > to) throw new Error('--from is after --to');
  let changed = 0;
  for (let at = from.getTime() - (from.getTime() % DAY_MS); at <= to.getTime(); at += DAY_MS) {
    const date = new Date(at).toISOString().slice(0, 10);
    const day = await rebuild.rebuildDay(new Date(at));
    if (!day) {
      say(`${date}: left as it is, its raw scans are no longer kept`);
      continue;
    }
    if (day.before !== day.after) changed += 1;
    say(`${date}: ${day.after} events${day.before === day.after ? '' : `, were ${day.before}`}`);
  }
  say(changed === 0 ? 'Every day counts what it counted before.' : `${changed} days count otherwise than before.`);
}

/** @throws InvalidArgumentError */
export function toInstant(text: string): Date {
  const at = new Date(text);
  if (!/^\d{4}-\d\d-\d\d(T|$)/.test(text) || Number.isNaN(at.getTime()))
    throw new InvalidArgumentError('It must be a date such as 2026-03-04, or an RFC 3339 time.');
  return at;
}
