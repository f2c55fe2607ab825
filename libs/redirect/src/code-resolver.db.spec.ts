import { accessMigrations, AccessModule, AccessService } from '@signet/access';
import { auditMigrations } from '@signet/audit';
import { CodesModule, codesMigrations } from '@signet/codes';
import { CodeSchema, plainUrlOf, type Code } from '@signet/contracts';
import { MemoryCodeState, SignetError, type CodeStateEntry } from '@signet/platform';
import { createTestApp, openTestPlatform, testLogger, type TestPlatform } from '@signet/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { CodeResolver, LEASE_MS } from './code-resolver.js';

/** The code state of one process, which counts its reads, can be away, and can be slow. */
class WatchedCodeState extends MemoryCodeState {
  reads = 0;
  isAway = false;
  /** A read that has its result waits for this before it tells it. */
  hold: Promise<void> | undefined;
  onRead: () => void = () => {};

  override async read(key: string): Promise<CodeStateEntry | undefined> {
    this.reads += 1;
    if (this.isAway) throw new SignetError('unavailable', { detail: 'away' });
    const entry = await super.read(key);
    this.onRead();
    await this.hold;
    return entry;
  }
}

describe('CodeResolver', () => {
  let platform: TestPlatform;
  let app: NestFastifyApplication;
  let admin: string;
  let codeState: WatchedCodeState;
  let resolver: CodeResolver;
  beforeAll(async () => {
    platform = await openTestPlatform([...auditMigrations, ...accessMigrations, ...codesMigrations]);
    app = await createTestApp(platform, [AccessModule, CodesModule]);
    admin = (await app.get(AccessService).bootstrap()) ?? '';
  });
  beforeEach(() => {
    codeState = new WatchedCodeState({ clock: platform.clock });
    resolver = new CodeResolver(platform.dataSource, codeState, testLogger());
  });
  afterEach(() => resolver.onApplicationShutdown());
  afterAll(async () => {
    await app.close();
    await platform.close();
  });

  const now = (): number => platform.clock.now().getTime();
  const send = async (method: 'POST' | 'PATCH', url: string, payload: object): Promise<Code> => {
    const answer = await app.inject({ method, url, payload, headers: { authorization: `Bearer ${admin}` } });
    return CodeSchema.parse(answer.json());
  };
  let slugs = 0;
  const create = async (body: object = {}): Promise<string> => {
    const slug = `code${(slugs += 1)}`;
    await send('POST', '/v1/codes', { slug, target: { url: 'https://example.org/1' }, ...body });
    return slug;
  };
  const idOf = async (key: string): Promise<string> => (await resolver.resolve(key, now()))?.snapshot.id ?? '';
  const edit = async (key: string): Promise<void> => {
    await send('PATCH', `/v1/codes/${await idOf(key)}`, { target: { url: 'https://example.org/2' } });
  };
  const urlOf = (entry: CodeStateEntry | undefined): string | undefined => entry && plainUrlOf(entry.snapshot);

  it('finds in PostgreSQL what the code state has lost, and tells it', async () => {
    const key = await create();
    expect(urlOf(await resolver.resolve(key, now()))).toBe('https://example.org/1');
    expect(urlOf(await codeState.read(key))).toBe('https://example.org/1');
  });

  it('speaks for a plain link itself, for a second at most', async () => {
    const key = await create();
    await resolver.resolve(key, now());
    expect(urlOf(resolver.leased(key, now() + LEASE_MS - 1))).toBe('https://example.org/1');
    expect(resolver.leased(key, now() + LEASE_MS)).toBeUndefined();
  });

  it('never speaks itself for a limited code', async () => {
    const key = await create({ maxScans: 1 });
    expect(await resolver.resolve(key, now())).toBeDefined();
    expect(resolver.leased(key, now())).toBeUndefined();
  });

  it('forgets a code at once when it changes, and all of them when messages may have been lost', async () => {
    const [one, other] = [await create(), await create()];
    const first = await resolver.resolve(one, now());
    await resolver.resolve(other, now());
    if (!first) throw new Error('not found');
    await codeState.write(one, { ...first.snapshot, version: 2 });
    expect([resolver.leased(one, now()), resolver.leased(other, now())]).toEqual([undefined, expect.anything()]);
  });

  it('keeps nothing that was read while the code changed', async () => {
    const key = await create();
    const entry = await resolver.resolve(key, now());
    if (!entry) throw new Error('not found');
    const changed = { ...entry.snapshot, version: 2, target: { url: 'https://example.org/2' } };
    await codeState.write(key, entry.snapshot);
    let letGo = (): void => {};
    codeState.hold = new Promise((resolve) => (letGo = resolve));
    const hasRead = new Promise<void>((resolve) => (codeState.onRead = resolve));
    const flight = resolver.resolve(key, now());
    await hasRead;
    await codeState.write(key, changed);
    const newcomer = resolver.resolve(key, now());
    letGo();
    expect(urlOf(await flight)).toBe('https://example.org/1');
    expect(urlOf(await newcomer)).toBe('https://example.org/2');
    expect(urlOf(resolver.leased(key, now()))).toBe('https://example.org/2');
  });

  /** A resolver whose reads of PostgreSQL go another way. */
  const resolverWith = (query: (...asked: [string, unknown[]?]) => Promise<unknown>): CodeResolver => {
    const dataSource = Object.assign(Object.create(platform.dataSource), { manager: { query } });
    return new CodeResolver(dataSource, codeState, testLogger());
  };

  it('asks PostgreSQL once for 10,000 who ask at the same time for what nothing near by knows', async () => {
    const key = await create();
    let queries = 0;
    const counting = resolverWith((...asked) => {
      queries += 1;
      return platform.dataSource.manager.query(...asked);
    });
    const entries = await Promise.all(Array.from({ length: 10_000 }, () => counting.resolve(key, now())));
    expect(new Set(entries.map(urlOf))).toEqual(new Set(['https://example.org/1']));
    expect([codeState.reads, queries]).toEqual([1, 1]);
    counting.onApplicationShutdown();
  });

  it('is undecided within two seconds when PostgreSQL hangs, and asks again for the next', async () => {
    const key = await create();
    let queries = 0;
    const hanging = resolverWith((...asked) => {
      queries += 1;
      return queries === 1 ? new Promise(() => {}) : platform.dataSource.manager.query(...asked);
    });
    const began = performance.now();
    await expect(hanging.resolve(key, now())).rejects.toMatchObject({ kind: 'code-undecided', status: 503 });
    expect(performance.now() - began).toBeLessThan(2000);
    expect(urlOf(await hanging.resolve(key, now()))).toBe('https://example.org/1');
    hanging.onApplicationShutdown();
  });

  it('remembers an unknown slug for a moment, and notices at once when it is created', async () => {
    const entry = await resolver.resolve(await create(), now());
    if (!entry) throw new Error('not found');
    codeState.reads = 0;
    expect(await resolver.resolve('nobody', now())).toBeUndefined();
    expect(await resolver.resolve('nobody', now())).toBeUndefined();
    expect(codeState.reads).toBe(1);
    await codeState.write('nobody', entry.snapshot);
    expect(urlOf(await resolver.resolve('nobody', now()))).toBe('https://example.org/1');
    expect(await resolver.resolve('nobody else', now())).toBeUndefined();
    await resolver.resolve('nobody else', now() + LEASE_MS);
    expect(codeState.reads).toBe(4);
  });

  it('goes on from PostgreSQL while the code state is away', async () => {
    const key = await create();
    codeState.isAway = true;
    expect(urlOf(await resolver.resolve(key, now()))).toBe('https://example.org/1');
    await edit(key);
    expect(urlOf(await resolver.resolve(key, now() + LEASE_MS))).toBe('https://example.org/2');
  });

  it('serves from the code state while PostgreSQL is away; what nobody knows is undecided', async () => {
    const key = await create();
    await resolver.resolve(key, now());
    const cutOff = resolverWith(() => Promise.reject(new Error('away')));
    expect(urlOf(await cutOff.resolve(key, now()))).toBe('https://example.org/1');
    await expect(cutOff.resolve('never-seen', now())).rejects.toMatchObject({ kind: 'code-undecided' });
    cutOff.onApplicationShutdown();
  });
});
