import { IdempotencyKey } from '@signet/access';
import { LOGO_TYPES, type Brand, type InputOf } from '@signet/contracts';
import { CurrentCaller, Input, Operation, streamBodies, versionTag, type Caller } from '@signet/platform';
import { Controller, Headers, Req, Res, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BrandsService } from './brands.service.js';
import type { Page } from './domains.service.js';
import { readLogoUpload } from './logo.js';

@Controller()
export class BrandsController implements OnModuleInit {
  constructor(
    private readonly http: HttpAdapterHost,
    private readonly brands: BrandsService,
  ) {}

  onModuleInit(): void {
    streamBodies(this.http.httpAdapter.getInstance(), 'PUT /v1/brands/:id/logo', LOGO_TYPES);
  }

  @Operation('createBrand')
  async create(
    @CurrentCaller() caller: Caller,
    @IdempotencyKey() key: string | undefined,
    @Input() input: InputOf<'createBrand'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Brand> {
    const brand = await this.brands.create(caller, key, input);
    void reply.header('Location', `/v1/brands/${brand.id}`);
    return tagged(brand, reply);
  }

  @Operation('listBrands')
  list(@CurrentCaller() caller: Caller, @Input() input: InputOf<'listBrands'>): Promise<Page<Brand>> {
    return this.brands.list(caller, input);
  }

  @Operation('getBrand')
  async get(
    @CurrentCaller() caller: Caller,
    @Input() { params }: InputOf<'getBrand'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Brand> {
    return tagged(await this.brands.get(caller, params.id), reply);
  }

  @Operation('updateBrand')
  async update(
    @CurrentCaller() caller: Caller,
    @Input() input: InputOf<'updateBrand'>,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Brand> {
    return tagged(await this.brands.update(caller, input, ifMatch), reply);
  }

  @Operation('deleteBrand')
  delete(
    @CurrentCaller() caller: Caller,
    @Input() { params }: InputOf<'deleteBrand'>,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    return this.brands.delete(caller, { ...params, ifMatch });
  }

  @Operation('putBrandLogo')
  async putLogo(
    @CurrentCaller() caller: Caller,
    @Input() { params }: InputOf<'putBrandLogo'>,
    @Headers('if-match') ifMatch: string | undefined,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Brand> {
    const logo = await readLogoUpload(request.body, request.headers['content-type']);
    return tagged(await this.brands.putLogo(caller, { ...params, ifMatch }, logo), reply);
  }

  @Operation('deleteBrandLogo')
  async deleteLogo(
    @CurrentCaller() caller: Caller,
    @Input() { params }: InputOf<'deleteBrandLogo'>,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Brand> {
    return tagged(await this.brands.deleteLogo(caller, { ...params, ifMatch }), reply);
  }
}

function tagged(brand: Brand, reply: FastifyReply): Brand {
  void reply.header('ETag', versionTag(brand.version)).header('Cache-Control', 'no-store');
  return brand;
}
