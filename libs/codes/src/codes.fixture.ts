import { SCOPES, type Code, type CreateCode, type UpdateCode } from '@signet/contracts';
import { newId, type Caller } from '@signet/platform';
import type { StoredCode } from './code.js';
import type { CodesService } from './codes.service.js';
import { codeKey, randomSlug } from './slug.js';

/** A plain link that lives, with the given differences. */
export function storedCode(differences: Partial<StoredCode> = {}): StoredCode {
  const slug = randomSlug(8);
  const createdAt = '2026-11-24T11:59:59.999Z';
  return {
    id: newId(),
    workspaceId: newId(),
    slug,
    slugKey: codeKey(slug),
    kind: 'link',
    state: 'active',
    version: 1,
    target: { url: 'https://example.org/' },
    title: null,
    tags: [],
    folder: null,
    activeFrom: null,
    expiresAt: null,
    maxScans: null,
    claimMode: null,
    scansUsed: 0,
    createdAt,
    updatedAt: createdAt,
    createdBy: 'system',
    revokedReason: null,
    ...differences,
  };
}

/** Somebody with every scope in a workspace of their own. */
export function newCaller(): Caller {
  const keyId = newId();
  return { workspaceId: newId(), keyId, scopes: [...SCOPES], actor: `key:${keyId}`, requestId: newId() };
}

/** Calls of one workspace as the controller makes them. */
export class CodesOf {
  readonly caller = newCaller();

  constructor(private readonly codes: CodesService) {}

  create(body: Partial<CreateCode> = {}): Promise<Code> {
    const whole: CreateCode = { kind: 'link', target: { url: 'https://example.org/' }, ...body };
    return this.codes.create(this.caller, undefined, { params: undefined, query: undefined, body: whole });
  }
  update(id: string, body: UpdateCode, ifMatch?: string): Promise<Code> {
    return this.codes.update(this.caller, { params: { id }, query: undefined, body }, ifMatch);
  }
  revoke(id: string, reason = 'lost', ifMatch?: string): Promise<Code> {
    return this.codes.revoke(this.caller, { params: { id }, query: undefined, body: { reason } }, ifMatch);
  }
  get(id: string): Promise<Code> {
    return this.codes.get(this.caller, id);
  }
}
