import { isDeepStrictEqual } from 'node:util';
import { targetSchemas, type CodeKind, type CodeTarget, type CodeVersion, type IssuableKind } from '@signet/contracts';
import { newId, parse, SignetError, type Caller } from '@signet/platform';
import type { StoredCode } from './code.js';
import { checkTargets, type TargetRules } from './target-safety.js';

const EDITABLE = [
  'target',
  'title',
  'notes',
  'tags',
  'folder',
  'campaign',
  'owner',
  'brandId',
  'activeFrom',
  'expiresAt',
  'maxScans',
  'claimMode',
  'rules',
  'forwardQuery',
  'utm',
  'offUrl',
] as const satisfies (keyof StoredCode)[];
export type EditableFields = Pick<StoredCode, (typeof EDITABLE)[number]>;
/** What a body says of them. */
export type GivenFields = { [Field in keyof EditableFields]?: EditableFields[Field] | undefined };
export type Change = CodeVersion['changes'][number];

/** What a code has when nothing is said of it. */
const DEFAULTS: Omit<EditableFields, 'target'> = {
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
};

/** Nothing but the editable fields. */
export const editableFields = (fields: EditableFields): EditableFields => ({
  target: fields.target,
  title: fields.title,
  notes: fields.notes,
  tags: fields.tags,
  folder: fields.folder,
  campaign: fields.campaign,
  owner: fields.owner,
  brandId: fields.brandId,
  activeFrom: fields.activeFrom,
  expiresAt: fields.expiresAt,
  maxScans: fields.maxScans,
  claimMode: fields.claimMode,
  rules: fields.rules,
  forwardQuery: fields.forwardQuery,
  utm: fields.utm,
  offUrl: fields.offUrl,
});

/** The editable part of a new code, with the defaults of what was left out. */
export const initialFields = (body: GivenFields & Pick<EditableFields, 'target'>): EditableFields =>
  editableFields(applyUpdate({ ...DEFAULTS, target: body.target }, body));

const isIssuable = (kind: CodeKind): kind is IssuableKind => kind in targetSchemas;

/**
 * The new target of a code, as its kind has it.
 * @throws SignetError `invalid-request`; `code-not-editable` for the kinds whose target is not their workspace's
 */
export function parseTarget(kind: CodeKind, target: Record<string, unknown>): CodeTarget {
  if (!isIssuable(kind))
    throw new SignetError('code-not-editable', { detail: `A code of kind ${kind} keeps its target` });
  return parse(targetSchemas[kind], target, 'target');
}

/** A code's first version, before it has a slug. @param reissuedFrom the code that it takes the place of, if any */
export const newCode = (
  fields: EditableFields,
  {
    caller,
    kind,
    at,
    reissuedFrom,
    importedScans = 0,
  }: {
    caller: Pick<Caller, 'workspaceId' | 'actor'>;
    kind: StoredCode['kind'];
    at: Date;
    reissuedFrom: string | null;
    importedScans?: number;
  },
): Omit<StoredCode, 'slug' | 'slugKey'> => ({
  ...fields,
  id: newId(),
  workspaceId: caller.workspaceId,
  domainId: null,
  domain: null,
  kind,
  state: 'active',
  version: 1,
  passwordHash: null,
  targetHealth: null,
  scansUsed: 0,
  importedScans,
  createdAt: at.toISOString(),
  updatedAt: at.toISOString(),
  createdBy: caller.actor,
  revokedReason: null,
  reissuedFrom,
  reissuedAs: null,
});

/** @returns the fields with those that `body` names; null empties one, absent leaves it */
export function applyUpdate<Fields extends EditableFields>(fields: Fields, body: GivenFields): Fields {
  const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
  return { ...fields, ...given };
}

/**
 * Fields as an earlier release stored them: what it did not know has its default, what is no longer editable is gone.
 * @returns undefined when there are too few of them to be a code's
 */
export function wholeFields(stored: Readonly<Record<string, unknown>>): EditableFields | undefined {
  const fields = { ...DEFAULTS, ...stored };
  return isWhole(fields) ? editableFields(fields) : undefined;
}

const isWhole = (fields: Record<string, unknown>): fields is Record<string, unknown> & EditableFields =>
  EDITABLE.every((field) => fields[field] !== undefined);

/** What a code's changes since its creation, oldest first, add up to. */
export const fieldsAfter = (changes: readonly Change[]): Record<string, unknown> =>
  Object.fromEntries(changes.map(({ field, to }) => [field, to]));

/** What differs in the editable fields, for the history. */
export function changesBetween(before: EditableFields, after: EditableFields): Change[] {
  return EDITABLE.filter((field) => !isDeepStrictEqual(before[field], after[field])).map((field) => ({
    field,
    from: before[field],
    to: after[field],
  }));
}

/** What a new code has, for the history: every field that was given. */
export const firstChanges = (fields: EditableFields): Change[] =>
  EDITABLE.filter((field) => field === 'target' || !isDeepStrictEqual(fields[field], DEFAULTS[field])).map((field) => ({
    field,
    from: null,
    to: fields[field],
  }));

/**
 * The rules of a code that no single field's schema can check.
 * @throws SignetError `target-not-allowed` | `invalid-request`
 */
export function checkFields(fields: EditableFields & Pick<StoredCode, 'scansUsed'>, rules: TargetRules): void {
  checkTargets(fields, rules);
  if (
    fields.activeFrom !== null &&
    fields.expiresAt !== null &&
    Date.parse(fields.expiresAt) <= Date.parse(fields.activeFrom)
  )
    throw refused('expiresAt', 'must be after activeFrom');
  if (fields.maxScans !== null && fields.maxScans < fields.scansUsed)
    throw refused('maxScans', `must not be below the ${fields.scansUsed} uses that happened`);
}

/** Whoever shows something themselves has nowhere else to send anybody. @throws SignetError `invalid-request` */
export function checkRules({ kind, rules, forwardQuery, utm }: CheckedRules): void {
  if (kind === 'link' || kind === 'app') return;
  const named = { rules: rules.length > 0, forwardQuery, utm: utm !== null };
  for (const [field, isSet] of Object.entries(named))
    if (isSet) throw refused(field, `is of links and apps; a code of kind ${kind} leads nowhere else`);
}

type CheckedRules = Pick<StoredCode, 'kind' | 'rules' | 'forwardQuery' | 'utm'>;

const refused = (path: string, message: string) =>
  new SignetError('invalid-request', { detail: `${path}: ${message}`, errors: [{ path, message }] });
