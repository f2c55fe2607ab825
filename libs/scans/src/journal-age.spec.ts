import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ScanEventSchema, type ScanEvent } from '@signet/contracts';
import { ManualClock, newId, Registry } from '@signet/platform';
import { testLogger } from '@signet/testing';
import type { ScanFacts } from './scan-facts.js';
import { ScanJournal, type JournalBatch } from './scan-journal.js';

const HOUR_MS = 3_600_000;
const code = { workspaceId: newId(), codeId: newId() };

describe('scans that are too old for the journal', () => {
  const directory = mkdtempSync(join(tmpdir(), 'signet-journal-'));
  const clock = new ManualClock(new Date('2026-11-24T12:30:00.000Z'));
  let metrics: Registry;
  let journal: ScanJournal;
  const open = async (): Promise<void> => {
    metrics = new Registry();
    const bounds = { maxBytes: 100_000_000, maxAgeSeconds: 24 * 3600 };
    journal = await ScanJournal.open({ directory, ...bounds, clock, logger: testLogger(), metrics });
  };
  beforeAll(open);
  afterAll(async () => {
    await journal.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const append = async (count: number, facts: Partial<ScanFacts> = {}): Promise<(string | undefined)[]> =>
    Promise.all(
      Array.from({ length: count }, () =>
        journal.append({ ...code, outcome: 'redirected', at: clock.now().getTime(), ...facts }),
      ),
    );
  const eventsOf = ({ records }: JournalBatch): ScanEvent[] =>
    records.map(({ value }) => ScanEventSchema.parse(JSON.parse(value.toString())));
  const sequencesOf = (batch: JournalBatch): number[] => eventsOf(batch).map(({ sequence }) => Number(sequence));
  const foldAged = async (doubtful: JournalBatch): Promise<void> => {
    while (await journal.foldAged(doubtful));
  };

  it('become counts by hour, without those that the log may have taken, over a restart of the process', async () => {
    const tried = await append(3);
    const doubtful = journal.oldest(1);
    await append(200);
    await append(5, { outcome: 'revoked' });
    clock.advance(23 * HOUR_MS);
    const fresh = await append(4);
    await foldAged(doubtful);
    expect(journal.depth).toBe(212);

    clock.advance(1.5 * HOUR_MS);
    await foldAged(doubtful);
    await reopen();
    expect(journal.depth).toBe(7);
    expect(eventsOf(journal.oldest(3)).map(({ id }) => id)).toEqual(tried);
    await foldAged(doubtful);
    expect(journal.depth).toBe(7);
    // What the log takes first is what it may have; then what is left, numbered on without a gap.
    await journal.remove(journal.oldest(3));
    await journal.remove(journal.oldest(1));
    expect(eventsOf(journal.oldest(10)).map(({ id }) => id)).toEqual(fresh);
    expect(sequencesOf(journal.oldest(10))).toEqual([4, 5, 6, 7]);
    await journal.remove(journal.oldest(10));
    expect(journal.depth).toBe(0);

    await journal.unfold();
    const counts = journal.oldest(10);
    const hour = '2026-11-24T12:00:00.000Z';
    expect(eventsOf(counts).map(({ data }) => data)).toEqual([
      { ...code, outcome: 'redirected', hour, count: 200 },
      { ...code, outcome: 'revoked', hour, count: 5 },
    ]);
    expect(sequencesOf(counts)).toEqual([8, 9]);
    await journal.remove(counts);
  });

  async function reopen(): Promise<void> {
    expect(journal.trouble).toContain('longer than 24 h');
    expect(await metrics.getSingleMetricAsString('signet_journal_folded_total')).toContain('{reason="aged"} 205');
    await journal.close();
    await open();
  }

  it('are folded little by little as they come of age, and their counts once more when these do', async () => {
    await append(1);
    const doubtful = journal.oldest(1);
    for (let hour = 0; hour < 30; hour += 1) {
      await append(10);
      clock.advance(HOUR_MS);
      await foldAged(doubtful);
    }
    expect(journal.depth).toBe(1 + 240);
    await journal.unfold();
    expect(journal.depth).toBe(1 + 240 + 6);
    clock.advance(25 * HOUR_MS);
    await foldAged(doubtful);
    expect(journal.depth).toBe(1);
    const { data, sequence } = eventsOf(doubtful)[0] ?? {};
    expect([data, sequence]).toEqual([expect.objectContaining({ outcome: 'redirected' }), '10']);

    await append(2);
    await journal.remove(journal.oldest(1));
    await journal.remove(journal.oldest(1));
    expect(sequencesOf(journal.oldest(10))).toEqual([11, 12]);
    await journal.remove(journal.oldest(10));
    await journal.unfold();
    const counts = eventsOf(journal.oldest(100));
    const total = counts.reduce((sum, { data: counted }) => sum + ('count' in counted ? counted.count : 0), 0);
    expect([counts.length, total]).toEqual([30, 300]);
    expect(counts.map(({ sequence: number }) => Number(number))).toEqual(counts.map((_, index) => 13 + index));
  });
});
