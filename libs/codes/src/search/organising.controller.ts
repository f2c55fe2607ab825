import { IdempotencyKey } from '@signet/access';
import type { InputOf, LabelPage, SavedFilter } from '@signet/contracts';
import { CurrentCaller, Input, Operation, versionTag, type Caller } from '@signet/platform';
import { Controller, Headers, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Labels } from './labels.service.js';
import { SavedFilters } from './saved-filters.service.js';

/** What codes are sorted into, and the views of their list. */
@Controller()
export class OrganisingController {
  constructor(
    private readonly labels: Labels,
    private readonly filters: SavedFilters,
  ) {}

  @Operation('listTags')
  tags(@CurrentCaller() caller: Caller, @Input() input: InputOf<'listTags'>): Promise<LabelPage> {
    return this.labels.list(caller, 'tag', input.query);
  }

  @Operation('listFolders')
  folders(@CurrentCaller() caller: Caller, @Input() input: InputOf<'listFolders'>): Promise<LabelPage> {
    return this.labels.list(caller, 'folder', input.query);
  }

  @Operation('listCampaigns')
  campaigns(@CurrentCaller() caller: Caller, @Input() input: InputOf<'listCampaigns'>): Promise<LabelPage> {
    return this.labels.list(caller, 'campaign', input.query);
  }

  @Operation('createSavedFilter')
  async create(
    @CurrentCaller() caller: Caller,
    @IdempotencyKey() key: string | undefined,
    @Input() input: InputOf<'createSavedFilter'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SavedFilter> {
    const saved = await this.filters.create(caller, key, input);
    void reply.header('Location', `/v1/saved-filters/${saved.id}`);
    return tagged(saved, reply);
  }

  @Operation('listSavedFilters')
  list(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'listSavedFilters'>,
  ): Promise<{ items: SavedFilter[]; nextCursor: string | null }> {
    return this.filters.list(caller, input);
  }

  @Operation('getSavedFilter')
  async get(
    @CurrentCaller() caller: Caller,
    @Input() { params }: InputOf<'getSavedFilter'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SavedFilter> {
    return tagged(await this.filters.get(caller, params.id), reply);
  }

  @Operation('updateSavedFilter')
  async update(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'updateSavedFilter'>,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SavedFilter> {
    return tagged(await this.filters.update(caller, { ...input.params, ifMatch }, input), reply);
  }

  @Operation('deleteSavedFilter')
  delete(
    @CurrentCaller() caller: Caller,
    @Input() { params }: InputOf<'deleteSavedFilter'>,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    return this.filters.delete(caller, { ...params, ifMatch });
  }
}

function tagged(saved: SavedFilter, reply: FastifyReply): SavedFilter {
  void reply.header('ETag', versionTag(saved.version)).header('Cache-Control', 'no-store');
  return saved;
}
