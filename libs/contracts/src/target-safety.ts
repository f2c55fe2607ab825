import { z } from 'zod';
import { InstantSchema } from './primitives.js';
import { FORBIDDEN_SCHEMES } from './targets.js';

/** @returns a host name as URLs have it: lower case, IDN as punycode; undefined for what is none */
function hostInAscii(text: string): string | undefined {
  if (!/^[^\s/?#@\\:%*]+$|^\[[0-9a-f:.]+\]$/i.test(text) || !URL.canParse(`http://${text}/`)) return undefined;
  return new URL(`http://${text}/`).hostname;
}

/** @returns the pattern with its host in ASCII; what is none as it came */
function inAscii(pattern: string): string {
  const [, wildcard = '', name = ''] = /^(\*\.)?(.*)$/s.exec(pattern) ?? [];
  const host = hostInAscii(name);
  return host === undefined ? pattern : `${wildcard}${host}`;
}

const HostPatternSchema = z
  .string()
  .min(1)
  .max(255)
  .overwrite(inAscii)
  .refine((pattern) => hostInAscii(pattern.replace(/^\*\./, '')) !== undefined, 'must be a host or *. and a domain')
  .meta({ examples: ['example.com', '*.example.com'] });

const AppSchemeSchema = z
  .string()
  .max(33)
  .overwrite((text) => text.toLowerCase().replace(/:$/, ''))
  .refine((scheme) => /^[a-z][a-z0-9+.-]{1,31}$/.test(scheme), 'must be a URL scheme such as myapp')
  .refine((scheme) => !/^https?$/.test(scheme) && !FORBIDDEN_SCHEMES.has(scheme), 'must not be this scheme')
  .meta({ examples: ['myapp'] });

/** Where the codes of a workspace may lead. */
export const TargetSettingsSchema = z
  .strictObject({
    allowedHosts: z.array(HostPatternSchema).max(500).default([]).meta({
      description: 'hosts that codes may lead to; `*.example.com` is every name below example.com; empty: any host',
    }),
    allowedSchemes: z
      .array(AppSchemeSchema)
      .max(50)
      .default([])
      .meta({ description: 'schemes of apps that codes may open besides http and https; empty: none' }),
  })
  .meta({ id: 'TargetSettings' });
export type TargetSettings = z.output<typeof TargetSettingsSchema>;

/** The host that a code leads to, so that people see what it is. */
export const TargetHostSchema = z
  .object({
    ascii: z.string().meta({ description: 'as the network knows it, IDN in punycode' }),
    unicode: z.string().meta({ description: 'as it is written' }),
    warning: z
      .enum(['mixed-scripts', 'looks-like-ascii'])
      .nullable()
      .meta({ description: 'a name that may be made to be mistaken for another' }),
    looksLike: z.string().optional().meta({ description: 'of `looks-like-ascii`: which' }),
  })
  .meta({ id: 'TargetHost' });
export type TargetHost = z.output<typeof TargetHostSchema>;

export const TargetHealthSchema = z
  .object({
    status: z
      .enum(['healthy', 'failing', 'unhealthy'])
      .meta({ description: '`failing`: not often enough yet to be called unhealthy' }),
    since: InstantSchema,
    checkedAt: InstantSchema,
    failures: z.int().meta({ description: 'checks in a row that failed' }),
    problem: z.string().nullable().meta({ description: 'of the last check, such as `target.url: timeout`' }),
  })
  .meta({ id: 'TargetHealth' });
export type TargetHealth = z.output<typeof TargetHealthSchema>;

/**
 * Why a call to a stranger did not bring an answer. `url-refused` and `address-refused` are ours: nothing was sent. After
 * `certificate-invalid` nothing was sent either.
 */
export const OUTGOING_FAILURES = [
  'url-refused',
  'name-not-found',
  'address-refused',
  'connection-failed',
  'certificate-invalid',
  'no-answer',
  'timeout',
] as const;
export type OutgoingFailure = (typeof OUTGOING_FAILURES)[number];

/** Why a target is not well. */
export const TARGET_PROBLEMS = [...OUTGOING_FAILURES, 'too-many-redirects', 'redirect-refused', 'status'] as const;

export const TargetCheckSchema = z
  .object({
    path: z.string().meta({ description: 'its place in the code, such as `target.url` or `rules.0.target.url`' }),
    url: z.string(),
    healthy: z.boolean(),
    reachable: z.boolean().meta({ description: 'whether its server answered, and so did those that it redirects to' }),
    status: z.int().nullable(),
    finalUrl: z.string().nullable().meta({ description: 'after up to five redirects' }),
    redirects: z.int(),
    certificate: z
      .object({
        valid: z.boolean(),
        problem: z.string().optional(),
        issuer: z.string(),
        expiresAt: z.string(),
        daysLeft: z.int(),
      })
      .nullable()
      .meta({ description: 'of the last server that was asked; null without TLS' }),
    milliseconds: z.int(),
    problem: z.enum(TARGET_PROBLEMS).nullable(),
  })
  .meta({ id: 'TargetCheck' });
export type TargetCheck = z.output<typeof TargetCheckSchema>;

export const CodeCheckSchema = z
  .object({
    checkedAt: InstantSchema,
    targets: z.array(TargetCheckSchema).meta({ description: 'every web address that the code may lead to' }),
    targetHealth: TargetHealthSchema.nullable(),
  })
  .meta({ id: 'CodeCheck' });
export type CodeCheck = z.output<typeof CodeCheckSchema>;
