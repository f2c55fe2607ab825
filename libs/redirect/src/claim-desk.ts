import { createHash, randomBytes } from 'node:crypto';
import { ClaimArbiter, type Claim, type ClaimRefusal, type Decision } from '@signet/codes';
import { CodeState, counter, LOGGER, Registry, type CodeStateEntry, type Counter, type Logger } from '@signet/platform';
import { Inject, Injectable } from '@nestjs/common';

export interface UseRequest {
  key: string;
  entry: CodeStateEntry;
  at: Date;
  /** SHA-256 (hex) of the interstitial's nonce. */
  nonceHash?: string;
  /** The target, and the version of the code by which it was chosen. */
  chosen?: Claim['chosen'];
}

const NONCE_BYTES = 16;
/** Anybody can invent a nonce; the crowd before a code that is used up must not become queries. */
export const DOUBTS_PER_SECOND = 50;

/** @returns 128 random bits for the form, by which the browser that claimed is known when it asks again */
export const newNonce = (): string => randomBytes(NONCE_BYTES).toString('base64url');
export const hashNonce = (nonce: string): string => createHash('sha256').update(nonce).digest('hex');

/**
 * One and the same event for a claim and its repetition, whichever process answered which: the claim counts once, also
 * when the answer was lost together with the process that had not recorded it yet.
 * @returns a UUIDv8 (RFC 9562 §5.8)
 */
export function claimEventId(codeId: string, useNumber: number): string {
  const hex = createHash('sha256').update(`${codeId} ${useNumber}`).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0b0011) | 0b1000).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join('-');
}

/** Has a use of a limited code decided: gate, arbiter, and the outcome back to the gate (architecture.md §4.4). */
@Injectable()
export class ClaimDesk {
  private readonly claims: Counter<'outcome'>;
  private doubts = { second: 0, taken: 0 };

  constructor(
    private readonly codeState: CodeState,
    private readonly arbiter: ClaimArbiter,
    @Inject(LOGGER) private readonly logger: Logger,
    metrics: Registry,
  ) {
    this.claims = counter(metrics, 'signet_claims_total', 'Claims of limited codes by outcome', ['outcome']);
  }

  /** @throws SignetError `code-undecided`: come back later, with the same nonce */
  async claim(use: UseRequest): Promise<Decision> {
    try {
      const decision = await this.decide(use);
      this.claims.inc({ outcome: decision.outcome === 'refused' ? decision.reason : decision.outcome });
      return decision;
    } catch (error) {
      this.claims.inc({ outcome: 'undecided' });
      throw error;
    }
  }

  private async decide(use: UseRequest): Promise<Decision> {
    const { entry, at, nonceHash, chosen } = use;
    const reason = await this.gateRefusal(use);
    if (reason) return { outcome: 'refused', reason, used: entry.used };
    const decision = await this.arbiter.claim({ codeId: entry.snapshot.id, at, nonceHash, chosen });
    await this.settle(use, decision);
    return decision;
  }

  /** The gate grants nothing: when it doesn't know, or can't be asked, the arbiter decides as always. */
  private async gateRefusal({ key, at, nonceHash }: UseRequest): Promise<ClaimRefusal | undefined> {
    try {
      const verdict = await this.codeState.gate({ key, at, nonceHash });
      if (verdict === 'open' || verdict === 'unknown-here') return undefined;
      // A store that was flushed has its counts back with the first look at the code, but not its nonces.
      const mayBeRepetition = verdict === 'exhausted' && nonceHash !== undefined && this.takesDoubt(at);
      return mayBeRepetition ? undefined : verdict;
    } catch (error) {
      this.logger.debug({ err: error }, 'the gate could not be asked; the arbiter decides');
      return undefined;
    }
  }

  /** @returns whether the arbiter may be asked once more in this second for what the gate takes for used up */
  private takesDoubt(at: Date): boolean {
    const second = Math.floor(at.getTime() / 1000);
    if (second !== this.doubts.second) this.doubts = { second, taken: 0 };
    this.doubts.taken += 1;
    return this.doubts.taken <= DOUBTS_PER_SECOND;
  }

  /** Also after a refusal: a gate that had lost its counts turns the next ones away itself. */
  private async settle({ key, nonceHash }: UseRequest, decision: Decision): Promise<void> {
    const isUse = decision.outcome !== 'refused';
    if (!isUse && decision.reason !== 'exhausted') return;
    try {
      await this.codeState.settle({ key, used: decision.used, nonceHash: isUse ? nonceHash : undefined });
    } catch (error) {
      this.logger.warn({ err: error }, 'the gate did not learn of a claim');
    }
  }
}
