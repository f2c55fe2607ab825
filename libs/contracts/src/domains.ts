import { z } from 'zod';
import { AppLinksSchema } from './app-links.js';
import { InstantSchema, PageQuerySchema, pageSchema, UuidSchema } from './primitives.js';
import { TargetUrlSchema } from './targets.js';

const MAX_HOST_LENGTH = 253;
const LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;

/**
 * @param text a host, with a port or without
 * @returns the host as the network knows it: ASCII (IDNA), lower case, no port, no dot at the end; undefined for what
 * can be no name (addresses are none)
 */
export function normalizeHost(text: string): string | undefined {
  if (!/^[^\s/?#@\\:%[\]]+(:\d{1,5})?$/.test(text) || !URL.canParse(`http://${text}/`)) return undefined;
  const host = new URL(`http://${text}/`).hostname.replace(/\.$/, '');
  const labels = host.split('.');
  const isName = labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(labels.at(-1) ?? '');
  return isName && host.length <= MAX_HOST_LENGTH ? host : undefined;
}

/** The host of a domain. A port is kept: whether it may be there, the installation's own address says. */
export const DomainHostSchema = z
  .string()
  .min(1)
  .max(300)
  .refine((text) => normalizeHost(text) !== undefined, 'must be a host name, such as go.example.com')
  .meta({ examples: ['go.example.com'] });

const editable = {
  defaultBrandId: UuidSchema.nullable().optional().meta({ description: 'of its codes that have no brand' }),
  notFoundUrl: TargetUrlSchema.nullable()
    .optional()
    .meta({ description: 'where unknown slugs lead in place of the page that says so' }),
  appLinks: AppLinksSchema.nullable()
    .optional()
    .meta({ description: 'the apps that may open its short URLs, told to phones under `/.well-known`' }),
  slugLength: z.int().min(8).max(22).optional().meta({ description: 'of random slugs of plain links; default 8' }),
  isDefault: z
    .boolean()
    .optional()
    .meta({ description: 'whether codes that name no domain are issued on it; the one before is it no more' }),
};

export const CreateDomainSchema = z
  .strictObject({
    host: DomainHostSchema,
    caseSensitive: z
      .boolean()
      .default(true)
      .meta({ description: 'whether `Menu` and `menu` are two slugs; for good, because codes are printed' }),
    ...editable,
  })
  .meta({ id: 'CreateDomain' });
export type CreateDomain = z.output<typeof CreateDomainSchema>;

export const UpdateDomainSchema = z
  .strictObject(editable)
  .refine((body) => Object.keys(body).length > 0, 'must change something')
  .meta({ id: 'UpdateDomain' });
export type UpdateDomain = z.output<typeof UpdateDomainSchema>;

export const DomainSchema = z
  .object({
    id: UuidSchema,
    host: z.string().meta({ description: 'in ASCII' }),
    status: z.enum(['active', 'pending']).meta({ description: '`pending`: not shown yet to be the workspace’s' }),
    verification: z
      .object({ type: z.literal('TXT'), name: z.string(), value: z.string() })
      .nullable()
      .meta({ description: 'the DNS record that shows it; null: nothing is to be shown' }),
    caseSensitive: z.boolean(),
    slugLength: z.int(),
    defaultBrandId: UuidSchema.nullable(),
    notFoundUrl: z.string().nullable(),
    appLinks: AppLinksSchema.nullable(),
    isDefault: z.boolean(),
    version: z.int(),
    createdAt: InstantSchema,
    updatedAt: InstantSchema,
  })
  .meta({ id: 'Domain' });
export type Domain = z.output<typeof DomainSchema>;

export const ListDomainsQuerySchema = PageQuerySchema;
export const DomainPageSchema = pageSchema(DomainSchema);
