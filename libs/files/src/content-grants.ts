import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { SignetError, within } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { ensureGrantKey, findGrantKey, removeGrantKeysBefore } from './grant-keys.sql.js';

/** Long enough for a large download to begin anew, and for a film to be wound back. */
export const GRANT_SECONDS = 15 * 60;
const KEY_BYTES = 32;
const DAY_MS = 24 * 3_600_000;
const DATABASE_DEADLINE_MS = 1500;
const GRANT = /^(\d{1,12})\.([A-Za-z0-9_-]{43})$/;

/** What somebody was let in to. Another file or another password, and they have to ask again. */
export interface Granted {
  codeId: string;
  fileId: string;
  passwordHash?: string | undefined;
}

/**
 * Says for a while that somebody has used or unlocked a protected code, in text that only a redirect can make: each can
 * check what another has signed, and nothing is stored. A key signs what ends on its day, and is deleted two days later.
 */
@Injectable()
export class ContentGrants {
  private readonly keys = new Map<string, Buffer>();

  constructor(private readonly dataSource: DataSource) {}

  /** @throws SignetError `unavailable` */
  async issue(granted: Granted, at: Date): Promise<string> {
    const until = Math.floor(at.getTime() / 1000) + GRANT_SECONDS;
    const key = await this.keyOf(until, 'make');
    if (!key) throw new SignetError('unavailable');
    return `${until}.${signatureOf(key, granted, until).toString('base64url')}`;
  }

  /** @param grant as somebody brings it: it may be anything @throws SignetError `unavailable` */
  async allows(grant: string | undefined, granted: Granted, at: Date): Promise<boolean> {
    const [, seconds, signature] = GRANT.exec(grant ?? '') ?? [];
    if (seconds === undefined || signature === undefined) return false;
    const until = Number(seconds);
    const now = at.getTime() / 1000;
    // A time to come that no grant can have would be a day that nobody has a key of.
    if (until <= now || until > now + GRANT_SECONDS) return false;
    const key = await this.keyOf(until, 'find');
    return key !== undefined && timingSafeEqual(signatureOf(key, granted, until), Buffer.from(signature, 'base64url'));
  }

  private async keyOf(until: number, how: 'make' | 'find'): Promise<Buffer | undefined> {
    const day = dateOf(until * 1000);
    const known = this.keys.get(day);
    if (known) return known;
    try {
      const asked = how === 'make' ? this.make(day, until) : findGrantKey(this.dataSource, day);
      const key = await within(DATABASE_DEADLINE_MS, asked);
      if (key) this.keep(day, key);
      return key;
    } catch (cause) {
      throw new SignetError('unavailable', { cause });
    }
  }

  private async make(day: string, until: number): Promise<Buffer | undefined> {
    await removeGrantKeysBefore(this.dataSource, dateOf(until * 1000 - 2 * DAY_MS));
    return ensureGrantKey(this.dataSource, day, randomBytes(KEY_BYTES));
  }

  /** Of two days at most. */
  private keep(day: string, key: Buffer): void {
    this.keys.set(day, key);
    const [oldest] = this.keys.keys();
    if (this.keys.size > 2 && oldest !== undefined) this.keys.delete(oldest);
  }
}

/** UTC. */
const dateOf = (milliseconds: number): string => new Date(milliseconds).toISOString().slice(0, 10);

const signatureOf = (key: Buffer, { codeId, fileId, passwordHash = '' }: Granted, until: number): Buffer =>
  createHmac('sha256', key)
    .update(JSON.stringify([codeId, fileId, passwordHash, until]))
    .digest();
