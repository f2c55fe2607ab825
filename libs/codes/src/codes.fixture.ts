import {
  ListCodesQuerySchema,
  SCOPES,
  type Code,
  type CodeVersion,
  type CreateCode,
  type TargetSettings,
  type UpdateCode,
} from '@signet/contracts';
import { newId, type Caller } from '@signet/platform';
import type { INestApplication } from '@nestjs/common';
import { CodeLifecycleService } from './code-lifecycle.service.js';
import type { StoredCode } from './code.js';
import { CodesService } from './codes.service.js';
import { CodeSearch } from './search/code-search.service.js';
import { codeKey, randomSlug } from './slug.js';
import { authorityOf, type TargetRules } from './target-safety.js';

/** A plain link that lives, with the given differences. */
export function storedCode(differences: Partial<StoredCode> = {}): StoredCode {
  const slug = randomSlug(8);
  const createdAt = '2026-11-24T11:59:59.999Z';
  return {
    id: newId(),
    workspaceId: newId(),
    slug,
    slugKey: codeKey(slug),
    domainId: null,
    domain: null,
    kind: 'link',
    state: 'active',
    version: 1,
    target: { url: 'https://example.org/' },
    title: null,
    notes: null,
    tags: [],
    folder: null,
    campaign: null,
    owner: null,
    brandId: null,
    activeFrom: null,
    expiresAt: null,
    maxScans: null,
    claimMode: null,
    rules: [],
    forwardQuery: false,
    utm: null,
    offUrl: null,
    passwordHash: null,
    targetHealth: null,
    scansUsed: 0,
    importedScans: 0,
    createdAt,
    updatedAt: createdAt,
    createdBy: 'system',
    revokedReason: null,
    reissuedFrom: null,
    reissuedAs: null,
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
  private readonly codes: CodesService;
  private readonly lifecycle: CodeLifecycleService;
  private readonly search: CodeSearch;

  constructor(app: INestApplication) {
    this.codes = app.get(CodesService);
    this.lifecycle = app.get(CodeLifecycleService);
    this.search = app.get(CodeSearch);
  }

  create(body: Partial<Extract<CreateCode, { kind: 'link' }>> = {}): Promise<Code> {
    const whole: CreateCode = { kind: 'link', target: { url: 'https://example.org/' }, ...body };
    return this.codes.create(this.caller, undefined, { params: undefined, query: undefined, body: whole });
  }
  update(id: string, body: UpdateCode, ifMatch?: string): Promise<Code> {
    return this.codes.update(this.caller, { params: { id }, query: undefined, body }, ifMatch);
  }
  restore(id: string, version: number, ifMatch?: string): Promise<Code> {
    return this.codes.restore(this.caller, { params: { id }, query: undefined, body: { version } }, ifMatch);
  }
  pause(id: string, ifMatch?: string): Promise<Code> {
    return this.lifecycle.pause(this.caller, { id, ifMatch });
  }
  resume(id: string, ifMatch?: string): Promise<Code> {
    return this.lifecycle.resume(this.caller, { id, ifMatch });
  }
  revoke(id: string, reason = 'lost', ifMatch?: string): Promise<Code> {
    return this.lifecycle.revoke(this.caller, { id, ifMatch }, reason);
  }
  archive(id: string, ifMatch?: string): Promise<Code> {
    return this.lifecycle.archive(this.caller, { id, ifMatch });
  }
  reissue(id: string, { reason = 'lost', key, ifMatch }: ReissueOptions = {}): Promise<Code> {
    const input = { params: { id }, query: undefined, body: { reason }, ifMatch };
    return this.lifecycle.reissue(this.caller, key, input);
  }
  get(id: string): Promise<Code> {
    return this.codes.get(this.caller, id);
  }
  async list(query: object = {}): Promise<Code[]> {
    const parsed = ListCodesQuerySchema.parse(query);
    return (await this.search.list(this.caller, parsed)).items;
  }
  async history(id: string): Promise<CodeVersion[]> {
    const query = { limit: 200 };
    return (await this.codes.history(this.caller, { params: { id }, query, body: undefined })).items;
  }
}

interface ReissueOptions {
  reason?: string;
  key?: string;
  ifMatch?: string;
}

/** @param ours what short URLs start with */
export const targetRules = ({
  ours = 'https://sgn.example',
  ...settings
}: Partial<TargetSettings> & { ours?: string } = {}): TargetRules => ({
  allowedHosts: [],
  allowedSchemes: [],
  ownHosts: new Set([authorityOf(ours)]),
  ...settings,
});
