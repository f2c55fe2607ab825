import { AnomalyRuleSetSchema, type RuleName } from '@signet/contracts';
import { Backtest, RULE_NAMES } from './backtest.js';
import type { Finding } from './finding.js';
import { makeMonth, type Incident } from './month.fixture.js';

const SEEDS = [11, 23, 47];
const RULES = AnomalyRuleSetSchema.parse({});
/** Rules whose events the month has none of, or that are tried out in shadow mode. */
const LEFT_OUT: ReadonlySet<RuleName> = new Set(['guessing', 'claim_refused', 'unusual_hour', 'code_failures']);

const isOf = (incident: Incident, finding: Finding): boolean =>
  incident.rule === finding.rule &&
  finding.at >= incident.from &&
  finding.at <= incident.to &&
  (incident.subject === undefined || incident.subject === finding.subject) &&
  (incident.codeId === undefined || incident.codeId === finding.codeId);

interface Score {
  rule: RuleName;
  incidents: number;
  found: number;
  alerts: number;
  right: number;
}

/** What the rules made of the labelled month. @returns by rule, how much of it was found, and how much was right */
function score(seed: number): Score[] {
  const month = makeMonth(seed);
  const backtest = new Backtest(RULES, month);
  const findings = [...month.events.flatMap((event) => backtest.take(event)), ...backtest.finish(month.to)];
  // What goes on is one alert.
  const matters = new Map(findings.map((finding) => [`${finding.rule} ${finding.matter}`, finding]));
  return RULE_NAMES.filter((rule) => !LEFT_OUT.has(rule)).map((rule) => {
    const labelled = month.incidents.filter((incident) => incident.rule === rule);
    const incidents = labelled.filter(({ isFaint }) => !isFaint);
    const alerts = [...matters.values()].filter((finding) => finding.rule === rule);
    const found = incidents.filter((incident) => findings.some((finding) => isOf(incident, finding)));
    const right = alerts.filter(({ matter }) =>
      labelled.some((incident) =>
        findings.some((finding) => finding.rule === rule && finding.matter === matter && isOf(incident, finding)),
      ),
    );
    return { rule, incidents: incidents.length, found: found.length, alerts: alerts.length, right: right.length };
  });
}

describe('a month in which it is known what happened', () => {
  const scores = SEEDS.flatMap(score);
  const totals = RULE_NAMES.filter((rule) => !LEFT_OUT.has(rule)).map((rule) => {
    const of = scores.filter((one) => one.rule === rule);
    const sum = (key: 'incidents' | 'found' | 'alerts' | 'right'): number =>
      of.reduce((total, one) => total + one[key], 0);
    const [incidents, found, alerts, right] = [sum('incidents'), sum('found'), sum('alerts'), sum('right')];
    return { rule, incidents, alerts, recall: found / incidents, precision: alerts === 0 ? 1 : right / alerts };
  });
  const table = totals.map(
    ({ rule, incidents, alerts, recall, precision }) =>
      `${rule.padEnd(20)} ${String(incidents).padStart(9)} ${String(alerts).padStart(7)}  ${recall.toFixed(2)}   ${precision.toFixed(2)}`,
  );
  process.stdout.write(
    `seeds ${SEEDS.join(', ')}\n${'rule'.padEnd(20)} incidents  alerts  recall precision\n${table.join('\n')}\n`,
  );

  it.each(totals)('$rule finds what happened, and little else', ({ incidents, recall, precision }) => {
    expect(incidents).toBeGreaterThan(0);
    expect(recall).toBeGreaterThanOrEqual(0.9);
    expect(precision).toBeGreaterThanOrEqual(0.85);
  });

  it('is the same for the same seed', () => {
    expect(score(11)).toEqual(scores.slice(0, totals.length));
  });
});
