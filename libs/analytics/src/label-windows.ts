import { readLabelVersions } from '@signet/codes';
import { BackgroundLoop, Clock, LOGGER, type Logger } from '@signet/platform';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { CodeScans } from './analytics.sql.js';
import {
  readCounted,
  readDue,
  readLabelledWindows,
  replaceLabelWindows,
  settleWindow,
  type DueWindow,
  type LabelledWindow,
  type LabelWindow,
  type Ranking,
} from './label-windows.sql.js';
import { adoptLabels, LEAST_CODES, tryLockLabels } from './labels.sql.js';
import { shareRebuildLock } from './offsets.sql.js';
import { WindowCounts } from './rollup.js';
import { STEP_MS } from './time-range.js';
import { VisitorSketch } from './visitor-sketch.js';

const IDLE_MS = STEP_MS.minute;
/** After the end of a window, for what comes late. */
const SETTLES_AFTER_MS = 5 * STEP_MS.minute;
/** A window that changes after it was added up is added up again this much later. */
const AGAIN_AFTER_MS = 10 * STEP_MS.minute;
/** So many codes of a window are listed. */
const TOP_CODES = 200;
const WINDOWS_AT_ONCE = 100;
const PAGE = 2000;

type DueOfWorkspace = DueWindow & { workspaceId: string };

/**
 * Adds up the hours and days of a workspace's codes by their labels, so that a question after 10,000 codes reads one row a
 * window. Derived, and never trusted unseen: a question takes what was added up while the workspace has counted nothing
 * more in that window and the label has the same codes, and adds up the codes' own windows where not.
 */
@Injectable()
export class LabelWindows implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop: BackgroundLoop;
  /** Of each workspace, the labels that were adopted last. */
  private readonly adopted = new Map<string, string>();
  private due: DueOfWorkspace[] = [];

  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.loop = new BackgroundLoop({
      failure: 'the windows of labels could not be added up',
      step: () => this.step(),
      idleMilliseconds: IDLE_MS,
      maxWaitMilliseconds: IDLE_MS,
      logger,
    });
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.loop.stop();
  }

  /** Adds up a window, or looks which are due. @returns whether there is more to do at once */
  async step(): Promise<boolean> {
    const next = this.due.shift();
    if (!next) return this.findDue();
    await this.inTurn((manager) => this.settle(manager, next));
    return true;
  }

  private async findDue(): Promise<boolean> {
    const now = this.clock.now().getTime();
    for (const { workspaceId, version } of await readLabelVersions(this.dataSource.manager, LEAST_CODES)) {
      if (this.adopted.get(workspaceId) !== version) {
        const more = await this.inTurn((manager) => adoptLabels(manager, workspaceId));
        if (more ?? true) return more ?? false;
        this.adopted.set(workspaceId, version);
      }
      const due = await readDue(this.dataSource.manager, {
        workspaceId,
        until: new Date(now - SETTLES_AFTER_MS),
        retriedUntil: new Date(now - AGAIN_AFTER_MS),
        limit: WINDOWS_AT_ONCE,
      });
      this.due.push(...due.map((window) => ({ ...window, workspaceId })));
    }
    return this.due.length > 0;
  }

  /** @returns undefined while another process adds up */
  private inTurn<Result>(work: (manager: EntityManager) => Promise<Result>): Promise<Result | undefined> {
    return this.dataSource.transaction(async (manager) => {
      if (await tryLockLabels(manager)) return work(manager);
      this.due = [];
      return undefined;
    });
  }

  private async settle(manager: EntityManager, due: DueOfWorkspace): Promise<void> {
    const { workspaceId, labels } = due;
    await shareRebuildLock(manager);
    // Before the codes' windows: what is counted meanwhile is in them and not in this, and has them added up again.
    const counted = await readCounted(manager, workspaceId, due);
    const sums = new LabelSums(labels);
    for await (const windows of readLabelledWindows(manager, workspaceId, { ...due, page: PAGE }))
      for (const window of windows) sums.add(window);
    await replaceLabelWindows(manager, { workspaceId, due, windows: sums.labels() });
    if (labels) return;
    await settleWindow(manager, { workspaceId, due, counted, top: sums.top(), at: this.clock.now() });
  }
}

interface Sum {
  counts: WindowCounts;
  codes: CodeScans[];
}

/** The windows of codes at one time, added up by label. */
class LabelSums {
  private readonly all: CodeScans[] = [];
  private readonly of = new Map<number, Sum>();
  private readonly wanted: ReadonlySet<number> | undefined;

  /** @param labels null: all that there are */
  constructor(labels: readonly number[] | null) {
    this.wanted = labels ? new Set(labels) : undefined;
  }

  add(window: LabelledWindow): void {
    const { codeId, scans, bots, refused } = window;
    const code = { codeId, scans };
    if (scans > 0) this.all.push(code);
    const labels = window.labels.filter((label) => this.wanted?.has(label) ?? true);
    if (labels.length === 0) return;
    const counts = new WindowCounts(window.counts, VisitorSketch.decode(window.visitors));
    Object.assign(counts, { scans, bots, refused });
    for (const label of labels) {
      const sum = this.sumOf(label);
      sum.counts.merge(counts);
      if (scans > 0) sum.codes.push(code);
    }
  }

  top(): Ranking {
    return ranked(this.all);
  }

  labels(): LabelWindow[] {
    return [...this.of].map(([labelId, { counts, codes }]) => ({ labelId, counts, top: ranked(codes) }));
  }

  private sumOf(label: number): Sum {
    let sum = this.of.get(label);
    if (!sum) {
      sum = { counts: new WindowCounts({}, new VisitorSketch(), Infinity), codes: [] };
      this.of.set(label, sum);
    }
    return sum;
  }
}

function ranked(all: readonly CodeScans[]): Ranking {
  const codes = all.toSorted((a, b) => b.scans - a.scans);
  return { codes: codes.slice(0, TOP_CODES), othersMost: codes[TOP_CODES]?.scans ?? 0 };
}
