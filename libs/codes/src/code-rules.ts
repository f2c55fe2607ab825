import { isDeepStrictEqual } from 'node:util';
import type { CodeVersion, CreateCode, UpdateCode } from '@signet/contracts';
import { SignetError } from '@signet/platform';
import type { StoredCode } from './code.js';
import { isReserved } from './slug.js';

const EDITABLE = [
  'target',
  'title',
  'tags',
  'folder',
  'activeFrom',
  'expiresAt',
  'maxScans',
  'claimMode',
] as const satisfies (keyof StoredCode)[];
export type EditableFields = Pick<StoredCode, (typeof EDITABLE)[number]>;
export type Change = CodeVersion['changes'][number];

/** The editable part of a new code, with the defaults of what was left out. */
export const initialFields = (body: CreateCode): EditableFields => ({
  target: body.target,
  title: body.title ?? null,
  tags: body.tags ?? [],
  folder: body.folder ?? null,
  activeFrom: body.activeFrom ?? null,
  expiresAt: body.expiresAt ?? null,
  maxScans: body.maxScans ?? null,
  claimMode: body.claimMode ?? null,
});

/** @returns the code with the fields that `body` names; null empties one, absent leaves it */
export function applyUpdate(code: StoredCode, body: UpdateCode): StoredCode {
  const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
  return { ...code, ...given };
}

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
  EDITABLE.map((field) => ({ field, from: null, to: fields[field] })).filter(
    ({ to }) => to !== null && !isDeepStrictEqual(to, []),
  );

/**
 * The rules of a code that no single field's schema can check.
 * @throws SignetError `target-not-allowed` | `invalid-request`
 */
export function checkFields(fields: EditableFields & Pick<StoredCode, 'scansUsed'>, publicUrl: string): void {
  if (authorityOf(fields.target.url) === authorityOf(publicUrl))
    throw refused('target-not-allowed', 'target.url', 'must not lead back to the short URLs of this installation');
  if (
    fields.activeFrom !== null &&
    fields.expiresAt !== null &&
    Date.parse(fields.expiresAt) <= Date.parse(fields.activeFrom)
  )
    throw refused('invalid-request', 'expiresAt', 'must be after activeFrom');
  if (fields.maxScans !== null && fields.maxScans < fields.scansUsed)
    throw refused('invalid-request', 'maxScans', `must not be below the ${fields.scansUsed} uses that happened`);
}

/** @throws SignetError `slug-reserved` with one that would do in its place */
export function checkSlug(slug: string): void {
  if (isReserved(slug)) throw refused('slug-reserved', 'slug', `“${slug}” is a path of Signet; try “${slug}-1”`);
}

const refused = (kind: 'invalid-request' | 'target-not-allowed' | 'slug-reserved', path: string, message: string) =>
  new SignetError(kind, { detail: `${path}: ${message}`, errors: [{ path, message }] });

/** Host and port; the ports of http and https count as one, because a front usually sends one to the other. */
function authorityOf(text: string): string {
  const { hostname, port } = new URL(text);
  const isDefault = port === '' || port === '80' || port === '443';
  return `${hostname.replace(/\.$/, '')}:${isDefault ? '' : port}`;
}
