import type { InputOf, PolicyContext, PolicyDecision, PolicyDryRun, PolicyTerms } from '@signet/contracts';
import { Clock, SignetError, type Caller } from '@signet/platform';
import {
  evaluatePolicies,
  findPolicy,
  readEffectivePolicies,
  requiredSince,
  type EffectivePolicy,
  type EvaluatedSubject,
} from '@signet/policies';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { readSubjects } from '../subjects.sql.js';
import { toEvaluated } from './evaluated-subject.js';
import { readStandingFactors } from './standing-factors.sql.js';

const PAGE = 1000;
const SAMPLES = 20;
/** Of a policy that is not there yet: after the ids of all that are, as it would be. */
const DRAFT_ID = 'ffffffff-ffff-7fff-bfff-ffffffffffff';

interface Rehearsal {
  today: readonly EffectivePolicy[];
  rehearsed: readonly EffectivePolicy[];
  /** The policy that would go live, by its id in `rehearsed`. */
  draftId: string;
  context: PolicyContext;
  at: Date;
}

/** What would happen to everybody if a policy went live now. */
@Injectable()
export class PolicyDryRuns {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
  ) {}

  /** Reads subjects a page at a time, so that their number does not matter to memory. @throws SignetError `not-found` */
  async run(caller: Caller, { body }: InputOf<'dryRunPolicy'>): Promise<PolicyDryRun> {
    const rehearsal = await this.rehearse(caller, body);
    const report = emptyReport();
    for await (const subject of this.subjects(caller.workspaceId)) tally(report, subject, rehearsal);
    return report;
  }

  private async rehearse(
    { workspaceId }: Caller,
    { policy: terms, replaces, context }: InputOf<'dryRunPolicy'>['body'],
  ): Promise<Rehearsal> {
    const { manager } = this.dataSource;
    const at = this.clock.now();
    const today = await readEffectivePolicies(manager, workspaceId);
    const replaced = replaces ? await findPolicy(manager, workspaceId, replaces) : undefined;
    if (replaces && !replaced) throw new SignetError('not-found', { detail: 'There is no such policy to replace' });
    const draft = draftOf(terms, replaced, at);
    const rehearsed = [...today.filter(({ id }) => id !== replaces), draft];
    return { today, rehearsed, draftId: draft.id, context, at };
  }

  private async *subjects(workspaceId: string): AsyncGenerator<EvaluatedSubject> {
    const { manager } = this.dataSource;
    for (let after: string | undefined; ;) {
      const page = await readSubjects(manager, workspaceId, { after, limit: PAGE });
      const factors = await readStandingFactors(
        manager,
        page.map(({ id }) => id),
      );
      for (const subject of page)
        if (subject.status !== 'offboarded') yield toEvaluated(subject, factors.get(subject.id) ?? []);
      if (page.length < PAGE) return;
      after = page.at(-1)?.subject;
    }
  }
}

const draftOf = (terms: PolicyTerms, replaced: EffectivePolicy | undefined, at: Date): EffectivePolicy => {
  const live = { ...terms, enabled: true };
  return { id: replaced?.id ?? DRAFT_ID, terms: live, requiredSince: requiredSince(live, replaced, at) };
};

const emptyReport = (): PolicyDryRun => ({
  subjects: 0,
  matched: 0,
  decisions: { allow: 0, challenge: 0, enroll: 0, deny: 0 },
  lockedOut: { count: 0, samples: [] },
  unprotected: { count: 0, samples: [] },
  inGrace: { count: 0, samples: [] },
  changed: 0,
});

function tally(
  report: PolicyDryRun,
  subject: EvaluatedSubject,
  { today, rehearsed, draftId, ...rest }: Rehearsal,
): void {
  const decided = evaluatePolicies({ subject, policies: rehearsed, ...rest });
  const before = evaluatePolicies({ subject, policies: today, ...rest });
  report.subjects += 1;
  report.decisions[decided.decision] += 1;
  if (decided.policyId === draftId) report.matched += 1;
  if (decided.decision !== before.decision) report.changed += 1;
  // Whoever is suspended is refused with and without the policy.
  const finding = subject.status === 'active' ? findingOf(subject, decided) : undefined;
  if (!finding) return;
  report[finding].count += 1;
  if (report[finding].samples.length < SAMPLES)
    report[finding].samples.push({ subject: subject.subject, reasons: decided.reasons });
}

function findingOf(
  { factors }: EvaluatedSubject,
  { decision, graceUntil }: PolicyDecision,
): 'lockedOut' | 'unprotected' | 'inGrace' | undefined {
  if (decision === 'enroll' || decision === 'deny') return 'lockedOut';
  if (graceUntil !== null) return 'inGrace';
  return decision === 'allow' && factors.length === 0 ? 'unprotected' : undefined;
}
