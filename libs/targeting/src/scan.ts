import type { RuleCondition } from '@signet/contracts';

type OneOf<Value> = Extract<NonNullable<Value>, string>;
export type TargetedDevice = OneOf<RuleCondition['device']>;
export type TargetedOs = OneOf<RuleCondition['os']>;

/** What is known of a scan that wants to be sent somewhere. What is absent is not known, and matches no condition. */
export interface TargetedScan {
  device?: TargetedDevice;
  os?: TargetedOs;
  /** ISO 3166-1 alpha-2. */
  country?: string;
  /** BCP 47 tags, the one that is liked best first. */
  languages?: readonly string[];
  at: Date;
  /** The same for all scans of one visitor: by this a sticky weight knows them again. */
  visitor?: string;
  isReturning?: boolean;
  /** From 0 to below 1, drawn anew for each scan. */
  random: number;
}

const systems: Readonly<Record<string, TargetedOs>> = {
  iOS: 'ios',
  Android: 'android',
  Windows: 'windows',
  macOS: 'macos',
  Linux: 'linux',
  'Chrome OS': 'chromeos',
};

/** @param name as analytics shows it, such as `Chrome OS`; @returns undefined for one that no rule can name */
export const targetedOs = (name: string | undefined): TargetedOs | undefined => systems[name ?? ''];

const devices: ReadonlySet<string> = new Set<TargetedDevice>(['phone', 'tablet', 'desktop', 'bot']);
const isDevice = (type: string): type is TargetedDevice => devices.has(type);

/** @param type as analytics shows it; @returns undefined for one that no rule can name */
export const targetedDevice = (type: string | undefined): TargetedDevice | undefined =>
  type !== undefined && isDevice(type) ? type : undefined;

/**
 * The tags of an `Accept-Language` header in the order of their `q`, the first of equals (RFC 9110 §12.5.4); without
 * `*` and what is refused by `q=0`.
 */
export function acceptedLanguages(header: string | undefined): string[] {
  const ranges = (header ?? '').split(',').map((range) => {
    const [tag = '', ...parameters] = range.split(';').map((part) => part.trim());
    const given = parameters.find((parameter) => /^q=/i.test(parameter));
    return { tag, quality: given === undefined ? 1 : Number(given.slice(2)) };
  });
  return ranges
    .filter(({ tag, quality }) => /^[a-z]{2,8}(-[a-z0-9]{1,8})*$/i.test(tag) && quality > 0 && quality <= 1)
    .toSorted((one, other) => other.quality - one.quality)
    .map(({ tag }) => tag);
}
