import { createHash } from 'node:crypto';
import { accessMigrations, AccessModule, AccessService } from '@signet/access';
import { auditMigrations } from '@signet/audit';
import { ClaimArbiter, codeKey, CodesModule, codesMigrations, findEntryByKey, type Decision } from '@signet/codes';
import { CodeSchema } from '@signet/contracts';
import { MemoryCodeState, Registry, SignetError, type CodeStateEntry, type GateVerdict } from '@signet/platform';
import { createTestApp, openTestPlatform, testLogger, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import * as fc from 'fast-check';
import { ClaimDesk, DOUBTS_PER_SECOND } from './claim-desk.js';

const RUNS = 150;
/** Processes of the redirect, which share the code state and the database. */
const PROCESSES = 2;
const TARGET = 'https://example.org/';

/** What can go wrong at a step: the call is not made, or it is and its answer gets lost. */
type Fault = 'none' | 'not-made' | 'answer-lost';
const lost = (): never => {
  throw new SignetError('unavailable', { detail: 'lost' });
};

/** Gives each step of the protocol its turn, and its fault, as the test wants them. */
class Network {
  constructor(
    private readonly scheduler: fc.Scheduler,
    private readonly nextFault: () => Fault,
  ) {}

  async carry<Reply>(label: string, call: () => Promise<Reply>): Promise<Reply> {
    const fault = this.nextFault();
    await this.scheduler.schedule(Promise.resolve(), `${label}${fault === 'none' ? '' : `, ${fault}`}`);
    if (fault === 'not-made') lost();
    const reply = await call();
    await this.scheduler.schedule(Promise.resolve(), `${label} answers`);
    return fault === 'answer-lost' ? lost() : reply;
  }
}

class RemoteCodeState extends MemoryCodeState {
  network: Network | undefined;

  override read(key: string): Promise<CodeStateEntry | undefined> {
    return this.over('read', () => super.read(key));
  }
  override fill(key: string, entry: CodeStateEntry): Promise<void> {
    return this.over('fill', () => super.fill(key, entry));
  }
  override gate(request: Parameters<MemoryCodeState['gate']>[0]): Promise<GateVerdict> {
    return this.over('gate', () => super.gate(request));
  }
  override settle(use: Parameters<MemoryCodeState['settle']>[0]): Promise<void> {
    return this.over('settle', () => super.settle(use));
  }
  private over<Reply>(label: string, call: () => Promise<Reply>): Promise<Reply> {
    return this.network?.carry(label, call) ?? call();
  }
}

class RemoteArbiter extends ClaimArbiter {
  network: Pick<Network, 'carry'> | undefined;

  override claim(request: Parameters<ClaimArbiter['claim']>[0]): Promise<Decision> {
    const call = (): Promise<Decision> => super.claim(request);
    return this.network?.carry('arbiter', call) ?? call();
  }
}

/** Somebody with one form, and so one nonce; `answers` is what reached their browser. */
interface Person {
  nonceHash: string;
  answers: (Decision | 'undecided')[];
}

let platform: TestPlatform;
let app: NestFastifyApplication;
let admin: string;
let codeState: RemoteCodeState;
let arbiters: RemoteArbiter[];
let desks: ClaimDesk[];
beforeAll(async () => {
  platform = await openTestPlatform([...auditMigrations, ...accessMigrations, ...codesMigrations]);
  app = await createTestApp(platform, [AccessModule, CodesModule]);
  admin = (await app.get(AccessService).bootstrap()) ?? '';
});
beforeEach(() => {
  platform.clock.advance(1000);
  codeState = new RemoteCodeState({ clock: platform.clock });
  arbiters = Array.from({ length: PROCESSES }, () => new RemoteArbiter(platform.dataSource));
  desks = arbiters.map((arbiter) => new ClaimDesk(codeState, arbiter, testLogger(), new Registry()));
});
afterAll(async () => {
  await app.close();
  await platform.close();
});

const create = async (maxScans: number): Promise<{ id: string; key: string }> => {
  const answer = await app.inject({
    method: 'POST',
    url: '/v1/codes',
    headers: { authorization: `Bearer ${admin}` },
    payload: { target: { url: TARGET }, maxScans },
  });
  const { id, slug } = CodeSchema.parse(answer.json());
  return { id, key: codeKey(slug ?? '') };
};

const usesOf = async (codeId: string): Promise<{ number: number; nonceHash: string | null }[]> => {
  const rows: { use_no: number; nonce_hash: Buffer | null }[] = await platform.dataSource.query(
    'SELECT use_no, nonce_hash FROM codes.uses WHERE code_id = $1 ORDER BY use_no',
    [codeId],
  );
  return rows.map(({ use_no, nonce_hash }) => ({ number: use_no, nonceHash: nonce_hash?.toString('hex') ?? null }));
};

/** The way of a claim through the redirect: look the code up, then the desk. */
async function claim(key: string, nonceHash?: string, process = 0): Promise<Decision> {
  const near = await codeState.read(key).catch(() => undefined);
  const entry = near ?? (await findEntryByKey(platform.dataSource.manager, key));
  const desk = desks[process % PROCESSES];
  if (!entry || !desk) throw new Error('the code is gone');
  if (!near) await codeState.fill(key, entry).catch(() => undefined);
  return desk.claim({ key, entry, at: platform.clock.now(), nonceHash });
}

const personOf = (name: string): Person => ({
  nonceHash: createHash('sha256').update(name).digest('hex'),
  answers: [],
});

/** Claims; an answer that did not come leaves them where they were. A process that died is an answer that got lost. */
async function attempt(key: string, person: Person, process = 0): Promise<void> {
  person.answers.push(await claim(key, person.nonceHash, process).catch(() => 'undecided' as const));
}

const faults = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant<Fault>('none') },
    { weight: 1, arbitrary: fc.constant<Fault>('not-made') },
    { weight: 1, arbitrary: fc.constant<Fault>('answer-lost') },
  ),
  { maxLength: 60 },
);

