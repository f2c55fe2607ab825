import { Idempotency, Quotas } from '@signet/access';
import { appendAudit } from '@signet/audit';
import type { InputOf, UploadedFile } from '@signet/contracts';
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
import { DataSource, type EntityManager } from 'typeorm';
import { z } from 'zod';
import { ContentIntake, type Received } from './content-intake.js';
import { cleanName, toFile, type StoredFile } from './file.js';
import { deleteFile, findFile, insertFile, listFiles, lockFile, updateFile } from './files.sql.js';
import { LooseObjects } from './loose-objects.js';
import type { Upload } from './upload.js';
import { countFileUses } from './uses.sql.js';

interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

interface Which {
  id: string;
  ifMatch: string | undefined;
}

const ListPositionSchema = z.strictObject({ createdAt: z.iso.datetime(), id: z.uuid() });

/** The files of workspaces: a content is in the store before its file is there, and no transaction waits for a client. */
@Injectable()
export class FilesService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly idempotency: Idempotency,
    private readonly quotas: Quotas,
    private readonly intake: ContentIntake,
    private readonly objects: LooseObjects,
  ) {}

  /** @throws SignetError as `ContentIntake.receive`; `idempotency-conflict`, also for another content */
  async upload(caller: Caller, key: string | undefined, upload: Upload): Promise<UploadedFile> {
    const { workspaceId, actor } = caller;
    const received = await this.intake.receive(workspaceId, upload);
    const name = cleanName(upload.name);
    const { objectId: _each, ...content } = received;
    const request = { caller, operation: 'uploadFile', key, request: { name, ...content } } as const;
    return this.concluding(received, (manager) =>
      this.idempotency.once(manager, request, async () => {
        await this.objects.adopt(manager, received.objectId);
        await this.quotas.takeFileBytes(manager, workspaceId, received.bytes);
        const at = this.clock.now().toISOString();
        const base = { id: newId(), workspaceId, name, revision: 1, createdAt: at, updatedAt: at, createdBy: actor };
        const file: StoredFile = { ...base, ...received };
        await insertFile(manager, file);
        return this.record(manager, caller, { file, action: 'file.upload' });
      }),
    );
  }

  /** Newest first. @throws SignetError `invalid-cursor` */
  async list({ workspaceId }: Caller, { query }: InputOf<'listFiles'>): Promise<Page<UploadedFile>> {
    const after = decodeCursor(query.cursor, ListPositionSchema);
    const asked = { workspaceId, after, part: query.q, limit: query.limit + 1 };
    const files = await listFiles(this.dataSource.manager, asked);
    const page = toPage(files, query.limit, ({ createdAt, id }) => ({ createdAt, id }));
    return { ...page, items: page.items.map(toFile) };
  }

  /** @throws SignetError `not-found`, also for another workspace's file */
  async get({ workspaceId }: Caller, id: string): Promise<UploadedFile> {
    const file = await findFile(this.dataSource.manager, { workspaceId, id });
    if (!file) throw new SignetError('not-found');
    return toFile(file);
  }

  /**
   * The former content leaves the store when no download can still be about to read it.
   * @returns the file as it is when it has that content and name already
   * @throws SignetError as `ContentIntake.receive`; `not-found` | `version-mismatch`
   */
  async replace(caller: Caller, { id, ifMatch }: Which, upload: Upload): Promise<UploadedFile> {
    const { workspaceId } = caller;
    // So that nobody sends a hundred megabytes in vain.
    const known = allowed(await findFile(this.dataSource.manager, { workspaceId, id }), ifMatch);
    const received = await this.intake.receive(workspaceId, upload, known.bytes);
    return this.concluding(received, async (manager) => {
      const before = allowed(await lockFile(manager, { workspaceId, id }), ifMatch);
      const name = upload.name === undefined ? before.name : cleanName(upload.name);
      if (isSame(before, { name, ...received })) return toFile(before);
      await this.objects.adopt(manager, received.objectId);
      await this.objects.loosen(manager, before.objectId);
      await this.quotas.takeFileBytes(manager, workspaceId, received.bytes - before.bytes);
      const updatedAt = this.clock.now().toISOString();
      const file: StoredFile = { ...before, ...received, name, revision: before.revision + 1, updatedAt };
      await updateFile(manager, file);
      return this.record(manager, caller, { file, action: 'file.replace' });
    });
  }

  /** @throws SignetError `not-found` | `version-mismatch` | `file-in-use` */
  delete(caller: Caller, { id, ifMatch }: Which): Promise<void> {
    const { workspaceId } = caller;
    return this.dataSource.transaction(async (manager) => {
      const file = allowed(await lockFile(manager, { workspaceId, id }), ifMatch);
      const uses = await countFileUses(manager, id);
      if (uses > 0)
        throw new SignetError('file-in-use', {
          detail: `Codes give it: ${uses}. Revoke, archive or change them first`,
        });
      await deleteFile(manager, id);
      await this.objects.loosen(manager, file.objectId);
      await this.quotas.takeFileBytes(manager, workspaceId, -file.bytes);
      await this.record(manager, caller, { file, action: 'file.delete' });
    });
  }

  /** Whatever comes of it, a content that no file has afterwards is removed. */
  private async concluding(
    { objectId }: Received,
    work: (manager: EntityManager) => Promise<UploadedFile>,
  ): Promise<UploadedFile> {
    try {
      return await this.dataSource.transaction(work);
    } finally {
      await this.objects.discard(objectId);
    }
  }

  private async record(
    manager: EntityManager,
    { workspaceId, actor, requestId }: Caller,
    { file, action }: { file: StoredFile; action: string },
  ): Promise<UploadedFile> {
    await appendAudit(manager, { at: this.clock.now(), workspaceId, actor, action, fileId: file.id, requestId });
    return toFile(file);
  }
}

/** @throws SignetError `not-found` | `version-mismatch` */
function allowed(file: StoredFile | undefined, ifMatch: string | undefined): StoredFile {
  if (!file) throw new SignetError('not-found');
  if (!ifMatchAllows(ifMatch, versionTag(file.revision)))
    throw new SignetError('version-mismatch', { detail: `The file is at revision ${file.revision}` });
  return file;
}

const isSame = (file: StoredFile, { name, contentType, sha256 }: Received & { name: string }): boolean =>
  file.name === name && file.contentType === contentType && file.sha256 === sha256;
