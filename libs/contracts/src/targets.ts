import { z } from 'zod';
import { hasControlCharacters, lineSchema } from './primitives.js';

/** Length in characters; a longer URL does not fit a `Location` header everywhere. */
export const MAX_TARGET_LENGTH = 4096;

export const TargetUrlSchema = z
  .string()
  .max(MAX_TARGET_LENGTH)
  .refine((text) => !hasControlCharacters(text), 'must not contain control characters')
  .refine((text) => !/[\s\\]/.test(text), 'must not contain white space or backslashes')
  .refine((text) => /^https?:\/\/[^/?#]/i.test(text) && URL.canParse(text), 'must be an absolute http or https URL')
  .refine((text) => {
    if (!URL.canParse(text)) return true;
    const url = new URL(text);
    return url.username === '' && url.password === '';
  }, 'must not contain user information')
  .meta({ format: 'uri' });

/** Schemes that run code, read files or show what somebody else wrote: never a target, whatever a workspace allows. */
export const FORBIDDEN_SCHEMES: ReadonlySet<string> = new Set([
  'about',
  'blob',
  'chrome',
  'data',
  'file',
  'filesystem',
  'ftp',
  'intent',
  'javascript',
  'jar',
  'vbscript',
  'view-source',
  'ws',
  'wss',
]);

/** A link into an app, as `myapp://path`; the workspace's settings say which schemes are allowed. */
export const DeepLinkSchema = z
  .string()
  .max(MAX_TARGET_LENGTH)
  .refine((text) => !hasControlCharacters(text), 'must not contain control characters')
  .refine((text) => !/[\s\\]/.test(text), 'must not contain white space or backslashes')
  .refine((text) => {
    const [, scheme] = /^([a-z][a-z0-9+.-]{1,31}):/i.exec(text) ?? [];
    return scheme !== undefined && !/^https?$/i.test(scheme) && !FORBIDDEN_SCHEMES.has(scheme.toLowerCase());
  }, 'must have the scheme of an app')
  .meta({ format: 'uri' });

export const LinkTargetSchema = z
  .strictObject({
    url: TargetUrlSchema,
    deepLink: DeepLinkSchema.optional().meta({ description: 'opened in its app where there is one; else `url`' }),
  })
  .meta({ id: 'LinkTarget' });
export type LinkTarget = z.output<typeof LinkTargetSchema>;

/** Where a phone gets the app: its store, or the fallback. */
export const AppTargetSchema = z
  .strictObject({
    ios: TargetUrlSchema.optional(),
    android: TargetUrlSchema.optional(),
    fallback: TargetUrlSchema,
    deepLink: DeepLinkSchema.optional(),
  })
  .refine(({ ios, android }) => ios !== undefined || android !== undefined, 'must have a store: ios, android or both')
  .meta({ id: 'AppTarget' });
export type AppTarget = z.output<typeof AppTargetSchema>;

const oneOrMore = <Value extends z.ZodType>(value: Value) => z.union([value, z.array(value).min(1).max(50)]);

const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be HH:MM');

const isTimeZone = (zone: string): boolean => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
};

export const TimeZoneSchema = z.string().max(64).refine(isTimeZone, 'must be an IANA time zone');

export const TimeWindowSchema = z
  .strictObject({
    days: z
      .array(z.int().min(1).max(7))
      .min(1)
      .max(7)
      .optional()
      .meta({ description: 'Monday is 1; of the day on which the window begins' }),
    from: time,
    to: time.meta({ description: 'exclusive; earlier than `from`: the window ends the next day' }),
    timeZone: TimeZoneSchema,
  })
  .refine(({ from, to }) => from !== to, 'must not begin and end at the same time')
  .meta({ id: 'TimeWindow' });
export type TimeWindow = z.output<typeof TimeWindowSchema>;

/** What rules tell devices by; what analytics knows beyond that is none of these. */
export const DeviceSchema = z.enum(['phone', 'tablet', 'desktop', 'bot']);
export const OsSchema = z.enum(['ios', 'android', 'windows', 'macos', 'linux', 'chromeos']);
export const CountrySchema = z.string().regex(/^[A-Z]{2}$/, 'must be an ISO 3166-1 alpha-2 country code');
export const VisitSchema = z.enum(['first', 'returning']);

/** All conditions that are given must hold; a list holds when any of its values does. */
export const RuleConditionSchema = z
  .strictObject({
    device: oneOrMore(DeviceSchema).optional(),
    os: oneOrMore(OsSchema).optional(),
    country: oneOrMore(CountrySchema).optional(),
    language: oneOrMore(
      z.string().regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$/, 'must be a BCP 47 language tag'),
    ).optional(),
    timeWindow: oneOrMore(TimeWindowSchema).optional(),
    visit: VisitSchema.optional().meta({
      description: 'whether this visitor scanned the code before, on the same UTC day',
    }),
    weight: z
      .number()
      .min(0)
      .max(100)
      .optional()
      .meta({ description: 'percent of the requests that reach this rule and match the rest' }),
    sticky: z.boolean().optional().meta({ description: 'of a weight: the same visitor stays on the same side' }),
  })
  .refine(({ sticky, weight }) => sticky === undefined || weight !== undefined, {
    path: ['sticky'],
    message: 'needs a weight',
  })
  .meta({ id: 'RuleCondition' });
export type RuleCondition = z.output<typeof RuleConditionSchema>;

export const RuleSchema = z.strictObject({ when: RuleConditionSchema, target: LinkTargetSchema }).meta({ id: 'Rule' });
export type Rule = z.output<typeof RuleSchema>;
export const RulesSchema = z.array(RuleSchema).max(50);

/** Query parameters that are set on the target, as `utm_source` and so on, unless it has them. */
export const UtmSchema = z
  .strictObject({
    source: lineSchema(200).optional(),
    medium: lineSchema(200).optional(),
    campaign: lineSchema(200).optional(),
    term: lineSchema(200).optional(),
    content: lineSchema(200).optional(),
  })
  .refine((utm) => Object.keys(utm).length > 0, 'must set something')
  .meta({ id: 'Utm' });
export type Utm = z.output<typeof UtmSchema>;
