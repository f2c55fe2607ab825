import { z } from 'zod';
import { ALERT_ACTIONS, SeveritySchema, type AlertAction, type Severity } from './alerts.js';
import { InstantSchema, PageQuerySchema, pageSchema, UuidSchema } from './primitives.js';
import { CountrySchema } from './targets.js';

/** `shadow`: what a rule finds is kept as an alert with `shadow: true`, told to nobody, and nothing is done. */
export const RULE_MODES = ['off', 'shadow', 'on'] as const;
export const RuleModeSchema = z.enum(RULE_MODES);
export type RuleMode = z.infer<typeof RuleModeSchema>;

const number = (initial: number, min: number, max: number, description: string) =>
  z.number().min(min).max(max).default(initial).meta({ description });
const int = (initial: number, min: number, max: number, description: string) =>
  z.int().min(min).max(max).default(initial).meta({ description });

interface RuleDefaults {
  mode?: RuleMode;
  severity: Severity;
  actions?: readonly AlertAction[];
  /** What the rule may do: one about codes has no subject to ask for more, and the other way round. */
  allowed: readonly AlertAction[];
  /** Without a further occurrence, an alert of it resolves by itself after that many hours. */
  resolveAfterHours?: number;
}

const OF_SUBJECT = ['alert', 'step_up'] as const;
const OF_CODE = ['alert', 'pause_code', 'revoke_code'] as const;
const HOURS_OF_WEEK = 168;

