import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ScanEventSchema, type ScanEvent } from '@signet/contracts';
import { ManualClock, newId, Registry } from '@signet/platform';
import { testLogger } from '@signet/testing';
import { framesIn } from './journal-frame.js';
import { readSegment } from './journal-segment.js';
import type { ScanFacts } from './scan-facts.js';
import { ScanJournal, type ScanJournalOptions } from './scan-journal.js';

const directories: string[] = [];
function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'signet-journal-'));
  directories.push(directory);
  return directory;
}
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

const clock = new ManualClock(new Date('2026-11-24T12:34:56.789Z'));
const openJournal = (directory: string, options: Partial<ScanJournalOptions> = {}): Promise<ScanJournal> =>
  ScanJournal.open({
    directory,
    maxBytes: 100_000_000,
    clock,
    logger: testLogger(),
    metrics: new Registry(),
    ...options,
  });

const scanOf = (facts: Partial<ScanFacts> = {}): ScanFacts => ({
  outcome: 'redirected',
  at: clock.now().getTime(),
  ...facts,
});
const eventsIn = (journal: ScanJournal): ScanEvent[] =>
  journal.oldest(1_000_000).records.map(({ value }) => ScanEventSchema.parse(JSON.parse(value.toString())));
const appendMany = (journal: ScanJournal, count: number): Promise<(string | undefined)[]> =>
  Promise.all(Array.from({ length: count }, () => journal.append(scanOf())));

/** The file of a journal that has had only a few scans. */
function segmentOf(directory: string): string {
  const folder = join(directory, 'segments');
  const [name = '', ...others] = readdirSync(folder);
  expect(others).toEqual([]);
  return join(folder, name);
}

