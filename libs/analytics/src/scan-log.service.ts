import type { ExportScansQuery, ListScansQuery, Scan } from '@signet/contracts';
import { decodeCursor, toPage } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import { exportRows } from './export-rows.js';
import { listScans } from './scan-log.sql.js';

const ScanCursorSchema = z.tuple([z.iso.datetime(), z.uuid()]);

/** The raw scans, as long as they are kept. */
@Injectable()
export class ScanLog {
  constructor(private readonly dataSource: DataSource) {}

  /** Newest first. */
  async list(
    workspaceId: string,
    { cursor, limit, ...filter }: ListScansQuery,
  ): Promise<{ items: Scan[]; nextCursor: string | null }> {
    const past = decodeCursor(cursor, ScanCursorSchema);
    const { manager } = this.dataSource;
    const scans = await listScans(manager, { ...filter, workspaceId, past, order: 'newest', limit: limit + 1 });
    return toPage(scans, limit, ({ at, id }) => [at, id]);
  }

  /** Oldest first, read a page at a time while they are taken. */
  export(workspaceId: string, { format: _format, ...filter }: ExportScansQuery): AsyncGenerator<Scan[]> {
    const { manager } = this.dataSource;
    return exportRows((past, limit) => listScans(manager, { ...filter, workspaceId, past, order: 'oldest', limit }));
  }
}
