import { AggregatorRegistry, type Registry } from 'prom-client';
import { z } from 'zod';
import type { Health, HealthReport } from '../health.js';
import { WorkerMessageSchema, type Topic, type WorkerMessage } from './worker-messages.js';

type Answers = Extract<WorkerMessage, { signet: 'answers' }>;

/** Of `Registry.getMetricsAsJSON`; the rest is for prom-client to read. */
const MetricsSchema = z.array(z.looseObject({ name: z.string() }));
const HealthReportSchema = z.object({
  ready: z.boolean(),
  missing: z.record(z.string(), z.string()),
  degraded: z.record(z.string(), z.string()),
});

/**
 * A worker's line to its primary. Whichever worker a request for `/metrics` or `/readyz` comes to, it answers for all:
 * a scrape that saw another worker each time would be of no use.
 */
export class WorkerLink {
  private readonly waiting = new Map<number, (answers: Answers) => void>();
  private questions = 0;

  /** @param number of this worker, from 1 */
  constructor(readonly number: number) {}

  /** Answers the other workers' questions by what is of this one. @returns what is of all */
  join({ metrics, health }: { metrics: Registry; health: Health }): {
    metrics: Pick<Registry, 'metrics' | 'contentType'>;
    health: Pick<Health, 'report'>;
  } {
    const tell = { metrics: () => metrics.getMetricsAsJSON(), health: () => health.report() };
    process.on('message', (received) => {
      const { data: message } = WorkerMessageSchema.safeParse(received);
      if (message?.signet === 'answers') this.waiting.get(message.id)?.(message);
      if (message?.signet === 'tell') void this.answer(message.id, tell[message.about]);
    });
    return {
      metrics: { contentType: metrics.contentType, metrics: () => this.allMetrics() },
      health: { report: () => this.allHealth() },
    };
  }

  private async answer(id: number, tell: () => Promise<unknown>): Promise<void> {
    send({ signet: 'told', id, answer: await tell() });
  }

  private ask(about: Topic): Promise<Answers> {
    this.questions += 1;
    const id = this.questions;
    return new Promise((resolve) => {
      this.waiting.set(id, (answers) => {
        this.waiting.delete(id);
        resolve(answers);
      });
      send({ signet: 'ask', id, about });
    });
  }

  /** Each series has its worker as a label, so that a worker that starts anew resets its own counters alone. */
  private async allMetrics(): Promise<string> {
    const { answers } = await this.ask('metrics');
    // Of no two of these are the labels the same; `omit`, of the start time, would leave it out.
    const metrics = answers.map((answer) =>
      MetricsSchema.parse(answer).map((metric) => ({ ...metric, aggregator: 'first' })),
    );
    return AggregatorRegistry.aggregate(metrics).metrics();
  }

  /** One that is not ready makes all of them not ready: nobody can choose the worker. */
  private async allHealth(): Promise<HealthReport> {
    const { answers, count } = await this.ask('health');
    const reports = answers.map((answer) => HealthReportSchema.parse(answer));
    return {
      ready: reports.every(({ ready }) => ready),
      missing: Object.fromEntries(reports.flatMap(({ missing }) => Object.entries(missing))),
      degraded: {
        ...Object.fromEntries(reports.flatMap(({ degraded }) => Object.entries(degraded))),
        ...(answers.length < count ? { workers: `${answers.length} of ${count} answer` } : {}),
      },
    };
  }
}

/** A primary that is gone hears nothing; Node then ends its workers. */
const send = (message: WorkerMessage): void => {
  process.send?.(message, undefined, undefined, () => {});
};
