import type { CreateVerification, Verification } from '@signet/contracts';
import { Clock, OutboxRelay, SignetConfig, SignetError, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { findSubject } from '../subjects.sql.js';
import { AddressLimits } from './address-limits.js';
import { toAttempt, type Attempt } from './attempt.js';
import { AttemptGroups } from './attempt-groups.js';
import { recordRefusal } from './group-decision.js';

/** Whether a code that somebody typed is right, once. */
@Injectable()
export class VerificationService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly relay: OutboxRelay,
    private readonly groups: AttemptGroups,
    private readonly addresses: AddressLimits,
    private readonly config: SignetConfig,
  ) {}

  /**
   * Decides an attempt, durable with its audit entry before the answer. Repeated with its `idempotencyKey` it gets what
   * was recorded.
   * @throws SignetError `too-many-attempts` with the seconds to wait
   */
  async verify(caller: Caller, idempotencyKey: string | undefined, body: CreateVerification): Promise<Verification> {
    const attempt = toAttempt(caller, body, this.clock.now(), this.config.values.SIGNET_IP_TRUNCATION);
    const once = { caller, operation: 'createVerification', key: idempotencyKey, request: body } as const;
    try {
      await this.takeAddress(attempt);
      const answer = await this.groups.decide({ attempt, once });
      if (answer.result !== 'rejected') await this.addresses.giveBack(attempt);
      return answer;
    } finally {
      this.relay.wake();
    }
  }

  /** A refusal is durable before the 429 leaves. @throws SignetError `too-many-attempts` */
  private async takeAddress(attempt: Attempt): Promise<void> {
    try {
      await this.addresses.take(attempt);
    } catch (error) {
      if (!(error instanceof SignetError)) throw error;
      await this.dataSource.transaction(async (manager) => {
        const subject = await findSubject(manager, attempt.caller.workspaceId, attempt.subject);
        await recordRefusal(manager, attempt, subject?.id);
      });
      throw error;
    }
  }
}
