import { BulkChangeSchema, CodeSchema, UpdateCodeSchema } from '@signet/contracts';
import { SignetError } from '@signet/platform';
import type { RowFormat } from './formats.js';

const OF_NEW_CODES = ['kind', 'slug', 'domain', 'importedScans'];
const ALIASES: Readonly<Record<string, string>> = { url: 'target.url', deepLink: 'target.deepLink' };
const SAID: ReadonlySet<string> = new Set([
  ...OF_NEW_CODES,
  ...Object.keys(UpdateCodeSchema.shape),
  ...Object.keys(BulkChangeSchema.shape),
  ...Object.keys(ALIASES),
]);
/** What an export has besides: it is the code's, and a row cannot say it. */
const SHOWN: ReadonlySet<string> = new Set(Object.keys(CodeSchema.shape).filter((field) => !SAID.has(field)));
const isNested = (column: string): boolean => /^(target|utm)\.[A-Za-z]+$/.test(column);

/**
 * Bodies as `POST /v1/codes` takes them, and changes of codes by `id`; as CSV with a column for a field. What an export
 * shows besides is left out, so that an export can be sent back.
 */
export const signetFormat: RowFormat = {
  checkHeader(columns) {
    const unknown = columns.filter((column) => !SAID.has(column) && !SHOWN.has(column) && !isNested(column));
    if (unknown.length === 0) return;
    throw new SignetError('invalid-request', {
      detail: `The header has columns that are no fields: ${unknown.join(', ')}`.slice(0, 1000),
      errors: unknown.map((path) => ({ path, message: 'is not a field of a code' })),
    });
  },

  read(row) {
    const said = 'json' in row ? row.json : fromCells(row.cells);
    if (typeof said !== 'object' || said === null || Array.isArray(said)) return said;
    const isNew = !('id' in said);
    return Object.fromEntries(
      Object.entries(said).filter(
        ([field, value]) => !SHOWN.has(field) && !(value === null && isEmptied(field, isNew)),
      ),
    );
  },
};

/** An export says null of what a code has not. A new code simply does not have it; a change empties what can be emptied. */
const isEmptied = (field: string, isNew: boolean): boolean => isNew || field === 'claimMode' || field === 'slug';

function fromCells(cells: Readonly<Record<string, string>>): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (const [column, cell] of Object.entries(cells)) {
    const value = valueOf(column, cell);
    if (value !== undefined) put(row, ALIASES[column] ?? column, value);
  }
  return row;
}

/** @returns what the cell says; text as it stands where it should be something else; undefined for an empty cell */
function valueOf(column: string, cell: string): unknown {
  const text = unescaped(cell);
  if (text.trim() === '') return undefined;
  switch (column) {
    case 'maxScans':
    case 'importedScans':
    case 'ifVersion':
      return /^\s*\d{1,15}\s*$/.test(text) ? Number(text) : text;
    case 'forwardQuery':
      return { true: true, false: false }[text.trim().toLowerCase()] ?? text;
    case 'tags':
    case 'addTags':
    case 'removeTags':
      return splitList(text);
    case 'rules':
    case 'target':
    case 'utm':
      return fromJson(text);
    default:
      return text;
  }
}

/** Exports put an apostrophe before what a spreadsheet would take for a formula. */
const unescaped = (cell: string): string => (/^'[=+\-@\t\r]/.test(cell) ? cell.slice(1) : cell);

/** By `|`, or by commas where there is none. */
export const splitList = (text: string): string[] =>
  text
    .split(text.includes('|') ? '|' : ',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** @param path a field, or a field of the object in a field */
function put(row: Record<string, unknown>, path: string, value: unknown): void {
  const [field = '', inner] = path.split('.');
  if (inner === undefined) row[field] = value;
  else row[field] = { ...asObject(row[field]), [inner]: value };
}

const asObject = (value: unknown): object => (typeof value === 'object' && value !== null ? value : {});
