import { SignetError } from '@signet/platform';
import type { RowFormat } from '../formats.js';
import type { UploadedRow } from '../uploaded-rows.js';

const MAX_TITLE = 200;

/** @param required columns without which a CSV is another's */
export const foreignFormat = (required: readonly string[], read: (row: ForeignRow) => object): RowFormat => ({
  checkHeader(columns) {
    const known = new Set(columns.map(plain));
    const missing = required.filter((column) => !known.has(plain(column)));
    if (missing.length > 0)
      throw new SignetError('invalid-request', {
        detail: `The header lacks columns of this format: ${missing.join(', ')}`,
        errors: missing.map((path) => ({ path, message: 'is a column of this format' })),
      });
  },
  read: (row) => read(new ForeignRow(row)),
});

/** `Long URL`, `long_url` and `longUrl` are one. */
const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/** A row of another product's export, with its fields by name, whichever way they are written. */
export class ForeignRow {
  private readonly fields: ReadonlyMap<string, unknown>;

  /** @throws SignetError `invalid-request` */
  constructor(row: Exclude<UploadedRow, { unreadable: unknown }>) {
    const said = 'json' in row ? row.json : row.cells;
    if (typeof said !== 'object' || said === null || Array.isArray(said)) throw refused('', 'must be a JSON object');
    this.fields = new Map(Object.entries(said).map(([name, value]) => [plain(name), value]));
  }

  get(...names: readonly string[]): unknown {
    return names.map((name) => this.fields.get(plain(name))).find((value) => value !== undefined && value !== null);
  }

  /** Of a JSON object in the row. */
  inner(name: string): ForeignRow {
    const value = this.get(name);
    return new ForeignRow({ json: typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {} });
  }

  /** @returns undefined for what is empty */
  text(...names: readonly string[]): string | undefined {
    const value = this.get(...names);
    if (typeof value === 'number') return String(value);
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
  }

  /** One line, as short as a title of a code has to be. */
  title(...names: readonly string[]): string | undefined {
    const line = this.text(...names)
      ?.replaceAll(/[\p{Cc}\p{Cs}]+/gu, ' ')
      .trim();
    return line === undefined || line === ''
      ? undefined
      : Array.from(line).slice(0, MAX_TITLE).join('').slice(0, MAX_TITLE);
  }

  list(name: string): string[] {
    const value = this.get(name);
    if (Array.isArray(value)) return value.filter((item): item is string => typeof item === 'string' && item !== '');
    return (this.text(name) ?? '')
      .split(/[|,]/)
      .map((item) => item.trim())
      .filter((item) => item !== '');
  }

  /** @throws SignetError `invalid-request` for what is no number */
  count(...names: readonly string[]): number | undefined {
    const text = this.text(...names);
    if (text === undefined) return undefined;
    const digits = text.replaceAll(/[,\s]/g, '');
    if (!/^\d{1,15}$/.test(digits)) throw refused(names[0] ?? '', 'must be a count');
    return Number(digits);
  }

  isTrue(name: string): boolean {
    return this.get(name) === true || /^(true|1|yes)$/i.test(this.text(name) ?? '');
  }

  /** @returns RFC 3339; a time without a zone is in UTC */
  time(name: string): string | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const zoned = /(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text.replace(' ', 'T')}Z`;
    const at = new Date(zoned);
    if (Number.isNaN(at.getTime())) throw refused(name, 'must be a time');
    return at.toISOString();
  }
}

/** @returns host and path of a short URL, with or without its scheme */
export function splitShortUrl(text: string): { host: string; slug: string } {
  const url = /^https?:\/\//i.test(text) ? text : `https://${text}`;
  if (!URL.canParse(url)) throw refused('link', 'must be a short URL');
  const { hostname, pathname } = new URL(url);
  return { host: hostname, slug: decodeURIComponent(pathname.slice(1)) };
}

/** A row, without the fields that the export does not say. */
export const codeOf = (fields: Readonly<Record<string, unknown>>): object =>
  Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0)),
  );

export const refused = (path: string, message: string): SignetError =>
  new SignetError('invalid-request', {
    detail: path === '' ? message : `${path}: ${message}`,
    errors: [{ path, message }],
  });
