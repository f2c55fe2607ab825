import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export { Counter, Gauge, Histogram, Registry } from 'prom-client';

/**
 * A registry of this process's metrics, with Node's own. Metric names begin with `signet_`.
 * @param worker its number, where several share a port
 */
export function createMetrics(service: string, worker?: number): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service, ...(worker === undefined ? {} : { worker }) });
  collectDefaultMetrics({ register: registry });
  return registry;
}

const REQUEST_DURATION = 'signet_http_request_duration_seconds';

/** Requests by route pattern (never by path) and status. */
export function requestDuration(registry: Registry): Histogram<'method' | 'route' | 'status'> {
  const known = registry.getSingleMetric(REQUEST_DURATION);
  if (known instanceof Histogram) return known;
  return new Histogram({
    name: REQUEST_DURATION,
    help: 'Duration of HTTP requests',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [registry],
  });
}

/** A gauge that is read when somebody asks; a reading that fails leaves it out of that scrape. */
export function observedGauge(
  registry: Registry,
  name: string,
  help: string,
  read: () => number | Promise<number>,
): void {
  const gauge: Gauge = new Gauge({
    name,
    help,
    registers: [registry],
    async collect() {
      try {
        gauge.set(await read());
      } catch {
        // `reset` would say 0: all is well.
        gauge.remove();
      }
    },
  });
}

/** A counter of a registry: the same one for all who name it, such as two consumer groups of one process. */
export function counter<Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly Label[],
): Counter<Label> {
  const known = registry.getSingleMetric(name);
  return known instanceof Counter ? known : new Counter({ name, help, labelNames, registers: [registry] });
}
