import { z } from 'zod';
import { InstantSchema, lineSchema, PageQuerySchema, pageSchema, UuidSchema } from './primitives.js';

/** What a code of kind `file` gives. */
export const FileTargetSchema = z
  .strictObject({
    fileId: UuidSchema,
    disposition: z.enum(['inline', 'attachment']).default('inline'),
    landing: z.boolean().default(true).meta({ description: 'whether a page comes first' }),
  })
  .meta({ id: 'FileTarget' });
export type FileTarget = z.output<typeof FileTargetSchema>;

export const FileSchema = z
  .object({
    id: UuidSchema,
    name: z.string().meta({ description: 'the last part of the name it was uploaded with' }),
    contentType: z.string().meta({ description: 'as the content shows; as it was said to be where it does not' }),
    bytes: z.int(),
    sha256: z.string().meta({ description: 'hex' }),
    revision: z.int().meta({ description: '1, and one more with each replacement' }),
    createdAt: InstantSchema,
    updatedAt: InstantSchema,
    createdBy: z.string(),
  })
  .meta({ id: 'File' });
/** `File` is a type of the platform. */
export type UploadedFile = z.output<typeof FileSchema>;

/** A form with one file, or the file itself as any type but JSON, which is read as JSON. */
export const FILE_BODY_TYPES = ['multipart/form-data', 'application/octet-stream'] as const;

export const UploadFileQuerySchema = z.strictObject({
  name: lineSchema(500).optional().meta({ description: 'else as Content-Disposition or the form says' }),
});

export const ListFilesQuerySchema = PageQuerySchema.extend({
  q: lineSchema(200).optional().meta({ description: 'a part of the name' }),
});
export type ListFilesQuery = z.output<typeof ListFilesQuerySchema>;
export const FilePageSchema = pageSchema(FileSchema);
