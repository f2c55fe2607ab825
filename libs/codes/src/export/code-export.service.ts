import { setImmediate } from 'node:timers/promises';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { MAX_EXPORTED_IMAGES, type Code, type ExportCodesQuery, type CodeExportFormat } from '@signet/contracts';
import { begun, Clock, LOGGER, SignetError, toNdjson, type Caller, type Logger } from '@signet/platform';
import { Inject, Injectable } from '@nestjs/common';
import { makeZip } from 'client-zip';
import { DataSource } from 'typeorm';
import { CodeChanges } from '../code-changes.js';
import { CodesService } from '../codes.service.js';
import { CodeSearch } from '../search/code-search.service.js';
import { countCodes, findInOrder, type Search } from '../search/search.sql.js';
import { csvHeader, csvLines } from './code-table.js';
import { ImageNames } from './image-names.js';

/** Codes that are in memory at once. */
const PAGE = 500;

export interface CodeExport {
  contentType: string;
  fileName: string;
  stream: Readable;
}
const TYPES: Readonly<Record<CodeExportFormat, string>> = {
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson',
  zip: 'application/zip',
};
interface Image {
  name: string;
  input: string | Buffer;
  lastModified: Date;
}

/**
 * Sends codes away as a stream, in the order of their creation: a page of them is read when the last one is sent, with a
 * query of its own, so an export of any size takes the memory of a page, and no transaction waits for a slow reader. Each
 * code is as it is when its page is read.
 */
@Injectable()
export class CodeExports {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly changes: CodeChanges,
    private readonly codes: CodesService,
    private readonly search: CodeSearch,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * What goes wrong before the first code is ready is thrown; later it breaks the stream, so that half an export is never
   * taken for a whole one.
   * @throws SignetError `not-found` for the saved filter; `invalid-request` for too many images; `contrast-too-low` |
   * `payload-too-long`
   */
  async export(caller: Caller, query: ExportCodesQuery): Promise<CodeExport> {
    const { filter } = await this.search.resolve(caller, query);
    const search = { workspaceId: caller.workspaceId, filter, at: this.clock.now() };
    const stream = query.format === 'zip' ? await this.zip(search, query) : await this.lines(search, query.format);
    stream.on('error', (err) => {
      const isClientGone = 'code' in err && err.code === 'ERR_STREAM_PREMATURE_CLOSE';
      if (!isClientGone) this.logger.error({ err, requestId: caller.requestId }, 'an export broke off');
    });
    return { contentType: TYPES[query.format], fileName: `codes.${query.format}`, stream };
  }

  private async lines(search: Omit<Search, 'sort'>, format: 'csv' | 'ndjson'): Promise<Readable> {
    const chunks = format === 'csv' ? csvChunks(this.pages(search)) : ndjsonChunks(this.pages(search));
    return Readable.from(await begun(chunks));
  }

  private async zip(search: Omit<Search, 'sort'>, query: ExportCodesQuery): Promise<Readable> {
    const count = await countCodes(this.dataSource.manager, search, MAX_EXPORTED_IMAGES + 1);
    if (count > MAX_EXPORTED_IMAGES)
      throw new SignetError('invalid-request', {
        detail: `There are more than the ${MAX_EXPORTED_IMAGES} images that one ZIP can have: export them by folder or by time`,
      });
    const zip: ReadableStream<Uint8Array> = makeZip(await begun(this.images(search, query)));
    return Readable.fromWeb(zip);
  }

  /** Codes whose link is a secret that was shown once (enrollment, sign-in) have none to draw. */
  private async *images(
    search: Omit<Search, 'sort'>,
    { image, fileName, ...query }: ExportCodesQuery,
  ): AsyncGenerator<Image> {
    const names = new ImageNames(fileName, image);
    for await (const codes of this.pages(search))
      for (const code of codes) {
        if (code.shortUrl === null) continue;
        const { body } = this.codes.qr(code, { ...query, format: image });
        yield { name: names.next(code), input: body, lastModified: new Date(code.updatedAt) };
        // Drawing takes milliseconds: others have their turn between two.
        await setImmediate();
      }
  }

  private async *pages(search: Omit<Search, 'sort'>): AsyncGenerator<Code[]> {
    let { after } = search;
    do {
      const found = await findInOrder(this.dataSource.manager, { ...search, after }, PAGE);
      yield found.map(({ code }) => this.changes.show(code, search.at));
      after = found.length === PAGE ? found.at(-1)?.position : undefined;
    } while (after);
  }
}

async function* csvChunks(pages: AsyncIterable<Code[]>): AsyncGenerator<string> {
  let header = csvHeader();
  for await (const codes of pages) {
    yield header + csvLines(codes);
    header = '';
  }
}

async function* ndjsonChunks(pages: AsyncIterable<Code[]>): AsyncGenerator<string> {
  for await (const codes of pages) yield toNdjson(codes);
}
