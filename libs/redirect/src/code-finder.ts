import { SlugSchema } from '@signet/contracts';
import type { CodeStateEntry } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { CodeResolver } from './code-resolver.js';
import { Guessing } from './guessing.js';
import { ScanLimits } from './scan-limits.js';
import { ScanRecorder, type Visit } from './scan-recorder.js';

export interface Sought {
  /** Whoever asks. */
  visit: Visit;
  slug: string;
  /** `codeKey` of the slug, where it was asked for. */
  key: string;
  /** The domain's; absent: the installation's own host. */
  workspaceId: string | undefined;
  at: Date;
}

/** Finds codes for strangers: the one way to learn whether there is a code at a slug, and so where guesses are counted. */
@Injectable()
export class CodeFinder {
  constructor(
    private readonly resolver: CodeResolver,
    private readonly limits: ScanLimits,
    private readonly guessing: Guessing,
    private readonly recorder: ScanRecorder,
  ) {}

  /**
   * @returns undefined when there is no such code
   * @throws SignetError `too-many-requests` to a guesser | `code-undecided`
   */
  async find(sought: Sought): Promise<CodeStateEntry | undefined> {
    const { visit, slug, key, at } = sought;
    const leased = this.resolver.leased(key, at.getTime());
    if (leased) return leased;
    const isSlug = SlugSchema.safeParse(slug).success;
    const entry = isSlug ? await this.lookUp(visit.ip, key, at) : undefined;
    if (!entry) await this.countGuess(sought);
    return entry;
  }

  /** Guessers are served what is known near by, and get no more reads of PostgreSQL. */
  private async lookUp(ip: string, key: string, at: Date): Promise<CodeStateEntry | undefined> {
    if (await this.limits.isGuessing(ip)) return this.resolver.resolveNear(key);
    return this.resolver.resolve(key, at.getTime());
  }

  private async countGuess({ visit, workspaceId, at }: Sought): Promise<void> {
    try {
      await this.guessing.takeUnknownSlug(visit, { workspaceId, at });
    } catch (error) {
      this.recorder.countThrottled();
      throw error;
    }
  }
}
