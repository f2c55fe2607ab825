import { Alerts } from '@signet/alerts';
import { advanceOffset, lockOffset } from '@signet/analytics';
import type { AnomalyRuleSet, EnrollmentEvent, ScanEvent, VerificationEvent } from '@signet/contracts';
import { Clock, type EventBatch } from '@signet/platform';
import { ErasedSubjects } from '@signet/privacy';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { silentAt, type Scan } from './code-profile.js';
import type { Finding } from './finding.js';
import { dedupeKeyOf, together, toOccurrence } from './occurrence.js';
import { lockProfiles, lockSilentCodes, storeProfiles } from './profiles.sql.js';
import { AnomalyRulesService } from './rules.service.js';
import { judgeGuessing, judgeRefusedClaim } from './strangers.js';
import type { Attempt } from './subject-profile.js';
import { keyOfScan, keysOfAttempt, Profiles, watchAttempt, watchScan, watchSilence, type ProfileKey } from './watch.js';

/** The consumer group of the detector; a new name would learn from the whole log again. */
export const ANOMALIES_GROUP = 'signet-anomalies';
/** Matters of one batch that become alerts; whatever would raise more is told of by what it has in common. */
const MAX_RAISED = 200;
const RECOVERED = 'It was scanned again';

type RulesOf = (workspaceId: string) => AnomalyRuleSet;

/** What a batch led to. */
export interface Watched {
  findings: Finding[];
  /** Findings that no alert was raised for, because there were too many. */
  dropped: number;
}

/**
 * Looks at what the log tells, each event once: what is known, the alerts and the position in the log change in one
 * transaction. What has been said of a batch by a stale member of the group is not said again.
 */
