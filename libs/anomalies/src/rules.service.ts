import { appendAudit } from '@signet/audit';
import { AnomalyRuleSetSchema, type AnomalyRules, type AnomalyRuleSet, type InputOf } from '@signet/contracts';
import { Clock, decodeCursor, ifMatchAllows, SignetError, toPage, versionTag, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { z } from 'zod';
import { insertRules, listRules, readRules, type StoredRules } from './rules.sql.js';

export const DEFAULT_RULES: AnomalyRuleSet = AnomalyRuleSetSchema.parse({});

/** The rules of each workspace, every version of them. */
@Injectable()
export class AnomalyRulesService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
  ) {}

  /** Version 0 are the defaults. */
  async get(workspaceId: string, manager: EntityManager = this.dataSource.manager): Promise<AnomalyRules> {
    const [stored] = await readRules(manager, [workspaceId]);
    return stored ? shown(stored) : { version: 0, rules: DEFAULT_RULES, changedAt: null, changedBy: null };
  }

  /** Those in force in each of the workspaces. */
  async ofAll(
    manager: EntityManager,
    workspaceIds: Iterable<string>,
  ): Promise<(workspaceId: string) => AnomalyRuleSet> {
    const stored = await readRules(manager, [...workspaceIds]);
    const rules = new Map(stored.map((one) => [one.workspaceId, shown(one).rules]));
    return (workspaceId) => rules.get(workspaceId) ?? DEFAULT_RULES;
  }

  /** @throws SignetError `version-mismatch` */
  put(caller: Caller, { body }: InputOf<'putAnomalyRules'>, ifMatch: string | undefined): Promise<AnomalyRules> {
    const { workspaceId, actor, requestId } = caller;
    return this.dataSource.transaction(async (manager) => {
      const before = await this.get(workspaceId, manager);
      if (!ifMatchAllows(ifMatch, versionTag(before.version))) throw mismatch(before.version);
      const at = this.clock.now();
      const after = { workspaceId, version: before.version + 1, rules: body.rules, changedAt: at, changedBy: actor };
      if (!(await insertRules(manager, after))) throw mismatch(after.version);
      const action = 'anomaly-rules.update';
      await appendAudit(manager, { at, workspaceId, actor, action, result: `version ${after.version}`, requestId });
      return shown(after);
    });
  }

  /** Newest first. @throws SignetError `invalid-cursor` */
  async history(
    { workspaceId }: Caller,
    { query }: InputOf<'anomalyRulesHistory'>,
  ): Promise<{ items: AnomalyRules[]; nextCursor: string | null }> {
    const before = decodeCursor(query.cursor, z.int());
    const found = await listRules(this.dataSource.manager, workspaceId, { before, limit: query.limit + 1 });
    return toPage(found.map(shown), query.limit, ({ version }) => version);
  }
}

/** What rules that were written before know nothing of gets its default. */
const shown = ({ version, rules, changedAt, changedBy }: StoredRules): AnomalyRules => ({
  version,
  rules: AnomalyRuleSetSchema.parse(rules),
  changedAt: changedAt.toISOString(),
  changedBy,
});

const mismatch = (version: number): SignetError =>
  new SignetError('version-mismatch', { detail: `The rules are at version ${version}` });
