import { AnomalyRuleSetSchema, type AnomalyRuleSet, type BacktestResult, type RuleName } from '@signet/contracts';
import { MIN_SILENCE_MS, silenceOf, silentAt, type CodeProfile, type Scan } from './code-profile.js';
import { HOUR_MS, MINUTE_MS, type Finding } from './finding.js';
import { dedupeKeyOf } from './occurrence.js';
import type { Attempt } from './subject-profile.js';
import { keyOfScan, Profiles, watchAttempt, watchScan } from './watch.js';

export type PastEvent = { scan: Scan } | { attempt: Attempt };

type Row = BacktestResult['rules'][number];
const MAX_SAMPLES = 10;
export const RULE_NAMES: readonly RuleName[] = AnomalyRuleSetSchema.unwrap().keyof().options;

/**
 * Judges what has happened as if it happened now: events in the order of their times, silences when they would have been
 * noticed, and alerts counted as they would have been raised.
 */
export class Backtest {
  private readonly profiles = new Profiles();
  private readonly rows = new Map<RuleName, Row>();
  /** When each matter would be raised anew. */
  private readonly openUntil = new Map<string, number>();
  private looked = 0;

  private readonly from: number;
  private readonly stopped: ReadonlySet<string>;

  /**
   * @param from epoch milliseconds: what is found before is only learned from
   * @param stopped codes that are switched off, of whose silence nothing is said
   */
  constructor(
    private readonly rules: AnomalyRuleSet,
    { from, stopped }: { from: number; stopped: ReadonlySet<string> },
  ) {
    this.from = from;
    this.stopped = stopped;
  }

  get events(): number {
    return this.looked;
  }

  take(event: PastEvent): Finding[] {
    const { at } = 'scan' in event ? event.scan : event.attempt;
    if (at >= this.from) this.looked += 1;
    const findings =
      'scan' in event ? this.takeScan(event.scan) : watchAttempt(this.profiles, event.attempt, this.rules);
    return this.note(findings);
  }

  /** The codes that are silent at the end. */
  finish(to: number): Finding[] {
    const findings = Array.from(this.profiles.all).flatMap(({ key, profile }) =>
      'today' in profile ? this.silenceBefore(to, { profile, workspaceId: key.workspaceId, codeId: key.name }) : [],
    );
    return this.note(findings);
  }

  get result(): Row[] {
    return RULE_NAMES.map((rule) => this.rows.get(rule) ?? emptyRow(rule));
  }

  private takeScan(scan: Scan): Finding[] {
    const { workspaceId, codeId } = scan;
    const profile = this.profiles.of(keyOfScan(scan));
    const silence = this.silenceBefore(scan.at, { profile, workspaceId, codeId });
    const { findings, isSilenceOver } = watchScan(this.profiles, scan, this.rules);
    if (isSilenceOver) this.openUntil.delete(`${workspaceId} ${dedupeKeyOf({ rule: 'code_silent', matter: codeId })}`);
    return [...silence, ...findings];
  }

  private silenceBefore(at: number, of: { profile: CodeProfile; workspaceId: string; codeId: string }): Finding[] {
    if (at - of.profile.last < MIN_SILENCE_MS) return [];
    const due = silentAt(of.profile, this.rules);
    if (due === undefined || due >= at || this.stopped.has(of.codeId)) return [];
    of.profile.silent = true;
    return [silenceOf(of.profile, { ...of, now: due }, this.rules)];
  }

  /** @returns those that count: of rules that are on or in shadow mode, and not before the beginning */
  private note(findings: readonly Finding[]): Finding[] {
    const counted = findings.filter(({ rule, at }) => at >= this.from && this.rules[rule].mode !== 'off');
    for (const finding of counted) {
      const row = this.rows.get(finding.rule) ?? emptyRow(finding.rule);
      this.rows.set(finding.rule, row);
      row.occurrences += 1;
      const matter = `${finding.workspaceId} ${dedupeKeyOf(finding)}`;
      const isOpen = finding.at <= (this.openUntil.get(matter) ?? 0);
      const { resolveAfterHours, coolDownMinutes } = this.rules[finding.rule];
      this.openUntil.set(matter, finding.at + Math.max(resolveAfterHours * HOUR_MS, coolDownMinutes * MINUTE_MS));
      if (isOpen) continue;
      row.alerts += 1;
      if (row.samples.length < MAX_SAMPLES) row.samples.push(this.sampleOf(finding));
    }
    return counted;
  }

  private sampleOf(finding: Finding): Row['samples'][number] {
    const { rule, at, sentence, numbers, threshold, codeId, subject, network, evidence } = finding;
    return {
      at: new Date(at).toISOString(),
      severity: this.rules[rule].severity,
      sentence,
      numbers,
      threshold,
      codeId: codeId ?? null,
      subject: subject ?? null,
      network: network ?? null,
      evidence,
    };
  }
}

const emptyRow = (rule: RuleName): Row => ({ rule, alerts: 0, occurrences: 0, samples: [] });
