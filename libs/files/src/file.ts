import type { FileTarget, UploadedFile } from '@signet/contracts';
import { hasControlCharacters } from '@signet/contracts';
import { create } from 'content-disposition';

/** A file as PostgreSQL has it; times as in the API. */
export interface StoredFile {
  id: string;
  workspaceId: string;
  /** Of the content, in the store. */
  objectId: string;
  name: string;
  contentType: string;
  bytes: number;
  /** Hex. */
  sha256: string;
  revision: number;
  createdAt: string;
  updatedAt: string;
  createdBy: string;
}

/** The file as its workspace sees it. */
export const toFile = (file: StoredFile): UploadedFile => ({
  id: file.id,
  name: file.name,
  contentType: file.contentType,
  bytes: file.bytes,
  sha256: file.sha256,
  revision: file.revision,
  createdAt: file.createdAt,
  updatedAt: file.updatedAt,
  createdBy: file.createdBy,
});

const MAX_NAME_LENGTH = 200;
const MAX_EXTENSION_LENGTH = 20;
/** What turns the order of letters round, so that `gpj.exe` reads as `exe.jpg`; and what is seen by nobody. */
const DECEIVING = /[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu;
const NAMELESS = 'file';

/**
 * The name under which a file is given, from whatever a client called it: its last part, without what deceives readers,
 * breaks headers or means a folder. It never becomes a path here, but it may on the device of whoever saves the file.
 */
export function cleanName(given: string | undefined): string {
  const last = (given ?? '').split(/[/\\]/).at(-1) ?? '';
  const printable = Array.from(last.replaceAll(DECEIVING, ''), (character) =>
    hasControlCharacters(character) || /[<>:"|?*]/.test(character) ? '_' : character,
  );
  const trimmed = printable
    .join('')
    .replaceAll(/\s+/gu, ' ')
    .replaceAll(/^[. ]+|[. ]+$/g, '');
  return shortened(trimmed) || NAMELESS;
}

/** Cut before its extension, and between two whole characters. */
function shortened(name: string): string {
  const characters = Array.from(name);
  if (characters.length <= MAX_NAME_LENGTH) return name;
  const dot = characters.lastIndexOf('.');
  const extension = dot > 0 && characters.length - dot <= MAX_EXTENSION_LENGTH ? characters.slice(dot) : [];
  return [...characters.slice(0, MAX_NAME_LENGTH - extension.length), ...extension].join('');
}

/** A strong validator (RFC 9110 §8.8.1): the same for the same bytes, and for no others. */
export const contentTag = ({ sha256 }: Pick<StoredFile, 'sha256'>): string => `"${sha256.slice(0, 32)}"`;

/** RFC 6266: the name in ASCII for old clients, and as it is (RFC 8187). */
export const dispositionOf = ({ name }: Pick<StoredFile, 'name'>, type: FileTarget['disposition']): string =>
  create(name, { type });
