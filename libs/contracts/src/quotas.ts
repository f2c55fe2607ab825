import { z } from 'zod';
import { UuidSchema } from './primitives.js';

const limit = z.int().min(0).max(1_000_000_000).nullable().default(null);
const bytesLimit = z.int().min(0).nullable().default(null);

/** What a workspace may use up; null: what the installation gives everybody; 0: no limit. */
export const QuotasSchema = z
  .strictObject({
    codes: limit.meta({ description: 'codes that are active or paused' }),
    writesPerMinute: limit.meta({ description: 'calls of a key that change something' }),
    bulkRows: limit.meta({ description: 'rows of one bulk request' }),
    fileBytes: bytesLimit.meta({ description: 'bytes of all files together' }),
  })
  .meta({ id: 'Quotas' });
export type Quotas = z.output<typeof QuotasSchema>;

const effective = z.int().nullable().meta({ description: 'null: no limit' });

export const UsageSchema = z
  .object({
    workspaceId: UuidSchema,
    codes: z.object({ limit: effective, used: z.int() }),
    writesPerMinute: z.object({ limit: effective }),
    bulkRows: z.object({ limit: effective }),
    fileBytes: z.object({ limit: effective, used: z.int() }),
  })
  .meta({ id: 'Usage' });
export type Usage = z.output<typeof UsageSchema>;
