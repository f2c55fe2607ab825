import { Idempotency } from '@signet/access';
import { appendAudit } from '@signet/audit';
import { lineSchema, MAX_SAVED_FILTERS, type InputOf, type SavedFilter } from '@signet/contracts';
import {
  Clock,
  decodeCursor,
  ifMatchAllows,
  newId,
  SignetError,
  toPage,
  versionTag,
  type Caller,
} from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { isDeepStrictEqual } from 'node:util';
import { DataSource, QueryFailedError, type EntityManager } from 'typeorm';

import {
  countSavedFilters,
  deleteSavedFilter,
  findSavedFilter,
  insertSavedFilter,
  listSavedFilters,
  lockSavedFilter,
  updateSavedFilter,
} from './saved-filters.sql.js';

interface Which {
  id: string;
  ifMatch: string | undefined;
}

/** Views of the list of codes that people come back to; they belong to the workspace. */
@Injectable()
export class SavedFilters {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly idempotency: Idempotency,
  ) {}

  /** @throws SignetError `name-taken` | `quota-exceeded` | `idempotency-conflict` */
  create(caller: Caller, key: string | undefined, { body }: InputOf<'createSavedFilter'>): Promise<SavedFilter> {
    return this.dataSource.transaction((manager) =>
      this.idempotency.once(manager, { caller, operation: 'createSavedFilter', key, request: body }, async () => {
        const at = this.clock.now().toISOString();
        const stamps = { version: 1, createdAt: at, updatedAt: at, createdBy: caller.actor };
        const saved: SavedFilter = { id: newId(), ...body, ...stamps };
        await this.checkRoom(manager, caller);
        if (!(await insertSavedFilter(manager, caller.workspaceId, saved))) throw new SignetError('name-taken');
        await this.audit(manager, caller, 'saved-filter.create');
        return saved;
      }),
    );
  }

  /** @throws SignetError `not-found` */
  async get(caller: Caller, id: string): Promise<SavedFilter> {
    const saved = await findSavedFilter(this.dataSource.manager, caller.workspaceId, id);
    if (!saved) throw new SignetError('not-found');
    return saved;
  }

  /** By name. @throws SignetError `invalid-cursor` */
  async list(
    caller: Caller,
    { query }: InputOf<'listSavedFilters'>,
  ): Promise<{ items: SavedFilter[]; nextCursor: string | null }> {
    const afterName = decodeCursor(query.cursor, lineSchema(200));
    const position = { afterName, limit: query.limit + 1 };
    const filters = await listSavedFilters(this.dataSource.manager, caller.workspaceId, position);
    return toPage(filters, query.limit, ({ name }) => name);
  }

  /** @throws SignetError `not-found` | `version-mismatch` | `name-taken` */
  async update(caller: Caller, which: Which, { body }: InputOf<'updateSavedFilter'>): Promise<SavedFilter> {
    try {
      return await this.dataSource.transaction(async (manager) => {
        const before = await this.lock(manager, caller, which);
        const { name = before.name, query = before.query } = body;
        if (isDeepStrictEqual({ name, query }, { name: before.name, query: before.query })) return before;
        const updatedAt = this.clock.now().toISOString();
        const after: SavedFilter = { ...before, name, query, version: before.version + 1, updatedAt };
        await updateSavedFilter(manager, after);
        await this.audit(manager, caller, 'saved-filter.update');
        return after;
      });
    } catch (error) {
      throw isNameTaken(error) ? new SignetError('name-taken', { cause: error }) : error;
    }
  }

  /** @throws SignetError `not-found` | `version-mismatch` */
  delete(caller: Caller, which: Which): Promise<void> {
    return this.dataSource.transaction(async (manager) => {
      const { id } = await this.lock(manager, caller, which);
      await deleteSavedFilter(manager, id);
      await this.audit(manager, caller, 'saved-filter.delete');
    });
  }

  private async lock(manager: EntityManager, caller: Caller, { id, ifMatch }: Which): Promise<SavedFilter> {
    const saved = await lockSavedFilter(manager, caller.workspaceId, id);
    if (!saved) throw new SignetError('not-found');
    if (!ifMatchAllows(ifMatch, versionTag(saved.version)))
      throw new SignetError('version-mismatch', { detail: `The filter is at version ${saved.version}` });
    return saved;
  }

  /** Calls that meet may go beyond it by as many as they are. @throws SignetError `quota-exceeded` */
  private async checkRoom(manager: EntityManager, { workspaceId }: Caller): Promise<void> {
    const used = await countSavedFilters(manager, workspaceId);
    if (used < MAX_SAVED_FILTERS) return;
    const detail = `A workspace has at most ${MAX_SAVED_FILTERS} saved filters`;
    throw new SignetError('quota-exceeded', { detail, limit: MAX_SAVED_FILTERS, used });
  }

  private audit(manager: EntityManager, { workspaceId, actor, requestId }: Caller, action: string): Promise<void> {
    return appendAudit(manager, { at: this.clock.now(), workspaceId, actor, action, requestId });
  }
}

/** The database has the last word on names: another one may be given the same at this moment. */
const isNameTaken = (error: unknown): boolean =>
  error instanceof QueryFailedError && 'code' in error.driverError && error.driverError.code === '23505';
