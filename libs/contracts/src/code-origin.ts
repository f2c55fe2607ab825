import { z } from 'zod';

/**
 * What `/check` says of a link. The first six are states of a code that was issued here; `unknown` is a link to this
 * installation without a code behind it, `foreign` one that leads elsewhere.
 */
export const ORIGIN_VERDICTS = [
  'active',
  'scheduled',
  'paused',
  'expired',
  'exhausted',
  'revoked',
  'unknown',
  'foreign',
] as const;
export const OriginVerdictSchema = z.enum(ORIGIN_VERDICTS);
export type OriginVerdict = z.infer<typeof OriginVerdictSchema>;

/** The answer of `POST /check` to a program. */
export const CodeOriginSchema = z
  .object({
    verdict: OriginVerdictSchema,
    issuedHere: z.boolean(),
    issuedBy: z.string().nullable().meta({ description: 'the brand of the code, else the name of its workspace' }),
  })
  .meta({ id: 'CodeOrigin' });
export type CodeOrigin = z.output<typeof CodeOriginSchema>;