describe('ScanJournal', () => {
  it('makes of a scan the CloudEvent that it is everywhere, the same each time', async () => {
    const journal = await openJournal(newDirectory());
    const codeId = newId();
    const whereFrom = { ip: '203.0.113.0', visitor: '0123456789abcdef', country: 'DE', language: 'de' };
    const scan = { workspaceId: newId(), codeId, slug: 'größe', codeVersion: 3, ...whereFrom };
    const userAgent = `Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:128.0) "ß" Gecko/20100101 Firefox/128.0`;
    const id = await journal.append(scanOf({ ...scan, userAgent, isPrefetch: true }));
    const { records } = journal.oldest(10);
    expect(records.map(({ key }) => key)).toEqual([codeId]);
    expect(JSON.parse(String(records[0]?.value))).toEqual({
      specversion: '1.0',
      id,
      source: journal.source,
      type: 'scan.recorded',
      subject: codeId,
      time: '2026-11-24T12:34:56.789Z',
      datacontenttype: 'application/json',
      dataschema: 'urn:signet:event:scan.recorded:v1',
      data: {
        ...scan,
        outcome: 'redirected',
        at: '2026-11-24T12:34:56.789Z',
        deviceType: 'desktop',
        os: 'Linux',
        browser: 'Firefox',
        bot: false,
        preview: true,
      },
      sequence: '1',
    });
    expect(journal.oldest(10).records).toEqual(records);
    expect(journal.source).toMatch(/^\/signet\/redirect\/[0-9a-f-]{36}$/);
    expect(eventsIn(journal)).toHaveLength(1);
    await journal.close();
  });

  it('writes the scans of one turn of the event loop at once, whole or not at all', async () => {
    const directory = newDirectory();
    const journal = await openJournal(directory);
    const writes = (): number => readSegment(segmentOf(directory)).filter(({ isContinued }) => !isContinued).length;
    await journal.append(scanOf());
    const before = writes();
    await appendMany(journal, 500);
    expect(writes()).toBe(before + 1);
    await journal.close();
  });

  it('numbers without gaps across restarts, also when everything was shipped in between', async () => {
    const directory = newDirectory();
    let journal = await openJournal(directory);
    const { source } = journal;
    const sequences: string[] = [];
    for (const count of [30, 1, 20]) {
      await appendMany(journal, count);
      sequences.push(...eventsIn(journal).map(({ sequence }) => sequence));
      await journal.remove(journal.oldest(1000));
      expect(journal.depth).toBe(0);
      await journal.close();
      journal = await openJournal(directory);
      expect(journal.source).toBe(source);
    }
    expect(sequences).toEqual(Array.from({ length: 51 }, (_, index) => String(index + 1)));
    await journal.close();
  });

  it('has after a kill -9 every scan that was acknowledged', async () => {
    const directory = newDirectory();
    const acknowledged = new Set<string>();
    for (let round = 1; round <= 2; round++) {
      const writer = startWriter(directory);
      const target = acknowledged.size + 200;
      await new Promise<void>((resolve, reject) => {
        writer.on('message', (message: { acknowledged?: string[] }) => {
          if (!message.acknowledged) return reject(new Error(JSON.stringify(message)));
          for (const id of message.acknowledged) acknowledged.add(id);
          if (acknowledged.size >= target) resolve();
        });
      });
      writer.kill('SIGKILL');
      await once(writer, 'exit');
    }
    const journal = await openJournal(directory);
    const events = eventsIn(journal);
    const ids = new Set(events.map(({ id }) => id));
    expect([...acknowledged].filter((id) => !ids.has(id))).toEqual([]);
    expect(events.map(({ sequence }) => Number(sequence))).toEqual(events.map((_, index) => index + 1));
    expect(journal.depth).toBe(events.length);
    await journal.close();
  });

  it('is refused to a second process while the first lives, with words that help', async () => {
    const directory = newDirectory();
    const journal = await openJournal(directory);
    await expect(openJournal(directory)).rejects.toThrow('in use by another Signet process');
    const other = startWriter(directory);
    const [message] = await once(other, 'message');
    expect(message).toEqual({ refused: expect.stringContaining('in use by another Signet process') });
    await journal.close();
  });

  it('is not opened beside a journal in the former format, and says what to do', async () => {
    const directory = newDirectory();
    writeFileSync(join(directory, 'journal.mdb'), 'scans');
    await expect(openJournal(directory)).rejects.toThrow(/journal\.mdb is .* former format.*signet_journal_depth is 0/);
    rmSync(join(directory, 'journal.mdb'));
    await (await openJournal(directory)).close();
  });

  it.each([
    { what: 'a byte of an entry', offset: 50 },
    { what: 'a byte of what says where it ends', offset: -8 },
  ])('names scans of which $what is damaged, leaves them out and keeps the rest', async ({ offset }) => {
    const directory = newDirectory();
    let journal = await openJournal(directory);
    for (const count of [2, 3, 1]) await appendMany(journal, count);
    await journal.close();
    const bytes = readFileSync(segmentOf(directory));
    const damaged = [...framesIn(bytes)].find(({ place, kind }) => place === 3 && kind === 'entries');
    const at = (damaged?.end ?? 0) - (damaged?.bytes.length ?? 0) + offset;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(segmentOf(directory), bytes);

    const logger = testLogger();
    const named: unknown[] = [];
    logger.error = (facts: unknown) => named.push(facts);
    journal = await openJournal(directory, { logger });
    expect(journal.depth).toBe(6);
    expect(eventsIn(journal).map(({ sequence }) => sequence)).toEqual(['1', '2', '6']);
    expect(named).toEqual([{ source: journal.source, from: 3, through: 5 }]);
    await journal.remove(journal.oldest(10));
    expect(journal.depth).toBe(0);
    await journal.append(scanOf());
    expect(eventsIn(journal).map(({ sequence }) => sequence)).toEqual(['7']);
    await journal.close();
  });

  it('counts what no longer fits by workspace, code, outcome and hour, and ships each count as one event', async () => {
    const directory = newDirectory();
    const metrics = new Registry();
    let journal = await openJournal(directory, { maxEntries: 10, metrics });
    const code = { workspaceId: newId(), codeId: newId() };
    const scans = [
      ...Array.from({ length: 10 }, () => scanOf(code)),
      ...Array.from({ length: 7 }, () => scanOf(code)),
      ...Array.from({ length: 5 }, () => scanOf({ ...code, outcome: 'revoked' })),
      ...Array.from({ length: 3 }, () => scanOf({ outcome: 'not_found' })),
      scanOf({ ...code, at: Date.parse('2026-11-24T13:00:00.000Z') }),
    ];
    const ids = await Promise.all(scans.map((scan) => journal.append(scan)));
    expect(ids.filter((id) => id !== undefined)).toHaveLength(10);
    expect(journal.trouble).toContain('full');
    expect(await metrics.getSingleMetricAsString('signet_journal_folded_total')).toContain('{reason="full"} 16');

    await journal.close();
    journal = await openJournal(directory, { maxEntries: 10 });
    await journal.append(scanOf(code));
    await journal.remove(journal.oldest(10));
    expect(journal.trouble).toBeUndefined();
    await journal.unfold();
    expect(journal.hasFolded).toBe(false);
    const folded = eventsIn(journal);
    expect(folded.map(({ type, data }) => ({ type, data }))).toEqual(
      expect.arrayContaining([
        { type: 'scan.folded', data: { ...code, outcome: 'redirected', hour: '2026-11-24T12:00:00.000Z', count: 8 } },
        { type: 'scan.folded', data: { ...code, outcome: 'revoked', hour: '2026-11-24T12:00:00.000Z', count: 5 } },
        { type: 'scan.folded', data: { outcome: 'not_found', hour: '2026-11-24T12:00:00.000Z', count: 3 } },
        { type: 'scan.folded', data: { ...code, outcome: 'redirected', hour: '2026-11-24T13:00:00.000Z', count: 1 } },
      ]),
    );
    expect(folded).toHaveLength(4);
    expect(folded.map(({ sequence }) => sequence)).toEqual(['11', '12', '13', '14']);
    await journal.close();
    journal = await openJournal(directory);
    expect(eventsIn(journal)).toEqual(folded);
    await journal.close();
  });

  it('folds by bytes, too', async () => {
    const journal = await openJournal(newDirectory(), { maxBytes: 50_000 });
    const ids = await appendMany(journal, 1000);
    const kept = ids.filter((id) => id !== undefined).length;
    expect(kept).toBeGreaterThan(300);
    expect(kept).toBeLessThan(800);
    expect(journal.depth).toBe(kept);
    await journal.close();
  });

  it('answers with a count in memory when the disk takes nothing more', async () => {
    const limit = `ulimit -f 256; exec "$0" "$@"`;
    const directory = newDirectory();
    const args = ['--conditions=@signet/source', writerFile, directory, '2000'];
    const writer = spawn('/bin/sh', ['-c', limit, process.execPath, ...args], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    let kept = 0;
    const end = await new Promise<{ folded: number; trouble: string }>((resolve, reject) => {
      writer.on('exit', (code) => reject(new Error(`ended with ${code}`)));
      writer.on(
        'message',
        (message: { acknowledged?: string[]; folded: number; trouble: string; refused?: string }) => {
          if (message.refused !== undefined) reject(new Error(message.refused));
          if (message.acknowledged) kept += message.acknowledged.length;
          else resolve(message);
        },
      );
    });
    expect(kept).toBeGreaterThan(0);
    expect(kept + end.folded).toBe(2000);
    expect(end.trouble).toContain('cannot be written');
    // Of what the disk refused nothing is left on it.
    const journal = await openJournal(directory);
    expect(eventsIn(journal)).toHaveLength(kept);
    await journal.close();
  });
});

const writerFile = fileURLToPath(new URL('./scan-journal.writer.mjs', import.meta.url));
const startWriter = (directory: string): ChildProcess =>
  fork(writerFile, [directory], { execArgv: ['--conditions=@signet/source'] });
