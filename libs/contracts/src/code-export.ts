import { z } from 'zod';
import { ListCodesQuerySchema } from './code-search.js';
import { QrQuerySchema } from './codes.js';

export const CODE_EXPORT_FORMATS = ['csv', 'ndjson', 'zip'] as const;
export type CodeExportFormat = (typeof CODE_EXPORT_FORMATS)[number];

/** Of one ZIP, whose directory is kept in memory until its end. */
export const MAX_EXPORTED_IMAGES = 100_000;

/** What the name of an image may be made of. */
export const IMAGE_NAME_FIELDS = ['id', 'slug', 'title', 'folder', 'campaign', 'owner', 'kind', 'domain'] as const;
export type ImageNameField = (typeof IMAGE_NAME_FIELDS)[number];
export const isImageNameField = (name: string): name is ImageNameField =>
  IMAGE_NAME_FIELDS.some((field) => field === name);

const fieldsIn = (template: string): string[] => [...template.matchAll(/\{([^{}]*)\}/g)].map(([, name = '']) => name);

const fileName = z
  .string()
  .min(1)
  .max(200)
  .refine((template) => fieldsIn(template).every(isImageNameField), {
    error: `must have no fields but ${IMAGE_NAME_FIELDS.map((field) => `{${field}}`).join(', ')}`,
  })
  .default('{folder}/{title}-{slug}')
  .meta({
    description:
      'of zip: how the images are named, without the ending. `/` begins a folder; what no system takes in a name is `_`, and equal names are numbered',
  });

const { format: image, ...drawing } = QrQuerySchema.shape;

/** The filters of the list. `size` and what else says how images are drawn is of `format=zip`. */
export const ExportCodesQuerySchema = ListCodesQuerySchema.omit({
  limit: true,
  cursor: true,
  sort: true,
  count: true,
}).extend({
  format: z.enum(CODE_EXPORT_FORMATS).default('csv'),
  image: image.meta({ description: 'of zip: the format of the images' }),
  fileName,
  ...drawing,
});
export type ExportCodesQuery = z.output<typeof ExportCodesQuerySchema>;
