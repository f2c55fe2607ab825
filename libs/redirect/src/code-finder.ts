import { SlugSchema } from '@signet/contracts';
import type { CodeStateEntry } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { CodeResolver } from './code-resolver.js';
import { ScanLimits } from './scan-limits.js';
import { ScanRecorder } from './scan-recorder.js';

export interface Sought {
  /** Whoever asks. */
  ip: string;
  slug: string;
  /** `codeKey` of the slug, where it was asked for. */
  key: string;
  at: Date;
}

/** Finds codes for strangers: the one way to learn whether there is a code at a slug, and so where guesses are counted. */
@Injectable()
export class CodeFinder {
  constructor(
    private readonly resolver: CodeResolver,
    private readonly limits: ScanLimits,
    private readonly recorder: ScanRecorder,
  ) {}

  /**
   * @returns undefined when there is no such code
   * @throws SignetError `too-many-requests` to a guesser | `code-undecided`
   */
  async find({ ip, slug, key, at }: Sought): Promise<CodeStateEntry | undefined> {
    const leased = this.resolver.leased(key, at.getTime());
    if (leased) return leased;
    const isSlug = SlugSchema.safeParse(slug).success;
    const entry = isSlug ? await this.lookUp(ip, key, at) : undefined;
    if (!entry) await this.countGuess(ip);
    return entry;
  }

  /** Guessers are served what is known near by, and get no more reads of PostgreSQL. */
  private async lookUp(ip: string, key: string, at: Date): Promise<CodeStateEntry | undefined> {
    if (await this.limits.isGuessing(ip)) return this.resolver.resolveNear(key);
    return this.resolver.resolve(key, at.getTime());
  }

  private async countGuess(ip: string): Promise<void> {
    try {
      await this.limits.takeUnknownSlug(ip);
    } catch (error) {
      this.recorder.countThrottled();
      throw error;
    }
  }
}
