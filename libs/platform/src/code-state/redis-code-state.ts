import { CodeSnapshotSchema, type CodeSnapshot } from '@signet/contracts';
import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';
import { lru } from 'tiny-lru';
import { SignetError } from '../errors.js';
import {
  CodeState,
  FILLED_TTL_SECONDS,
  NONCE_TTL_SECONDS,
  VISITOR_TTL_SECONDS,
  WRITTEN_TTL_SECONDS,
  type CodeStateEntry,
  type GateRequest,
  type GateVerdict,
  type Limit,
  type Meeting,
  type SettledUse,
} from './code-state.js';
import { gateFields } from './gate.js';
import { FILL, GATE, READ, SETTLE, WRITE } from './redis-scripts.js';

export interface RedisCodeStateOptions {
  /** `redis://` or `rediss://`, with user, password and database as ioredis reads them. */
  url: string;
  logger: Logger;
  /** In front of every key and of the channel's name, for installations that share a Redis. */
  prefix?: string;
}

/** A scan waits for this; a healthy Redis needs a few ms, and PostgreSQL can answer instead. */
const COMMAND_TIMEOUT_MS = 300;
const CONNECT_TIMEOUT_MS = 1000;
const LONGEST_RECONNECT_PAUSE_MS = 1000;

/** Snapshots of some 500 characters each. */
const UNDERSTOOD = 20_000;

interface AskedCode {
  key: string;
  resolve: (entry: CodeStateEntry | undefined) => void;
  reject: (error: unknown) => void;
}

/** ioredis adds a method for each of its `scripts`: EVALSHA, with EVAL where a server doesn't know the script. */
class ScriptedRedis extends Redis {
  declare readCodes: (count: number, ...codes: string[]) => Promise<(string | null)[]>;
  declare writeCode: (code: string, ...args: (string | number)[]) => Promise<number>;
  declare fillCode: (code: string, ...args: (string | number)[]) => Promise<number>;
  declare passGate: (code: string, nonce: string, atMs: number) => Promise<GateVerdict>;
  declare settleUse: (code: string, nonce: string, used: number, nonceTtlSeconds: number) => Promise<number>;
}

/**
 * CodeState in Redis, for processes that share it. Fails fast when Redis is away (nothing is queued, a command has
 * COMMAND_TIMEOUT_MS) and works again by itself when it is back, with or without its data.
 */
export class RedisCodeState extends CodeState {
  private readonly client: ScriptedRedis;
  /** Opened by the first `onChange`: a subscribed connection takes no other commands. */
  private subscriber: Redis | undefined;
  private readonly listeners = new Set<(key: string | undefined) => void>();
  private readonly logger: Logger;
  private readonly prefix: string;
  private readonly channel: string;
  /** Settled when the first attempt to connect has ended, either way: a starting process' calls don't come too early. */
  private readonly firstAttempt: Promise<void>;
  private probing = false;
  private asked: AskedCode[] = [];
  /** By their JSON: what has not changed since it was read last need not be understood again. */
  private readonly understood = lru<CodeSnapshot>(UNDERSTOOD);

  constructor({ url, logger, prefix = 'signet' }: RedisCodeStateOptions) {
    super();
    this.logger = logger;
    this.prefix = prefix;
    this.channel = `${prefix}:code-changes`;
    this.client = new ScriptedRedis(url, {
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      // How long a hanging peer may take to end a connection that is being given up.
      disconnectTimeout: COMMAND_TIMEOUT_MS,
      commandTimeout: COMMAND_TIMEOUT_MS,
      enableOfflineQueue: false,
      // What is asked in one turn of the event loop goes in one write: claims that were decided together are many. Reads
      // are together already, and neither they nor a probe wait for claims that are under way.
      enableAutoPipelining: true,
      autoPipeliningIgnoredCommands: ['readCodes', 'ping'],
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      keepAlive: 10_000,
      retryStrategy: (attempt) => Math.min(attempt * 50, LONGEST_RECONNECT_PAUSE_MS),
      // After a failover this connection leads to a replica; a new one finds the master.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
      scripts: {
        readCodes: { lua: READ },
        writeCode: { lua: WRITE, numberOfKeys: 1 },
        fillCode: { lua: FILL, numberOfKeys: 1 },
        passGate: { lua: GATE, numberOfKeys: 2 },
        settleUse: { lua: SETTLE, numberOfKeys: 2 },
      },
    });
    this.logOutages(this.client, 'commands');
    this.firstAttempt = this.client.connect().catch(() => undefined);
  }

  /** What is asked for in one turn of the event loop is read by one command. */
  override read(key: string): Promise<CodeStateEntry | undefined> {
    return new Promise((resolve, reject) => {
      if (this.asked.push({ key, resolve, reject }) === 1) setImmediate(() => void this.readAsked());
    });
  }

