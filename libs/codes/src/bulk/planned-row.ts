import {
  BulkChangeSchema,
  CreateCodeSchema,
  UpdateCodeSchema,
  type BulkChange,
  type CreateCode,
  type UpdateCode,
} from '@signet/contracts';
import { parse, SignetError } from '@signet/platform';
import { hashGivenPassword } from '../code-password.js';
import type { Move } from '../code-move.js';
import type { StoredCode } from '../code.js';

const MAX_TAGS = 50;

/** What a row asks for, with its password hashed. */
export type PlannedRow = PlannedIssue | PlannedChange;
export interface PlannedIssue {
  kind: 'issue';
  body: CreateCode;
  passwordHash: string | null;
}
export type PlannedChange = { id: string; ifVersion?: number | undefined; fixed?: Fixed } & (
  | { kind: 'edit'; body: UpdateCode; passwordHash?: string | null | undefined; retag: Retag }
  | { kind: 'move'; action: Move; reason?: string | undefined }
);
/** What a row says of a code that never changes: it must be so. */
export type Fixed = Pick<BulkChange, 'kind' | 'slug' | 'domain' | 'importedScans'>;
export type Retag = Pick<BulkChange, 'addTags' | 'removeTags'>;

/**
 * @param row as JSON; with an `id` it changes that code, without one it issues a code
 * @throws SignetError `invalid-request` that names every wrong field
 */
export async function planRow(row: unknown): Promise<PlannedRow> {
  if (typeof row !== 'object' || row === null || Array.isArray(row)) throw refused('', 'must be a JSON object');
  return 'id' in row ? planChange(row) : planIssue(row);
}

async function planIssue(row: object): Promise<PlannedIssue> {
  const body = parse(CreateCodeSchema, row);
  const passwordHash = (await hashGivenPassword(body.password)) ?? null;
  return { kind: 'issue', body: { ...body, password: undefined }, passwordHash };
}

async function planChange(row: object): Promise<PlannedChange> {
  const said = parse(BulkChangeSchema, row);
  const { id, action, reason, ifVersion, addTags, removeTags, ...fixed } = said;
  const retag = { ...(addTags && { addTags }), ...(removeTags && { removeTags }) };
  const fields = Object.fromEntries(Object.entries(row).filter(([name]) => !(name in BulkChangeSchema.shape)));
  if (action === 'update') {
    if (reason !== undefined) throw refused('reason', 'is of the action revoke');
    const isRetagOnly = Object.keys(fields).length === 0 && (retag.addTags ?? retag.removeTags) !== undefined;
    return planEdit({ id, ifVersion, fixed, body: isRetagOnly ? {} : parse(UpdateCodeSchema, fields), retag });
  }
  const [surplus] = [...Object.keys(fields), ...Object.keys(retag)];
  if (surplus !== undefined) throw refused(surplus, `is not a field of the action ${action}`);
  if ((action === 'revoke') !== (reason !== undefined)) throw refused('reason', 'must be given for the action revoke');
  return { kind: 'move', id, ifVersion, fixed, action, reason };
}

/** An edit with its password hashed. */
export async function planEdit({
  body,
  ...edit
}: Pick<PlannedChange, 'id' | 'ifVersion' | 'fixed'> & { body: UpdateCode; retag: Retag }): Promise<PlannedChange> {
  const passwordHash = await hashGivenPassword(body.password);
  return { kind: 'edit', ...edit, body: { ...body, password: undefined }, passwordHash };
}

/** @throws SignetError `invalid-request` when a row says something of a code that it is not */
export function checkFixed(code: Pick<StoredCode, keyof Fixed>, said: Fixed = {}): void {
  const fields = ['kind', 'slug', 'domain', 'importedScans'] as const;
  const errors = fields
    .filter((field) => said[field] !== undefined && said[field] !== code[field])
    .map((path) => ({ path, message: 'never changes, and the code has another' }));
  if (errors.length === 0) return;
  const detail = errors.map(({ path, message }) => `${path}: ${message}`).join('; ');
  throw new SignetError('invalid-request', { detail, errors });
}

/**
 * @returns the tags of a code after the change, those that it has in their places; undefined when none is asked for
 * @throws SignetError `invalid-request` when it would have too many
 */
export function retagged(tags: readonly string[], { addTags = [], removeTags = [] }: Retag): string[] | undefined {
  if (addTags.length + removeTags.length === 0) return undefined;
  const removed = new Set(removeTags);
  const after = [...new Set([...tags, ...addTags])].filter((tag) => !removed.has(tag));
  if (after.length > MAX_TAGS) throw refused('addTags', `must leave a code at most ${MAX_TAGS} tags`);
  return after;
}

const refused = (path: string, message: string): SignetError =>
  new SignetError('invalid-request', {
    detail: path === '' ? message : `${path}: ${message}`,
    errors: [{ path, message }],
  });
