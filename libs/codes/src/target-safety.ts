import type { CodeTarget, Rule, TargetHost, TargetSettings } from '@signet/contracts';
import { SignetError } from '@signet/platform';
import { describeHost } from './target-hosts.js';

/** A URL with its place in a body. */
export interface UrlAt {
  path: string;
  url: string;
}
interface Leading {
  target: CodeTarget;
  rules: readonly Rule[];
  offUrl: string | null;
}

/** What a workspace's codes may lead to. */
export interface TargetRules extends TargetSettings {
  /** `authorityOf` everything that this installation answers at. */
  ownHosts: ReadonlySet<string>;
}

/** The fields of targets, at any depth, that hold a URL somebody may be sent to. */
const LEADING: ReadonlySet<string> = new Set([
  'url',
  'urls',
  'href',
  'website',
  'ios',
  'android',
  'fallback',
  'deepLink',
]);

/** Every URL that a code may send somebody to: by its target, by the links of its page, by its rules, or when it is off. */
export const targetUrlsOf = ({ target, rules, offUrl }: Leading): UrlAt[] => [
  ...urlsWithin(target, 'target', false),
  ...rules.flatMap((rule, index) => urlsWithin(rule.target, `rules.${index}.target`, false)),
  ...urlsWithin(offUrl, 'offUrl', true),
];

/** Those of them that a server answers. */
export const webUrlsOf = (fields: Leading): UrlAt[] => targetUrlsOf(fields).filter(({ url }) => isWeb(url));

/** The host of a code's main target; null for what is shown here. */
export function targetHostOf(target: CodeTarget): TargetHost | null {
  if ('type' in target) return null;
  const url = 'url' in target ? target.url : 'fallback' in target ? target.fallback : undefined;
  return url !== undefined && isWeb(url) && URL.canParse(url) ? describeHost(url) : null;
}

/**
 * Whether a code may lead where it does. Called for what is new, edited, restored or reissued: settings that change
 * later leave codes alone that are out already.
 * @throws SignetError `target-not-allowed` naming every URL that is not allowed, and why
 */
export function checkTargets(fields: Leading, rules: TargetRules): void {
  const errors = targetUrlsOf(fields).flatMap(({ path, url }) => {
    const message = objectionTo(url, rules);
    return message === undefined ? [] : [{ path, message }];
  });
  if (errors.length === 0) return;
  const detail = errors.map(({ path, message }) => `${path}: ${message}`).join('; ');
  throw new SignetError('target-not-allowed', { detail: detail.slice(0, 1000), errors });
}

function objectionTo(text: string, { ownHosts, allowedHosts, allowedSchemes }: TargetRules): string | undefined {
  if (!URL.canParse(text)) return 'must be a URL';
  const { protocol, hostname } = new URL(text);
  const scheme = protocol.slice(0, -1);
  if (!isWeb(text))
    return CONTACT_SCHEMES.has(scheme) || allowedSchemes.includes(scheme)
      ? undefined
      : `the scheme ${scheme} is not one that this workspace allows`;
  if (ownHosts.has(authorityOf(text))) return 'must not lead back to the short URLs of this installation';
  if (allowedHosts.length > 0 && !allowedHosts.some((pattern) => covers(pattern, hostname)))
    return `the host ${hostname} is not one that this workspace allows`;
  return undefined;
}

/** What a page's links may open besides: they leave nothing but the phone's own apps. Schemas say where they may stand. */
const CONTACT_SCHEMES: ReadonlySet<string> = new Set(['mailto', 'tel', 'sms']);

/** @param pattern a host, or `*.` and a domain for every name below it */
const covers = (pattern: string, hostname: string): boolean => {
  const host = hostname.replace(/\.$/, '');
  return pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern;
};

const isWeb = (url: string): boolean => /^https?:/i.test(url);

function urlsWithin(value: unknown, path: string, leads: boolean): UrlAt[] {
  if (typeof value === 'string') return leads ? [{ path, url: value }] : [];
  if (Array.isArray(value)) return value.flatMap((item, index) => urlsWithin(item, `${path}.${index}`, leads));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([field, inner]) => urlsWithin(inner, `${path}.${field}`, LEADING.has(field)));
}

/** Host and port; the ports of http and https count as one, because a front usually sends one to the other. */
export function authorityOf(text: string): string {
  const { hostname, port } = new URL(text);
  const isDefault = port === '' || port === '80' || port === '443';
  return `${hostname.replace(/\.$/, '')}:${isDefault ? '' : port}`;
}
