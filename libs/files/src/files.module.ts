import { Health, SignetConfig } from '@signet/platform';
import { Inject, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { ContentGrants } from './content-grants.js';
import { ContentIntake } from './content-intake.js';
import { FileContents } from './file-contents.js';
import { FilesController } from './files.controller.js';
import { FilesService } from './files.service.js';
import { LooseObjects } from './loose-objects.js';
import { FileStore } from './store/file-store.js';
import { openFileStore } from './store/open-file-store.js';

/** Says in `/readyz` that the store is away, and closes it after the last answer. */
@Injectable()
class FileStoreLife implements OnApplicationShutdown {
  constructor(
    @Inject(FileStore) private readonly store: FileStore,
    health: Health,
  ) {
    health.prefer('file-store', () => store.ping());
  }

  async onApplicationShutdown(): Promise<void> {
    await this.store.close();
  }
}

/** Once in a process, whoever of the two below is there. */
@Module({
  providers: [{ provide: FileStore, useFactory: openFileStore, inject: [SignetConfig] }, FileStoreLife],
  exports: [FileStore],
})
class FileStoreModule {}

/** `/v1/files`: the control plane's part. */
@Module({
  imports: [FileStoreModule],
  controllers: [FilesController],
  providers: [FilesService, ContentIntake, LooseObjects],
  exports: [LooseObjects],
})
export class FilesModule {}

/** What codes give: the redirect's part. */
@Module({
  imports: [FileStoreModule],
  providers: [FileContents, ContentGrants],
  exports: [FileContents, ContentGrants],
})
export class FileContentsModule {}
