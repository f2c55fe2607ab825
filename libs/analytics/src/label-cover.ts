import { countLabelledCodes, findLabelledCodes, LABEL_KINDS, type Labels } from '@signet/codes';
import type { EntityManager } from 'typeorm';
import type { Scopes, Windows } from './analytics.sql.js';
import { readUnsettled } from './label-windows.sql.js';
import { findLabel, findMovedCodes } from './labels.sql.js';
import { hoursOf, partPieces, type Piece } from './time-range.js';

/**
 * Which windows add up to the pieces of a question.
 * @param isOwn nothing of what is added up for a label
 */
export type Cover = (pieces: readonly Piece[], options?: { isOwn: boolean }) => Promise<Windows>;

/** Of codes or of a workspace: their own windows. */
export const coverOf =
  (workspaceId: string, scopes: Scopes): Cover =>
  (pieces) =>
    Promise.resolve({ workspaceId, scopes, pieces });

/** More codes that came or went are not looked at one by one. */
const MAX_MOVED = 200;
/** So many codes are found one by one in the time in which all that was counted in an hour is read. */
const CODES_AN_HOUR = 500;

/** The codes that have some labels today. */
export class LabelledCodes {
  private found: Promise<string[]> | undefined;

  private constructor(
    private readonly manager: EntityManager,
    private readonly workspaceId: string,
    private readonly labels: Labels,
    readonly count: number,
    private readonly members: string,
  ) {}

  static async count(manager: EntityManager, workspaceId: string, labels: Labels): Promise<LabelledCodes> {
    const { codes, members } = await countLabelledCodes(manager, { workspaceId, ...labels });
    return new LabelledCodes(manager, workspaceId, labels, codes, members);
  }

  ids(): Promise<string[]> {
    const { manager, workspaceId, labels, count: limit } = this;
    return (this.found ??= findLabelledCodes(manager, { workspaceId, ...labels, limit }));
  }

  /**
   * What is added up for their label, as far as that is what they have counted by now, and their own windows elsewhere.
   * Of codes by more than one label nothing is added up.
   */
  async cover(): Promise<Cover> {
    const { manager, workspaceId } = this;
    const own: Cover = async (pieces) => ({
      workspaceId,
      scopes: pieces.length > 0 ? await this.ids() : [],
      pieces,
      byTime: this.isMore(pieces),
    });
    const [label, ...further] = LABEL_KINDS.flatMap((kind) => {
      const value = this.labels[kind];
      return value === undefined ? [] : [{ kind, value }];
    });
    const known = label && further.length === 0 ? await findLabel(manager, workspaceId, label) : undefined;
    if (!known) return own;
    const { id: labelId, members } = known;
    const limit = MAX_MOVED + 1;
    const moved =
      members === this.members ? [] : await findMovedCodes(manager, { labelId, codes: await this.ids(), limit });
    if (moved.length === limit) return own;
    return async (pieces, { isOwn } = { isOwn: false }) => {
      const { settled, others } = isOwn
        ? { settled: [], others: pieces }
        : partPieces(pieces, await readUnsettled(manager, { workspaceId, labelId, moved, pieces }));
      const isOfLabel = moved.length === 0 && this.isMore(others);
      return {
        ...(isOfLabel ? { workspaceId, pieces: others } : await own(others)),
        label: { id: labelId, pieces: settled },
      };
    };
  }

  /** Than can be found one by one in the time of the pieces. */
  private isMore(pieces: readonly Piece[]): boolean {
    return this.count > CODES_AN_HOUR * hoursOf(pieces);
  }
}
