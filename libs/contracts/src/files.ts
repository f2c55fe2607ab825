import { z } from 'zod';
import { UuidSchema } from './primitives.js';

/** What a code of kind `file` gives. */
export const FileTargetSchema = z
  .strictObject({
    fileId: UuidSchema,
    disposition: z.enum(['inline', 'attachment']).default('inline'),
    landing: z.boolean().default(true).meta({ description: 'whether a page comes first' }),
  })
  .meta({ id: 'FileTarget' });
export type FileTarget = z.output<typeof FileTargetSchema>;