describe('the claim protocol', () => {
  it('gives each use to one person, whatever is lost, forgotten or overtaken, and repeats it for nobody else', async () => {
    const world = fc.record({
      maxScans: fc.integer({ min: 1, max: 3 }),
      people: fc.integer({ min: 1, max: 5 }),
      flushes: fc.integer({ min: 0, max: 3 }),
      faults,
      scheduler: fc.scheduler(),
    });
    let runs = 0;
    const holds = fc.asyncProperty(world, async ({ maxScans, people, flushes, faults: faultsLeft, scheduler }) => {
      // A second later: each run has the doubts of a second of its own.
      platform.clock.advance(1000);
      await codeState.close();
      const { id, key } = await create(maxScans);
      const queue = faultsLeft.values();
      const network = new Network(scheduler, () => queue.next().value ?? 'none');
      codeState.network = network;
      for (const arbiter of arbiters) arbiter.network = network;
      const persons = Array.from({ length: people }, (_, index) => personOf(`${(runs += 1)} ${index}`));
      const everybody = persons.flatMap((person, index) => [
        attempt(key, person, index),
        attempt(key, person, index + 1),
      ]);
      const flushing = Array.from({ length: flushes }, () =>
        scheduler.schedule(Promise.resolve(), 'FLUSHALL').then(() => codeState.close()),
      );
      await scheduler.waitFor(Promise.all([...everybody, ...flushing]));
      codeState.network = undefined;
      for (const arbiter of arbiters) arbiter.network = undefined;

      const uses = await usesOf(id);
      expect(uses.length).toBeLessThanOrEqual(maxScans);
      expect(uses.map(({ number }) => number)).toEqual(uses.map((_use, index) => index + 1));
      expect(new Set(uses.map(({ nonceHash }) => nonceHash)).size).toBe(uses.length);
      // The gate may know less than PostgreSQL, never more.
      expect((await codeState.read(key))?.used ?? 0).toBeLessThanOrEqual(uses.length);
      for (const person of persons) expectHonest(person, uses, maxScans);
      // All faults over, everybody asks once more: who has a use gets it again, the others take what is left.
      await codeState.close();
      for (const person of persons) await attempt(key, person);
      const after = await usesOf(id);
      expect(after).toHaveLength(Math.min(maxScans, people));
      for (const person of persons) {
        const own = after.find(({ nonceHash }) => nonceHash === person.nonceHash)?.number;
        const last = person.answers.at(-1);
        expect(last).toMatchObject(
          own === undefined ? { outcome: 'refused', reason: 'exhausted' } : { url: TARGET, useNumber: own },
        );
      }
    });
    await fc.assert(holds, { numRuns: RUNS });
  });

  /** Nobody got what is another's, and nobody was told that a code is used up which was not. */
  function expectHonest(person: Person, uses: { number: number; nonceHash: string | null }[], maxScans: number): void {
    const own = uses.find(({ nonceHash }) => nonceHash === person.nonceHash)?.number;
    const decided = person.answers.filter((answer) => answer !== 'undecided');
    const isHonest = (answer: Decision): boolean =>
      answer.outcome === 'refused'
        ? answer.reason === 'exhausted' && uses.length === maxScans
        : answer.useNumber === own;
    expect(decided.filter((answer) => !isHonest(answer))).toEqual([]);
    const claimed = decided.filter(({ outcome }) => outcome === 'claimed');
    expect(claimed.length).toBeLessThanOrEqual(1);
  }

  it('repeats a claim also when the store was flushed and has looked the code up again since', async () => {
    const { key } = await create(1);
    const [first, other] = [personOf('first'), personOf('other')];
    await attempt(key, first);
    await codeState.close();
    const entry = await findEntryByKey(platform.dataSource.manager, key);
    if (entry) await codeState.fill(key, entry);
    expect(await codeState.gate({ key, at: platform.clock.now(), nonceHash: first.nonceHash })).toBe('exhausted');
    await attempt(key, other);
    await attempt(key, first);
    expect(other.answers).toMatchObject([{ outcome: 'refused', reason: 'exhausted' }]);
    expect(first.answers).toMatchObject([{ outcome: 'claimed' }, { outcome: 'repeated', url: TARGET }]);
  });

  it('asks the arbiter about used-up codes so often a second, and no more', async () => {
    const { key } = await create(1);
    await claim(key);
    let asked = 0;
    const counting = {
      carry<Reply>(_label: string, call: () => Promise<Reply>): Promise<Reply> {
        asked += 1;
        return call();
      },
    };
    for (const arbiter of arbiters) arbiter.network = counting;
    const crowd = Array.from({ length: 3 * DOUBTS_PER_SECOND }, (_, index) => personOf(`crowd ${index}`));
    await Promise.all(crowd.map((person) => attempt(key, person)));
    expect(asked).toBe(DOUBTS_PER_SECOND);
    for (const { answers } of crowd) expect(answers).toMatchObject([{ outcome: 'refused', reason: 'exhausted' }]);
  });
});
