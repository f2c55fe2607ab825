import { z } from 'zod';
import { InstantSchema, lineSchema, pageSchema, UuidSchema } from './primitives.js';

/** Write includes read: see `scopeCovers`. `admin`: keys, workspaces, members, domains, brands, settings. */
export const SCOPES = [
  'codes:read',
  'codes:write',
  'enroll:read',
  'enroll:write',
  'verify',
  'verify:reason',
  'analytics:read',
  'alerts:write',
  'webhooks:read',
  'webhooks:write',
  'audit:read',
  'admin',
] as const;
export const ScopeSchema = z.enum(SCOPES);
export type Scope = z.infer<typeof ScopeSchema>;

/** Whether a key that holds `granted` may do what needs `needed`. */
export const scopeCovers = (granted: readonly Scope[], needed: Scope): boolean =>
  granted.some((scope) => scope === needed || scope.replace(':write', ':read') === needed);

export const CreateWorkspaceSchema = z.strictObject({ name: lineSchema(100) }).meta({ id: 'CreateWorkspace' });
export const CreatedWorkspaceSchema = z
  .object({
    id: UuidSchema,
    name: z.string(),
    key: z.string().meta({ description: 'its first admin key, shown once' }),
  })
  .meta({ id: 'CreatedWorkspace' });

export const CreateApiKeySchema = z
  .strictObject({
    name: lineSchema(100),
    scopes: z.array(ScopeSchema).max(SCOPES.length),
    expiresAt: InstantSchema.nullable().optional(),
  })
  .meta({ id: 'CreateApiKey' });
export type CreateApiKey = z.output<typeof CreateApiKeySchema>;

export const ApiKeySchema = z
  .object({
    id: UuidSchema,
    name: z.string(),
    scopes: z.array(ScopeSchema),
    prefix: z.string().meta({ description: 'its first characters, to recognise it by' }),
    createdAt: InstantSchema,
    expiresAt: InstantSchema.nullable(),
    lastUsedAt: InstantSchema.nullable(),
  })
  .meta({ id: 'ApiKey' });
export type ApiKey = z.output<typeof ApiKeySchema>;
export const CreatedApiKeySchema = ApiKeySchema.extend({ key: z.string().meta({ description: 'shown once' }) }).meta({
  id: 'CreatedApiKey',
});
export const ApiKeyPageSchema = pageSchema(ApiKeySchema);

export const WhoamiSchema = z
  .object({
    workspaceId: UuidSchema,
    workspace: z.string(),
    keyId: UuidSchema,
    name: z.string(),
    scopes: z.array(ScopeSchema),
  })
  .meta({ id: 'Whoami' });