  private async readAsked(): Promise<void> {
    const { asked } = this;
    this.asked = [];
    try {
      const codes = asked.map(({ key }) => this.codeKey(key));
      const fields = await this.run(() => this.client.readCodes(codes.length, ...codes));
      for (const [index, { resolve }] of asked.entries())
        resolve(this.entryOf(fields[2 * index], fields[2 * index + 1]));
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }

  private entryOf(text: string | null | undefined, used: string | null | undefined): CodeStateEntry | undefined {
    const snapshot = text ? this.snapshotOf(text) : undefined;
    return snapshot && { snapshot, used: Number(used ?? 0) };
  }

  /** Written by another release, perhaps: what can't be understood is a miss, and PostgreSQL answers. */
  private snapshotOf(text: string): CodeSnapshot | undefined {
    const known = this.understood.get(text);
    if (known) return known;
    const parsed = CodeSnapshotSchema.safeParse(parsedJson(text));
    if (parsed.success) this.understood.set(text, parsed.data);
    return parsed.data;
  }

  override async write(key: string, snapshot: CodeSnapshot): Promise<boolean> {
    const { version } = snapshot;
    const fields = hashFields(snapshot);
    const stored = await this.run(() =>
      this.client.writeCode(this.codeKey(key), version, WRITTEN_TTL_SECONDS, this.channel, key, ...fields),
    );
    return stored === 1;
  }

  override async fill(key: string, { snapshot, used }: CodeStateEntry): Promise<void> {
    const { version } = snapshot;
    const fields = hashFields(snapshot);
    await this.run(() => this.client.fillCode(this.codeKey(key), version, FILLED_TTL_SECONDS, used, ...fields));
  }

  override async gate({ key, at, nonceHash }: GateRequest): Promise<GateVerdict> {
    return this.run(() => this.client.passGate(this.codeKey(key), this.nonceKey(key, nonceHash), at.getTime()));
  }

  override async settle({ key, used, nonceHash }: SettledUse): Promise<void> {
    const ttlSeconds = nonceHash === undefined ? 0 : NONCE_TTL_SECONDS;
    await this.run(() => this.client.settleUse(this.codeKey(key), this.nonceKey(key, nonceHash), used, ttlSeconds));
  }

  /** A key each rather than a set a code: `NX` and `EX` in one command, and no set grows with a busy code. */
  override async meet({ codeId, visitor }: Meeting): Promise<boolean> {
    const key = `${this.prefix}:visitor:${codeId}:${visitor}`;
    return (await this.run(() => this.client.set(key, '1', 'EX', VISITOR_TTL_SECONDS, 'NX'))) === null;
  }

  /** Whoever is over a limit is known here and costs Redis nothing more. */
  override limiter({ keyPrefix, points, duration }: Limit): RateLimiterRedis {
    return new RateLimiterRedis({
      storeClient: this.client,
      keyPrefix: `${this.prefix}:limit:${keyPrefix}`,
      points,
      duration,
      inMemoryBlockOnConsumed: points + 1,
      insuranceLimiter: new RateLimiterMemory({ keyPrefix, points, duration }),
    });
  }

  override onChange(listener: (key: string | undefined) => void): () => void {
    this.listeners.add(listener);
    this.subscriber ??= this.subscribe();
    return () => this.listeners.delete(listener);
  }

  override async ping(): Promise<void> {
    await this.run(() => this.client.ping());
  }

  override async close(): Promise<void> {
    this.subscriber?.disconnect();
    // QUIT lets the commands in flight end; without a connection there are none.
    await this.client.quit().catch(() => this.client.disconnect());
  }

  /** The braces make the code's key its hash tag in a cluster: its nonces live on the same node. */
  private codeKey(key: string): string {
    return `${this.prefix}:code:{${key}}`;
  }

  /** For a claimant without a nonce a key that is never written: a script's keys are fixed in number. */
  private nonceKey(key: string, nonceHash = ''): string {
    return `${this.codeKey(key)}:nonce:${nonceHash}`;
  }

  private async run<Reply>(command: () => Promise<Reply>): Promise<Reply> {
    await this.firstAttempt;
    try {
      return await command();
    } catch (error) {
      if (isTimeout(error)) void this.probe();
      throw new SignetError('unavailable', { detail: 'Redis cannot be reached', cause: withoutArguments(error) });
    }
  }

  /**
   * A peer that vanished without a word leaves a connection on which everything times out until TCP gives up, a
   * quarter of an hour later. One slow command doesn't prove that; a PING after it, unanswered too, does.
   */
  private async probe(): Promise<void> {
    if (this.probing) return;
    this.probing = true;
    try {
      await this.client.ping();
    } catch (error) {
      if (!isTimeout(error)) return;
      this.client.disconnect(true);
      this.subscriber?.disconnect(true);
    } finally {
      this.probing = false;
    }
  }

  /**
   * A connection that listens on the channel. Whenever it starts to (also after it was lost, when messages may have
   * passed unheard), the listeners are told to drop everything they know.
   */
  private subscribe(): Redis {
    const subscriber = this.client.duplicate({ lazyConnect: false, scripts: {} });
    this.logOutages(subscriber, 'changes');
    subscriber.on('message', (_channel: string, key: string) => this.tell(key));
    subscriber.on('ready', () => {
      subscriber.subscribe(this.channel).then(
        () => this.tell(undefined),
        () => subscriber.disconnect(true),
      );
    });
    return subscriber;
  }

  private tell(key: string | undefined): void {
    for (const listener of this.listeners) listener(key);
  }

  /** One line when a connection is lost and one when it is back, not one for each attempt in between. */
  private logOutages(connection: Redis, connectionFor: string): void {
    let away = false;
    connection.on('error', (error: Error) => {
      // The message only: a refused AUTH carries the password in its command.
      if (!away) this.logger.warn({ connectionFor, reason: error.message }, 'Redis is away');
      away = true;
    });
    connection.on('ready', () => {
      if (away) this.logger.info({ connectionFor }, 'Redis is back');
      away = false;
    });
  }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Fields and values as HSET takes them; '' overwrites what an older version had and this one has not. */
function hashFields(snapshot: CodeSnapshot): (string | number)[] {
  const { state, activeFrom = '', expiresAt = '', maxScans = '' } = gateFields(snapshot);
  return Object.entries({ snapshot: JSON.stringify(snapshot), state, activeFrom, expiresAt, maxScans }).flat();
}

const isTimeout = (error: unknown): boolean => error instanceof Error && error.message === 'Command timed out';

/** ioredis hangs a failed command with its arguments on the error, and errors end up in logs. */
function withoutArguments(error: unknown): unknown {
  if (error instanceof Error && 'command' in error) delete error.command;
  return error;
}
