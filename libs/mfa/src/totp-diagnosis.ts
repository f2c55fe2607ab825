import { TotpParametersSchema, type TotpParameters } from '@signet/contracts';
import { NO_STEP, stepAt, verifyTotp } from './totp.js';

/** Why a code of an enrollment did not match, where that can be told. */
export type TotpDiagnosis =
  /** The app computes SHA1, 6 digits and 30 s whatever the QR code says (security.md §1, app probe). */
  | { cause: 'ignored-parameters'; ignored: string }
  /** The phone's clock is wrong by about this much; negative: it is slow. */
  | { cause: 'clock'; seconds: number };

/** A clock that is further off is no clock that somebody forgot to set. */
const CLOCK_STEPS = 20;
const DEFAULTS: TotpParameters = TotpParametersSchema.parse({});

/**
 * Looks for the mistake behind a code that is wrong. For an enrollment only: there the caller holds the secret anyhow,
 * while in a verification each further step that is looked at would help to guess.
 */
export function diagnoseTotp(attempt: {
  secret: Uint8Array;
  code: string;
  at: Date;
  parameters: TotpParameters;
}): TotpDiagnosis | undefined {
  const { secret, code, at, parameters } = attempt;
  const ignored = unusualOf(parameters);
  const asDefault = { secret, code, at, parameters: DEFAULTS, acceptedSteps: { past: 1 }, lastStep: NO_STEP };
  if (ignored && verifyTotp(asDefault).matched) return { cause: 'ignored-parameters', ignored };
  const period = parameters.periodSeconds;
  const latest = new Date(at.getTime() + CLOCK_STEPS * period * 1000);
  const wide = { secret, code, at: latest, parameters, acceptedSteps: { past: 2 * CLOCK_STEPS }, lastStep: NO_STEP };
  const result = verifyTotp(wide);
  if (!result.matched) return undefined;
  return { cause: 'clock', seconds: (result.step - stepAt(at, parameters)) * period };
}

/** @returns what of the parameters some apps ignore, such as `SHA256, 8 digits`; undefined for the usual ones */
export function unusualOf({ algorithm, digits, periodSeconds }: TotpParameters): string | undefined {
  const parts = [
    ...(algorithm === DEFAULTS.algorithm ? [] : [algorithm]),
    ...(digits === DEFAULTS.digits ? [] : [`${digits} digits`]),
    ...(periodSeconds === DEFAULTS.periodSeconds ? [] : [`a period of ${periodSeconds} s`]),
  ];
  return parts.length > 0 ? parts.join(', ') : undefined;
}
