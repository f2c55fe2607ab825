import { findEntryByKey } from '@signet/codes';
import { isProtected, type CodeSnapshot } from '@signet/contracts';
import { CodeState, LOGGER, SignetError, within, type CodeStateEntry, type Logger } from '@signet/platform';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Flights } from './flights.js';
import { Leases } from './leases.js';

/** How long a plain link may be served from this process without asking anybody (architecture.md §4.3). */
export const LEASE_MS = 1000;
/** A person waits for this, with a page that says when to come back at its end; a healthy read takes a few ms. */
const DATABASE_DEADLINE_MS = 1500;
const MAX_LINKS = 50_000;
const MAX_LINK_BYTES = 64 * 1024 * 1024;
/** Of an entry beside its snapshot, about. */
const ENTRY_BYTES = 300;
/** Guesses must not push links out, so they have a place of their own. */
const MAX_UNKNOWN = 20_000;

const sizes = new WeakMap<CodeSnapshot, number>();

/** What has not changed is read as the same object again (`RedisCodeState`), and measured once. */
function bytesOf(snapshot: CodeSnapshot): number {
  const known = sizes.get(snapshot);
  if (known !== undefined) return known;
  const bytes = ENTRY_BYTES + 2 * JSON.stringify(snapshot).length;
  sizes.set(snapshot, bytes);
  return bytes;
}

/**
 * Finds codes: in this process (plain links only, for a moment), in `CodeState`, in PostgreSQL. A change that is told
 * during a look-up keeps its result out of this process, as that may be the state before the change.
 */
@Injectable()
export class CodeResolver implements OnApplicationShutdown {
  private readonly links = new Leases<CodeStateEntry>({
    milliseconds: LEASE_MS,
    maxEntries: MAX_LINKS,
    maxBytes: MAX_LINK_BYTES,
    sizeOf: ({ snapshot }) => bytesOf(snapshot),
  });
  private readonly unknown = new Leases<true>({
    milliseconds: LEASE_MS,
    maxEntries: MAX_UNKNOWN,
    maxBytes: Number.POSITIVE_INFINITY,
    sizeOf: () => 0,
  });
  private readonly flights = new Flights<CodeStateEntry | undefined>({
    lookUp: (key) => this.lookUp(key),
    keep: (key, entry, from) => {
      if (entry) this.keepLink(key, entry, from);
      else this.unknown.set(key, true, from);
    },
  });
  /** Of `CodeState` alone, so that what it has not may yet be there. */
  private readonly nearFlights = new Flights<CodeStateEntry | undefined>({
    lookUp: (key) => this.resolveNear(key),
    keep: (key, entry, from) => {
      if (entry) this.keepLink(key, entry, from);
    },
  });
  private readonly stopListening: () => void;

  constructor(
    private readonly dataSource: DataSource,
    private readonly codeState: CodeState,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.stopListening = codeState.onChange((key) => this.forget(key));
  }

  /** Not before the last request was answered: until then changes must be heard of. */
  onApplicationShutdown(): void {
    this.stopListening();
  }

  /** @returns the code when this process may still speak for it */
  leased(key: string, nowMs: number): CodeStateEntry | undefined {
    return this.links.get(key, nowMs);
  }

  /**
   * @returns undefined when there is no such code
   * @throws SignetError `code-undecided` when nobody can tell
   */
  async resolve(key: string, nowMs: number): Promise<CodeStateEntry | undefined> {
    if (this.unknown.get(key, nowMs)) return undefined;
    return this.flights.join(key, nowMs);
  }

  /**
   * Asks `CodeState` only, and takes a lease on a plain link.
   * @returns undefined when there is no such code, or when only PostgreSQL can tell
   */
  async leaseNear(key: string, nowMs: number): Promise<CodeStateEntry | undefined> {
    if (this.unknown.get(key, nowMs)) return undefined;
    return this.nearFlights.join(key, nowMs);
  }

  /** Asks `CodeState` only, for those whose guesses PostgreSQL has answered often enough. */
  async resolveNear(key: string): Promise<CodeStateEntry | undefined> {
    return (await this.readState(key)).entry;
  }

  /**
   * The code as PostgreSQL has it, for whoever found out that what is nearer is behind it.
   * @throws SignetError `code-undecided`
   */
  readTruth(key: string): Promise<CodeStateEntry | undefined> {
    return this.readDatabase(key);
  }

  private async lookUp(key: string): Promise<CodeStateEntry | undefined> {
    const { entry: near, answered } = await this.readState(key);
    if (near) return near;
    const entry = await this.readDatabase(key);
    if (entry && answered) void this.fillState(key, entry);
    return entry;
  }

  private async readState(key: string): Promise<{ entry?: CodeStateEntry; answered: boolean }> {
    try {
      return { entry: await this.codeState.read(key), answered: true };
    } catch (error) {
      this.logger.debug({ err: error }, 'the code state could not be asked; PostgreSQL is');
      return { answered: false };
    }
  }

  private async readDatabase(key: string): Promise<CodeStateEntry | undefined> {
    try {
      return await within(DATABASE_DEADLINE_MS, findEntryByKey(this.dataSource.manager, key));
    } catch (cause) {
      throw new SignetError('code-undecided', { cause });
    }
  }

  private async fillState(key: string, entry: CodeStateEntry): Promise<void> {
    try {
      await this.codeState.fill(key, entry);
    } catch (error) {
      this.logger.debug({ err: error }, 'a code could not be copied into the code state');
    }
  }

  private keepLink(key: string, entry: CodeStateEntry, from: number): void {
    if (!isProtected(entry.snapshot)) this.links.set(key, entry, from);
  }

  /** @param key undefined: messages may have been lost */
  private forget(key: string | undefined): void {
    if (key === undefined) {
      this.links.clear();
      this.unknown.clear();
      this.flights.forgetAll();
      this.nearFlights.forgetAll();
      return;
    }
    this.links.delete(key);
    this.unknown.delete(key);
    this.flights.forget(key);
    this.nearFlights.forget(key);
  }
}
