import type { EntityManager } from 'typeorm';
import { readContenders, readScans, readTopCodes, type CodeScans, type Windows } from './analytics.sql.js';
import type { Cover, LabelledCodes } from './label-cover.js';
import { readUnsettled } from './label-windows.sql.js';
import { hoursOf, partPieces, type Piece } from './time-range.js';

/** More are not counted one by one. */
const MAX_CONTENDERS = 1000;
/** Of shorter times all codes that were scanned are counted. */
const SHORT_HOURS = 6;
/** When more is not added up, each code is looked at. */
const MAX_UNSETTLED_HOURS = 12;

/**
 * The codes that were scanned most. Each window that is added up lists its first codes, and no other one has more scans in
 * it than the last of them: so a few codes are counted, and it is known that no other can be among the first (Fagin et
 * al. 2003, "Optimal aggregation algorithms for middleware"). Where codes are too much alike for that, all are counted.
 */
export async function findTopCodes(manager: EntityManager, question: TopQuestion): Promise<CodeScans[]> {
  const found = await fromLists(manager, question);
  if (found) return found;
  const { workspaceId, labelled, pieces, top } = question;
  return readTopCodes(manager, { workspaceId, codes: await labelled?.codes.ids(), pieces, top });
}

interface TopQuestion {
  workspaceId: string;
  /** Undefined: the whole workspace is asked for. */
  labelled?: { codes: LabelledCodes; cover: Cover };
  /** Days and hours. */
  pieces: readonly Piece[];
  top: number;
}

async function fromLists(
  manager: EntityManager,
  { workspaceId, labelled, pieces, top }: TopQuestion,
): Promise<CodeScans[] | undefined> {
  const isShort = hoursOf(pieces) <= SHORT_HOURS;
  const { windows, listed } = labelled
    ? await listsOfLabel(labelled.cover, pieces, isShort)
    : await listsOfWorkspace(manager, { workspaceId, pieces, isShort });
  if ((listed.length === 0 && !isShort) || hoursOf(windows.pieces) > MAX_UNSETTLED_HOURS) return undefined;
  const { unseen, contenders } = await readContenders(manager, { top, limit: MAX_CONTENDERS, windows, listed });
  const isKnown = unseen === 0 || (contenders[top - 1]?.scans ?? 0) > unseen;
  if (!isKnown || contenders.length === MAX_CONTENDERS) return undefined;
  const scopes = contenders.map(({ codeId }) => codeId);
  const isExact = contenders.every(({ unlisted }) => unlisted === 0);
  const counted = isExact ? contenders : await readScans(manager, { workspaceId, scopes, pieces });
  return counted
    .map(({ codeId, scans }) => ({ codeId, scans }))
    .toSorted((a, b) => b.scans - a.scans || (a.codeId < b.codeId ? -1 : 1))
    .slice(0, top);
}

interface Lists {
  windows: Windows;
  listed: readonly Piece[];
}

async function listsOfLabel(cover: Cover, pieces: readonly Piece[], isShort: boolean): Promise<Lists> {
  const windows = await cover(pieces, { isOwn: isShort });
  return { windows, listed: windows.label?.pieces ?? [] };
}

async function listsOfWorkspace(
  manager: EntityManager,
  { workspaceId, pieces, isShort }: { workspaceId: string; pieces: readonly Piece[]; isShort: boolean },
): Promise<Lists> {
  if (isShort) return { windows: { workspaceId, pieces }, listed: [] };
  const { settled, others } = partPieces(pieces, await readUnsettled(manager, { workspaceId, moved: [], pieces }));
  return { windows: { workspaceId, pieces: others }, listed: settled };
}
