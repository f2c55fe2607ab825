export interface HealthReport {
  ready: boolean;
  missing: Record<string, string>;
  degraded: Record<string, string>;
}

/** The dependencies of this process, each with a check that rejects with the reason while it is missing. */
export class Health {
  private readonly checks = new Map<string, () => Promise<void>>();
  private readonly observed = new Map<string, () => Promise<string | undefined>>();
  private readonly alternatives: (readonly [string, () => Promise<void>])[][] = [];
  private stopping = false;

  /** `/readyz` fails and names it while `check` rejects. */
  require(name: string, check: () => Promise<void>): void {
    this.checks.set(name, check);
  }
  /** `/readyz` stays ready and says what is worse than it should be. */
  observe(name: string, check: () => string | undefined): void {
    this.observed.set(name, () => Promise.resolve(check()));
  }
  /** `/readyz` stays ready and names it while `check` rejects: work goes on without, for a time or in another way. */
  prefer(name: string, check: () => Promise<void>): void {
    this.observed.set(name, () => withinTwoSeconds(check));
  }
  /** `/readyz` fails while all of these reject; while only some do, it stays ready and names them. */
  requireAnyOf(checks: Readonly<Record<string, () => Promise<void>>>): void {
    this.alternatives.push(Object.entries(checks));
  }
  /** From now on not ready: load balancers send no more, while what is in hand is finished. */
  beginShutdown(): void {
    this.stopping = true;
  }

  async report(): Promise<HealthReport> {
    const missing: Record<string, string> = this.stopping ? { process: 'shutting down' } : {};
    const degraded: Record<string, string> = {};
    await Promise.all([
      ...[...this.checks].map(([name, check]) => note(missing, name, withinTwoSeconds(check))),
      ...[...this.observed].map(([name, check]) => note(degraded, name, check())),
      ...this.alternatives.map(async (checks) => {
        const away: Record<string, string> = {};
        await Promise.all(checks.map(([name, check]) => note(away, name, withinTwoSeconds(check))));
        Object.assign(Object.keys(away).length === checks.length ? missing : degraded, away);
      }),
    ]);
    return { ready: Object.keys(missing).length === 0, missing, degraded };
  }
}

async function note(reasons: Record<string, string>, name: string, reason: Promise<string | undefined>): Promise<void> {
  const text = await reason;
  if (text) reasons[name] = text;
}

async function withinTwoSeconds(check: () => Promise<void>): Promise<string | undefined> {
  const late = AbortSignal.timeout(2000);
  const timeout = new Promise<never>((_, reject) => {
    late.addEventListener('abort', () => reject(new Error('no answer within 2 s')));
  });
  try {
    await Promise.race([check(), timeout]);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
