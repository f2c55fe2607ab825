import { CodeArbiterModule } from '@signet/codes';
import { ScansModule } from '@signet/scans';
import { Module } from '@nestjs/common';
import { ClaimDesk } from './claim-desk.js';
import { CodeResolver } from './code-resolver.js';
import { PlainLinks } from './plain-links.js';
import { RedirectRoutes } from './redirect.routes.js';
import { ScanLimits } from './scan-limits.js';
import { ScanRecorder } from './scan-recorder.js';

/** The redirect with all that it needs of its context's neighbours. */
@Module({
  imports: [CodeArbiterModule, ScansModule],
  providers: [RedirectRoutes, PlainLinks, CodeResolver, ScanLimits, ScanRecorder, ClaimDesk],
})
export class RedirectModule {}
