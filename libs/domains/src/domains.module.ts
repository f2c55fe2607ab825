import { Module } from '@nestjs/common';
import { BrandDirectory } from './brand-directory.js';
import { BrandsController } from './brands.controller.js';
import { BrandsService } from './brands.service.js';
import { DirectoryRefresh } from './directory-refresh.js';
import { DomainLookup } from './domain-lookup.js';
import { DomainProof } from './domain-proof.js';
import { DomainsController } from './domains.controller.js';
import { DomainsService } from './domains.service.js';
import { SiteDirectory } from './site-directory.js';

/** `/v1/domains` and `/v1/brands`: the control plane's part. */
@Module({
  controllers: [DomainsController, BrandsController],
  providers: [DomainsService, BrandsService, DomainProof],
})
export class DomainsModule {}

/** What codes ask when they are issued. */
@Module({ providers: [DomainLookup], exports: [DomainLookup] })
export class DomainLookupModule {}

/** Whose a host is, and how its pages look: the redirect's part. */
@Module({
  providers: [SiteDirectory, BrandDirectory, DirectoryRefresh],
  exports: [SiteDirectory, BrandDirectory],
})
export class DirectoryModule {}
