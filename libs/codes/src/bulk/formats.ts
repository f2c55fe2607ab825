import type { BulkFormat } from '@signet/contracts';
import { readBitly } from './imports/bitly.js';
import { foreignFormat } from './imports/foreign-row.js';
import { readKutt } from './imports/kutt.js';
import { readShlink } from './imports/shlink.js';
import { readYourls } from './imports/yourls.js';
import { signetFormat } from './signet-format.js';
import type { UploadedRow } from './uploaded-rows.js';

/** How the rows of a format say what they ask for. */
export interface RowFormat {
  /** @throws SignetError `invalid-request` naming columns that are missing, or are none of the format */
  checkHeader: (columns: readonly string[]) => void;
  /**
   * @returns a row as Signet's own JSON, of which the schemas say whether it is right
   * @throws SignetError `invalid-request` for what cannot be brought over
   */
  read: (row: Exclude<UploadedRow, { unreadable: unknown }>) => unknown;
}

export const formats: Readonly<Record<BulkFormat, RowFormat>> = {
  signet: signetFormat,
  shlink: foreignFormat(['shortCode', 'longUrl'], readShlink),
  kutt: foreignFormat(['address', 'target'], readKutt),
  yourls: foreignFormat(['keyword', 'url'], readYourls),
  bitly: foreignFormat(['long_url'], readBitly),
};
