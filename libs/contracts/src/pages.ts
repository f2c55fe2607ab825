import { z } from 'zod';

/** What a code of kind `page` shows. */
export const PageTargetSchema = z
  .strictObject({ type: z.literal('links'), title: z.string().min(1).max(200) })
  .meta({ id: 'PageTarget' });
export type PageTarget = z.output<typeof PageTargetSchema>;
