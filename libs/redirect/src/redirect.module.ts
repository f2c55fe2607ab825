import { CodeArbiterModule } from '@signet/codes';
import { DirectoryModule } from '@signet/domains';
import { FileContentsModule } from '@signet/files';
import { ScansModule } from '@signet/scans';
import { Module } from '@nestjs/common';
import { AppLinksRoutes } from './app-links.routes.js';
import { BrandLogos } from './brand-logos.js';
import { CheckRoutes } from './check.routes.js';
import { ClaimDesk } from './claim-desk.js';
import { CodeFinder } from './code-finder.js';
import { CodeOrigins } from './code-origins.js';
import { CodeResolver } from './code-resolver.js';
import { Guessing } from './guessing.js';
import { Hosts } from './hosts.js';
import { Destinations } from './destination.js';
import { PasswordDesk } from './password-desk.js';
import { PlainConnections } from './plain-connections.js';
import { PlainLinks } from './plain-links.js';
import { RedirectRoutes } from './redirect.routes.js';
import { ScanLimits } from './scan-limits.js';
import { ScanRecorder } from './scan-recorder.js';
import { TargetedClaims } from './targeted-claims.js';

/** The redirect with all that it needs of its context's neighbours. */
@Module({
  imports: [CodeArbiterModule, DirectoryModule, FileContentsModule, ScansModule],
  providers: [
    RedirectRoutes,
    CheckRoutes,
    AppLinksRoutes,
    CodeOrigins,
    Hosts,
    BrandLogos,
    PlainLinks,
    PlainConnections,
    CodeResolver,
    CodeFinder,
    ScanLimits,
    Guessing,
    ScanRecorder,
    ClaimDesk,
    Destinations,
    TargetedClaims,
    PasswordDesk,
  ],
})
export class RedirectModule {}
