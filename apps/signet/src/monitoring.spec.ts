import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parser } from '@prometheus-io/lezer-promql';
import { Registry, collectDefaultMetrics } from 'prom-client';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8');

interface Rule {
  record?: string;
  alert?: string;
  expr: string;
  for?: string;
  labels?: { severity?: string };
  annotations?: { summary?: string; look?: string };
}
interface Panel {
  type: string;
  title: string;
  targets?: { expr: string }[];
}

const groups: { name: string; rules: Rule[] }[] = parse(read('deploy/prometheus/rules.yml')).groups;
const rules = groups.flatMap((group) => group.rules);
const recorded = new Set(rules.flatMap(({ record }) => record ?? []));
const dashboard: { panels: Panel[] } = JSON.parse(read('deploy/grafana/dashboards/signet.json'));

/** What monitoring.md explains, which is what is served (documents.spec.ts), and what Node's client serves beside. */
function served(): Set<string> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const explained = Array.from(
    read('docs/operating/monitoring.md').matchAll(/^\| `(signet_\w+)` /gm),
    ([, name = '']) => name,
  );
  return new Set([...explained, ...registry.getMetricsAsArray().map(({ name }) => name)]);
}

/** Names of metrics in an expression: of histograms, as they are called without the suffix. */
function metricsOf(expression: string): string[] {
  const withoutLabels = expression.replaceAll(/\{[^}]*\}/g, '').replaceAll(/\bby \([^)]*\)/g, '');
  const names = withoutLabels.match(/\b(?:signet|process|nodejs)[_:][\w:]+/g) ?? [];
  return names.map((name) => name.replace(/_(bucket|count)$/, ''));
}

describe('deploy/prometheus and deploy/grafana', () => {
  it('ask for metrics and recorded rules that exist', () => {
    const known = served();
    const asked = [...rules, ...dashboard.panels.flatMap(({ targets = [] }) => targets)].flatMap(({ expr }) =>
      metricsOf(expr),
    );
    expect(asked.length).toBeGreaterThan(40);
    expect(asked.filter((name) => !known.has(name) && !recorded.has(name))).toEqual([]);
  });

  it('record each rule once, by the names that Prometheus advises: level, metric, operation', () => {
    expect(recorded.size).toBe(rules.filter(({ record }) => record).length);
    for (const name of recorded) expect(name).toMatch(/^signet:[a-z_]+(:[a-z0-9_]+)?$/);
  });

  it('say with each alert how grave it is, what is the matter and where to look first', () => {
    for (const { alert, labels, annotations } of rules.filter((rule) => rule.alert))
      expect({ alert, labels, annotations }).toEqual({
        alert: expect.stringMatching(/^Signet[A-Z]/),
        labels: { severity: expect.stringMatching(/^(page|ticket)$/) },
        annotations: { summary: expect.any(String), look: expect.any(String) },
      });
  });

  it('are PromQL', () => {
    const errorsOf = (expression: string): string[] => {
      const errors: string[] = [];
      parser.parse(expression).iterate({
        enter: ({ type, from }) => {
          if (type.isError) errors.push(`${expression} from ${from}`);
        },
      });
      return errors;
    };
    const expressions = [...rules, ...dashboard.panels.flatMap(({ targets = [] }) => targets)].map(({ expr }) => expr);
    expect(expressions.flatMap(errorsOf)).toEqual([]);
    expect(errorsOf('sum by (le (rate(x[5m])')).not.toEqual([]);
  });

  it('scrape the port of every service', () => {
    const { scrape_configs: jobs } = parse(read('deploy/prometheus/prometheus.yml'));
    const compose = parse(read('docker-compose.yml'), { merge: true });
    for (const target of jobs[0].static_configs[0].targets) {
      const [name, port] = target.split(':');
      expect(String(compose.services[name].environment.PORT)).toBe(port);
    }
  });

  it('explain every alert that wakes somebody in monitoring.md', () => {
    const page = read('docs/operating/monitoring.md');
    const names = rules.filter(({ labels }) => labels?.severity === 'page').flatMap(({ expr }) => metricsOf(expr));
    expect(names.filter((name) => !page.includes(name))).toEqual([]);
  });
});
