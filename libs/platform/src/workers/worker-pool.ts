import cluster, { type Worker } from 'node:cluster';
import { Backoff } from '../backoff.js';
import type { Logger } from '../logging.js';
import { WorkerMessageSchema, type Topic, type WorkerMessage } from './worker-messages.js';

export interface WorkerPoolOptions {
  count: number;
  /** Of a worker's stop. */
  shutdownSeconds: number;
  logger: Logger;
  /** Called once, when the last worker has ended. */
  onEnd: (exitCode: number) => void;
}

/** In the environment of a worker: its number, from 1. A successor has its number. */
export const WORKER_NUMBER = 'SIGNET_WORKER';

const PAUSES = { minMilliseconds: 250, maxMilliseconds: 10_000 };
/** A worker that lived so long did not die of its start. */
const SOUND_AFTER_MS = 60_000;
/** A report of health takes up to two seconds. */
const ANSWER_WITHIN_MS = 2500;
/** More than a worker takes that ends itself when its time is over. */
const KILL_AFTER_MS = 2000;

/**
 * The primary of workers that share a port, on which each accepts connections itself: starts them, starts a successor for
 * each that dies, ends them together, and passes on what they ask one another.
 */
export class WorkerPool {
  private readonly workers = new Map<number, Worker>();
  private readonly questions = new Set<Question>();
  private hasServed = false;
  private exitCode: number | undefined;

  constructor(private readonly options: WorkerPoolOptions) {}

  start(): void {
    // Of connections that Node's primary hands out in turn, one that is on its way to a worker which dies is lost open:
    // whoever waits on it waits for ever.
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    for (let number = 1; number <= this.options.count; number += 1) this.fork(number, new Backoff(PAUSES));
  }

  /** Every worker finishes what is in hand. */
  end(exitCode: number): void {
    if (this.exitCode !== undefined) return;
    this.exitCode = exitCode;
    for (const { process } of this.workers.values()) process.kill('SIGTERM');
    const patience = this.options.shutdownSeconds * 1000 + KILL_AFTER_MS;
    setTimeout(() => {
      for (const { process } of this.workers.values()) process.kill('SIGKILL');
    }, patience).unref();
    if (this.workers.size === 0) this.options.onEnd(exitCode);
  }

  private fork(number: number, backoff: Backoff): void {
    const worker = cluster.fork({ [WORKER_NUMBER]: String(number) });
    const startedAt = performance.now();
    this.workers.set(number, worker);
    worker.on('message', (message: unknown) => this.hear(worker, message));
    worker.once('listening', () => (this.hasServed = true));
    worker.once('exit', (code: number | null, signal: string | null) => {
      this.workers.delete(number);
      for (const question of this.questions) question.lose(worker);
      if (performance.now() - startedAt > SOUND_AFTER_MS) backoff.reset();
      void this.succeed(number, backoff, { code, signal });
    });
  }

  private async succeed(
    number: number,
    backoff: Backoff,
    { code, signal }: { code: number | null; signal: string | null },
  ): Promise<void> {
    if (this.exitCode !== undefined) return this.countOut(code);
    // It said why. The others will not fare better.
    if (!this.hasServed) {
      this.end(code || 1);
      return;
    }
    this.options.logger.error({ worker: number, exitCode: code, signal }, 'a worker ended; another takes its place');
    await backoff.sleepAfterFailure();
    if (this.exitCode === undefined) this.fork(number, backoff);
  }

  private countOut(code: number | null): void {
    this.exitCode ||= code ?? 0;
    if (this.workers.size === 0) this.options.onEnd(this.exitCode ?? 0);
  }

  private hear(worker: Worker, received: unknown): void {
    const { data: message } = WorkerMessageSchema.safeParse(received);
    if (message?.signet === 'ask') this.ask(worker, message);
    if (message?.signet === 'told') for (const question of this.questions) question.take(worker, message);
  }

  private ask(asker: Worker, { id, about }: { id: number; about: Topic }): void {
    const question = new Question(nextId(), [...this.workers.values()], (answers) => {
      this.questions.delete(question);
      send(asker, { signet: 'answers', id, answers, count: this.options.count });
    });
    this.questions.add(question);
    question.put(about);
  }
}

let lastId = 0;
const nextId = (): number => (lastId += 1);

/** To all workers, until each has answered, died, or had its time. */
class Question {
  private readonly asked: Set<Worker>;
  private readonly answers: unknown[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly id: number,
    workers: readonly Worker[],
    private readonly onEnd: (answers: unknown[]) => void,
  ) {
    this.asked = new Set(workers);
  }

  put(about: Topic): void {
    this.timer = setTimeout(() => this.end(), ANSWER_WITHIN_MS);
    for (const worker of this.asked) send(worker, { signet: 'tell', id: this.id, about });
  }

  take(worker: Worker, { id, answer }: { id: number; answer?: unknown }): void {
    if (id !== this.id || !this.asked.has(worker)) return;
    this.answers.push(answer);
    this.lose(worker);
  }

  lose(worker: Worker): void {
    if (this.asked.delete(worker) && this.asked.size === 0) this.end();
  }

  private end(): void {
    clearTimeout(this.timer);
    this.onEnd(this.answers);
  }
}

/** One that ended meanwhile needs no answer. */
const send = (worker: Worker, message: WorkerMessage): void => {
  if (worker.isConnected()) worker.send(message, undefined, () => {});
};