function rule<Parameters extends z.ZodRawShape>(defaults: RuleDefaults, parameters: Parameters) {
  const { mode = 'on', severity, actions = ['alert'], allowed, resolveAfterHours = 24 } = defaults;
  const schema = z.strictObject({
    mode: RuleModeSchema.default(mode),
    severity: SeveritySchema.default(severity),
    actions: z
      .array(z.enum(ALERT_ACTIONS))
      .min(1)
      .max(ALERT_ACTIONS.length)
      .refine((wanted) => wanted.every((action) => allowed.includes(action)), `may be ${allowed.join(', ')}`)
      .default([...actions]),
    coolDownMinutes: int(60, 1, 7 * 1440, 'after it was resolved, nothing of the same is raised anew for so long'),
    resolveAfterHours: int(resolveAfterHours, 1, 4 * HOURS_OF_WEEK, 'resolves by itself after so long without another'),
    ...parameters,
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each field has a default, the parameters' too
  return schema.prefault({} as never);
}

const stepUp = {
  stepUpMinutes: int(60, 1, 1440, 'of the action step_up: for how long a further proof is demanded'),
};
const learned = {
  minSuccesses: int(5, 1, 1000, 'accepted verifications that the subject must have before anything is new'),
  minAgeHours: int(24, 0, 2160, 'since the first of them'),
};
const spike = (least: number) => ({
  minimum: int(least, 2, 1_000_000, 'never fewer in a window of 5 minutes'),
  sigmas: number(4, 1, 20, 'beyond the usual, in standard deviations'),
});

/**
 * What is looked for. Each value has its bounds and a default that is safe to begin with. None denies anything.
 * docs/using/alerts.md says of each what it means.
 */
export const AnomalyRuleSetSchema = z
  .strictObject({
    new_device: rule({ severity: 'low', allowed: OF_SUBJECT }, { ...learned, ...stepUp }),
    unexpected_country: rule(
      { severity: 'medium', allowed: OF_SUBJECT, actions: ['alert', 'step_up'] },
      {
        ...learned,
        ...stepUp,
        expected: z
          .array(CountrySchema)
          .max(250)
          .default([])
          .meta({ description: 'countries that are never unexpected; not empty: any other one is, from the first on' }),
      },
    ),
    impossible_travel: rule(
      { severity: 'high', allowed: OF_SUBJECT, actions: ['alert', 'step_up'] },
      {
        ...stepUp,
        minKilometres: int(500, 50, 20_000, 'between the nearest points of the two countries'),
        minKilometresPerHour: int(800, 100, 10_000, 'from one accepted verification to the next'),
      },
    ),
    unusual_hour: rule(
      { mode: 'shadow', severity: 'low', allowed: OF_SUBJECT },
      {
        ...stepUp,
        minSuccesses: int(60, 20, 10_000, 'accepted verifications that the subject must have'),
        minAgeDays: int(21, 7, 365, 'since the first of them'),
      },
    ),
    subject_failures: rule(
      { severity: 'high', allowed: OF_SUBJECT, actions: ['alert', 'step_up'], resolveAfterHours: 6 },
      { ...spike(6), ...stepUp },
    ),
    code_failures: rule({ severity: 'medium', allowed: OF_CODE, resolveAfterHours: 6 }, spike(20)),
    network_failures: rule({ severity: 'high', allowed: ['alert'], resolveAfterHours: 6 }, spike(20)),
    workspace_failures: rule({ severity: 'high', allowed: ['alert'], resolveAfterHours: 6 }, spike(40)),
    guessing: rule({ severity: 'medium', allowed: OF_CODE, resolveAfterHours: 6 }, {}),
    claim_refused: rule(
      { severity: 'high', allowed: [...OF_CODE, 'step_up'], actions: ['alert', 'step_up'], resolveAfterHours: 168 },
      { ...stepUp, stepUpMinutes: int(240, 1, 1440, 'of the action step_up: how long a further proof is demanded') },
    ),
    revoked_scan: rule({ severity: 'medium', allowed: ['alert'] }, {}),
    code_wakes: rule(
      { severity: 'low', allowed: OF_CODE },
      {
        quietDays: int(30, 1, 365, 'without a scan'),
        minimum: int(10, 2, 10_000, 'scans in the hour after it'),
      },
    ),
    code_silent: rule(
      { severity: 'medium', allowed: ['alert'], resolveAfterHours: HOURS_OF_WEEK },
      {
        minPerDay: int(20, 5, 1_000_000, 'scans on a usual day'),
        minDays: int(14, 7, 90, 'on which the code was watched'),
        maxProbability: number(1e-6, 1e-12, 0.01, 'of a silence so long, by chance alone (Poisson)'),
        share: number(0.5, 0.1, 1, 'of the usual scans that are expected all the same: weeks differ'),
      },
    ),
    network_burst: rule(
      { severity: 'medium', allowed: OF_CODE },
      {
        minimum: int(60, 5, 100_000, 'scans of one code by one network in a minute'),
        share: number(0.5, 0.1, 1, 'of all scans of the code in that minute'),
      },
    ),
  })
  .prefault({})
  .meta({ id: 'AnomalyRuleSet' });
export type AnomalyRuleSet = z.output<typeof AnomalyRuleSetSchema>;
export type RuleName = keyof AnomalyRuleSet;

export const PutAnomalyRulesSchema = z
  .strictObject({ rules: AnomalyRuleSetSchema.meta({ description: 'what is left out gets its default' }) })
  .meta({ id: 'PutAnomalyRules' });

export const AnomalyRulesSchema = z
  .object({
    version: z.int().meta({ description: '0: nobody has changed anything' }),
    rules: AnomalyRuleSetSchema,
    changedAt: InstantSchema.nullable(),
    changedBy: z.string().nullable(),
  })
  .meta({ id: 'AnomalyRules' });
export type AnomalyRules = z.output<typeof AnomalyRulesSchema>;
export const AnomalyRulesPageSchema = pageSchema(AnomalyRulesSchema);
export const ListAnomalyRulesQuerySchema = PageQuerySchema;

export const BacktestSchema = z
  .strictObject({
    rules: AnomalyRuleSetSchema.optional().meta({ description: 'absent: those in force' }),
    from: InstantSchema,
    to: InstantSchema.optional().meta({ description: 'absent: now; 31 days after `from` at most' }),
    codeIds: z.array(UuidSchema).min(1).max(100).optional().meta({ description: 'only scans of these codes' }),
  })
  .meta({ id: 'Backtest' });
export type Backtest = z.output<typeof BacktestSchema>;

const sample = z.object({
  at: InstantSchema,
  severity: SeveritySchema,
  sentence: z.string(),
  numbers: z.record(z.string(), z.number()),
  threshold: z.record(z.string(), z.number()),
  codeId: UuidSchema.nullable(),
  subject: z.string().nullable(),
  network: z.string().nullable(),
  evidence: z.array(UuidSchema),
});

export const BacktestResultSchema = z
  .object({
    from: InstantSchema,
    to: InstantSchema,
    events: z.int().meta({ description: 'that were looked at: scans of people, and verifications' }),
    complete: z.boolean().meta({ description: 'false: there are more than may be looked at in one go; see `to`' }),
    rules: z.array(
      z.object({
        rule: z.string(),
        alerts: z.int().meta({ description: 'that would have been raised; what goes on counts once' }),
        occurrences: z.int(),
        samples: z.array(sample).meta({ description: 'the first 10' }),
      }),
    ),
    notCovered: z
      .array(z.string())
      .meta({ description: 'rules whose events are not kept, so that nothing can be said' }),
  })
  .meta({ id: 'BacktestResult' });
export type BacktestResult = z.output<typeof BacktestResultSchema>;
