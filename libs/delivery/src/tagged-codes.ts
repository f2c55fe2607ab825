import { findLabelledCodes } from '@signet/codes';
import { SignetError } from '@signet/platform';
import type { DataSource } from 'typeorm';

/** More would be looked up again every few seconds, for each stream. */
const MAX_CODES = 10_000;

/** The codes of a workspace that have a tag, as they were found last. */
export class TaggedCodes {
  codes: ReadonlySet<string> = new Set();

  private constructor(
    private readonly dataSource: DataSource,
    private readonly workspaceId: string,
    private readonly tag: string,
  ) {}

  /** @throws SignetError `invalid-request` when there are more than 10,000 */
  static async find(dataSource: DataSource, workspaceId: string, tag: string): Promise<TaggedCodes> {
    const tagged = new TaggedCodes(dataSource, workspaceId, tag);
    await tagged.refresh();
    if (tagged.codes.size > MAX_CODES) {
      const message = `is the tag of more than ${MAX_CODES} codes; follow the whole workspace`;
      throw new SignetError('invalid-request', {
        detail: `query.tag: ${message}`,
        errors: [{ path: 'query.tag', message }],
      });
    }
    return tagged;
  }

  async refresh(): Promise<void> {
    const { dataSource, workspaceId, tag } = this;
    const found = await findLabelledCodes(dataSource.manager, { workspaceId, tag, limit: MAX_CODES + 1 });
    this.codes = new Set(found);
  }
}