@Injectable()
export class Detector {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly alerts: Alerts,
    private readonly rules: AnomalyRulesService,
  ) {}

  /** Bots are not looked at. */
  async watchScans(batch: EventBatch<ScanEvent>): Promise<Watched> {
    return this.once(batch, async (manager, events) => {
      const scans = events.flatMap(toScan);
      const profiles = await this.open(manager, scans.map(keyOfScan));
      const guesses = events.flatMap((event) => (event.type === 'scan.guessing' ? (judgeGuessing(event) ?? []) : []));
      const rulesOf = await this.rules.ofAll(manager, workspacesOf([...scans, ...guesses]));
      const findings = [...guesses];
      for (const scan of scans) {
        const watched = watchScan(profiles, scan, rulesOf(scan.workspaceId));
        findings.push(...watched.findings);
        if (watched.isSilenceOver) await this.endSilence(manager, scan);
      }
      await this.store(manager, profiles, rulesOf);
      return { findings, rulesOf };
    });
  }

  async watchVerifications(batch: EventBatch<VerificationEvent>): Promise<Watched> {
    return this.once(batch, async (manager, events) => {
      const all = events.map(({ id, data }): Attempt => ({ id, at: Date.parse(data.at), data }));
      const erased = await ErasedSubjects.among(
        manager,
        all.map(({ data }) => data),
      );
      const attempts = all.filter(({ data, at }) => erased.erasureOf({ ...data, at: new Date(at) }) === undefined);
      const profiles = await this.open(manager, attempts.flatMap(keysOfAttempt));
      const rulesOf = await this.rules.ofAll(manager, workspacesOf(attempts.map(({ data }) => data)));
      const findings = attempts.flatMap((attempt) =>
        watchAttempt(profiles, attempt, rulesOf(attempt.data.workspaceId)),
      );
      await this.store(manager, profiles, rulesOf);
      return { findings, rulesOf };
    });
  }

  async watchEnrollments(batch: EventBatch<EnrollmentEvent>): Promise<Watched> {
    return this.once(batch, async (manager, events) => {
      const refused = events.filter(({ type }) => type === 'enrollment.claim_refused');
      const erased = await ErasedSubjects.among(
        manager,
        refused.map(({ data }) => data),
      );
      const findings = refused
        .filter(({ data }) => erased.erasureOf({ ...data, at: new Date(data.at) }) === undefined)
        .flatMap((event) => judgeRefusedClaim(event) ?? []);
      return { findings, rulesOf: await this.rules.ofAll(manager, workspacesOf(findings)) };
    });
  }

  /** Codes that have been silent for too long by now. @returns how many were looked at, `limit` at most */
  async watchSilence(limit: number): Promise<number> {
    const now = this.clock.now();
    const looked = await this.dataSource.transaction(async (manager) => {
      const codes = await lockSilentCodes(manager, now, limit);
      const rulesOf = await this.rules.ofAll(manager, workspacesOf(codes));
      const profiles = new Profiles();
      const findings = codes.flatMap(({ profile, ...code }) => {
        profiles.set({ workspaceId: code.workspaceId, scope: 'code', name: code.codeId }, profile);
        return watchSilence(profile, { ...code, now: now.getTime() }, rulesOf(code.workspaceId)) ?? [];
      });
      await this.store(manager, profiles, rulesOf);
      await this.raise(manager, findings, rulesOf);
      return codes.length;
    });
    if (looked > 0) this.alerts.wake();
    return looked;
  }

  private async once<Event extends { id: string }>(
    { logId, topic, partition, nextOffset, events }: EventBatch<Event>,
    watch: (manager: EntityManager, events: readonly Event[]) => Promise<{ findings: Finding[]; rulesOf: RulesOf }>,
  ): Promise<Watched> {
    const place = { logId, group: ANOMALIES_GROUP, topic, partition };
    const watched = await this.dataSource.transaction(async (manager) => {
      const position = await lockOffset(manager, place);
      const ahead = events.filter(({ offset }) => offset >= position).map(({ event }) => event);
      if (nextOffset <= position) return { findings: [], dropped: 0 };
      await advanceOffset(manager, place, nextOffset);
      if (ahead.length === 0) return { findings: [], dropped: 0 };
      // The log may have an event twice, close together.
      const unique = [...new Map(ahead.map((event) => [event.id, event])).values()];
      const { findings, rulesOf } = await watch(manager, unique);
      return { findings, dropped: await this.raise(manager, findings, rulesOf) };
    });
    if (watched.findings.length > 0) this.alerts.wake();
    return watched;
  }

  private async open(manager: EntityManager, keys: readonly ProfileKey[]): Promise<Profiles> {
    const profiles = new Profiles();
    if (keys.length === 0) return profiles;
    for (const { key, profile } of await lockProfiles(manager, keys, this.clock.now())) profiles.set(key, profile);
    return profiles;
  }

  private async store(manager: EntityManager, profiles: Profiles, rulesOf: RulesOf): Promise<void> {
    const changed = Array.from(profiles.all, ({ key, profile }) => {
      const due = 'today' in profile ? silentAt(profile, rulesOf(key.workspaceId)) : undefined;
      return { key, profile, ...(due !== undefined && { silentAt: due }) };
    });
    await storeProfiles(manager, changed, this.clock.now());
  }

  private async endSilence(manager: EntityManager, { workspaceId, codeId }: Scan): Promise<void> {
    const dedupeKey = dedupeKeyOf({ rule: 'code_silent', matter: codeId });
    await this.alerts.resolve(manager, { workspaceId, dedupeKey, resolution: RECOVERED });
  }

  /** @returns how many matters no alert was raised for */
  private async raise(manager: EntityManager, findings: readonly Finding[], rulesOf: RulesOf): Promise<number> {
    const now = this.clock.now().getTime();
    const occurrences = together(findings).flatMap(({ finding, count }) => {
      const occurrence = toOccurrence(finding, rulesOf(finding.workspaceId), now);
      return occurrence ? [{ ...occurrence, count }] : [];
    });
    // In one order, so that two who raise the same never wait for each other.
    const inOrder = occurrences.slice(0, MAX_RAISED).toSorted((a, b) => (a.dedupeKey < b.dedupeKey ? -1 : 1));
    for (const occurrence of inOrder) await this.alerts.raise(manager, occurrence);
    return occurrences.length - inOrder.length;
  }
}

const workspacesOf = (of: readonly { workspaceId: string }[]): Set<string> =>
  new Set(of.map(({ workspaceId }) => workspaceId));

/** A scan of a person, of a code that is somebody's. */
export function toScan(event: ScanEvent): Scan[] {
  if (event.type !== 'scan.recorded') return [];
  const { id, data } = event;
  const { workspaceId, codeId, bot, preview } = data;
  if (workspaceId === undefined || codeId === undefined || bot || preview) return [];
  return [{ id, at: Date.parse(data.at), codeId, workspaceId, data }];
}
