import type { CodeKind, CreateCode, UpdateCode } from '@signet/contracts';
import { DomainLookup, type CodeDomain } from '@signet/domains';
import { Clock, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { checkFiles } from './code-files.js';
import { passwordChanges } from './code-password.js';
import {
  applyUpdate,
  changesBetween,
  checkFields,
  checkRules,
  firstChanges,
  initialFields,
  newCode,
  parseTarget,
  type Change,
  type GivenFields,
} from './code-rules.js';
import type { StoredCode } from './code.js';
import { checkAction, stateAfter } from './lifecycle.js';
import type { TargetRules } from './target-safety.js';
import { TargetSettingsService } from './target-settings.service.js';

/** A code that keeps every rule, before it has a slug, with its first lines of history. */
export interface CodeDraft {
  draft: Omit<StoredCode, 'slug' | 'slugKey'>;
  /** Absent: the installation's own. */
  domain: CodeDomain | undefined;
  changes: Change[];
}

/** Turns what bodies ask for into codes, one or many in a transaction. */
@Injectable()
export class CodeDrafts {
  constructor(
    private readonly clock: Clock,
    private readonly targets: TargetSettingsService,
    private readonly domains: DomainLookup,
  ) {}

  /** @param manager of the transaction in which the codes are stored */
  async in(manager: EntityManager, caller: Caller): Promise<DraftingTable> {
    const rules = await this.targets.rulesOf(manager, caller.workspaceId);
    return new DraftingTable(this.domains, { manager, caller, rules, at: this.clock.now() });
  }
}

interface Drafting {
  manager: EntityManager;
  caller: Caller;
  rules: TargetRules;
  at: Date;
}

/** Of one transaction: what codes have in common is looked up once, however many there are. */
export class DraftingTable {
  private readonly chosen = new Map<string | undefined, Promise<CodeDomain | undefined>>();
  private readonly brands = new Map<string, Promise<void>>();

  constructor(
    private readonly domains: DomainLookup,
    private readonly drafting: Drafting,
  ) {}

  /**
   * @param passwordHash of the body's password
   * @throws SignetError `target-not-allowed` | `invalid-request`
   */
  async draft(body: CreateCode, passwordHash: string | null): Promise<CodeDraft> {
    const { caller, rules, at } = this.drafting;
    const { kind, slug: _later, domain, importedScans, password: _hashed, ...given } = body;
    const fields = initialFields(given);
    checkRules({ kind, ...fields });
    checkFields({ ...fields, scansUsed: 0 }, rules);
    await this.checkBrand(fields.brandId);
    await checkFiles(this.drafting.manager, { workspaceId: caller.workspaceId, target: fields.target });
    const draft = newCode(fields, { caller, kind, at, reissuedFrom: null, importedScans });
    const changes = [...firstChanges(fields), ...passwordChanges(null, passwordHash), ...importChanges(draft)];
    return { draft: { ...draft, passwordHash }, domain: await this.choose(domain), changes };
  }

  /**
   * @param passwordHash of the body's password; undefined: stays
   * @returns the code with what the body says; no changes when it has all of that
   * @throws SignetError `code-not-editable` | `target-not-allowed` | `invalid-request`
   */
  async edit(
    before: StoredCode,
    body: UpdateCode,
    passwordHash: string | null | undefined,
  ): Promise<{ code: StoredCode; changes: Change[] }> {
    checkAction('update', before.kind);
    stateAfter('update', before.state);
    const edited = applyUpdate(before, given(before.kind, body));
    const code = passwordHash === undefined ? edited : { ...edited, passwordHash };
    checkRules(code);
    checkFields(code, this.drafting.rules);
    await this.checkBrand(body.brandId);
    if (body.target !== undefined) await checkFiles(this.drafting.manager, code);
    return {
      code,
      changes: [...changesBetween(before, code), ...passwordChanges(before.passwordHash, code.passwordHash)],
    };
  }

  private checkBrand(brandId: string | null | undefined): Promise<void> {
    if (brandId === null || brandId === undefined) return Promise.resolve();
    const { manager, caller } = this.drafting;
    return once(this.brands, brandId, () => this.domains.checkBrand(manager, caller.workspaceId, brandId));
  }

  private choose(host: string | undefined): Promise<CodeDomain | undefined> {
    const { manager, caller } = this.drafting;
    return once(this.chosen, host, () => this.domains.choose(manager, caller.workspaceId, host));
  }
}

function once<Key, Value>(known: Map<Key, Promise<Value>>, key: Key, look: () => Promise<Value>): Promise<Value> {
  const found = known.get(key) ?? look();
  known.set(key, found);
  return found;
}

const importChanges = ({ importedScans }: Pick<StoredCode, 'importedScans'>): Change[] =>
  importedScans === 0 ? [] : [{ field: 'importedScans', from: null, to: importedScans }];

/** The editable fields that a body names. */
const given = (kind: CodeKind, { target, password: _hashed, ...fields }: UpdateCode): GivenFields => ({
  ...fields,
  ...(target !== undefined && { target: parseTarget(kind, target) }),
});
