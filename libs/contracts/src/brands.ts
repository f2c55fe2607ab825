import { z } from 'zod';
import { InstantSchema, lineSchema, PageQuerySchema, pageSchema, UuidSchema } from './primitives.js';
import { TargetUrlSchema } from './targets.js';

/** What a logo may be. No SVG: it is a document that can carry script, and no cleaning of one is to be relied on. */
export const LOGO_TYPES = ['image/png', 'image/jpeg', 'image/webp'] as const;
export type LogoType = (typeof LOGO_TYPES)[number];
export const MAX_LOGO_BYTES = 256 * 1024;

const brand = {
  name: lineSchema(100).meta({ description: 'as people know it; every page names it' }),
  primaryColor: z
    .string()
    .regex(/^#[0-9a-fA-F]{6}$/, 'must be #rrggbb')
    .overwrite((colour) => colour.toLowerCase())
    .meta({ description: 'of buttons and links; what is written on it gets the colour that is read best' }),
  website: TargetUrlSchema.nullable().optional(),
  supportEmail: z.email().max(254).nullable().optional(),
  supportUrl: TargetUrlSchema.nullable().optional(),
  isDefault: z
    .boolean()
    .optional()
    .meta({ description: 'the brand of codes and domains that have none; the one before is it no more' }),
};

export const CreateBrandSchema = z.strictObject(brand).meta({ id: 'CreateBrand' });
export type CreateBrand = z.output<typeof CreateBrandSchema>;

export const UpdateBrandSchema = z
  .strictObject(brand)
  .partial()
  .refine((body) => Object.keys(body).length > 0, 'must change something')
  .meta({ id: 'UpdateBrand' });
export type UpdateBrand = z.output<typeof UpdateBrandSchema>;

/** What a page shows of whoever issued the code. */
export const PageBrandSchema = z.object({
  name: z.string(),
  primaryColor: z.string(),
  logoUrl: z.string().nullable().meta({ description: 'a path on the origin of the page' }),
  website: z.string().nullable(),
  supportEmail: z.string().nullable(),
  supportUrl: z.string().nullable(),
});
export type PageBrand = z.output<typeof PageBrandSchema>;

export const BrandSchema = PageBrandSchema.extend({
  id: UuidSchema,
  isDefault: z.boolean(),
  version: z.int(),
  createdAt: InstantSchema,
  updatedAt: InstantSchema,
}).meta({ id: 'Brand' });
export type Brand = z.output<typeof BrandSchema>;

export const ListBrandsQuerySchema = PageQuerySchema;
export const BrandPageSchema = pageSchema(BrandSchema);
