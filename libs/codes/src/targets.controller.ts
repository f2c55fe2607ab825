import type { CodeCheck, CodeResolution, InputOf, TargetSettings } from '@signet/contracts';
import { CurrentCaller, Input, Operation, type Caller } from '@signet/platform';
import { Controller } from '@nestjs/common';
import { CodeResolutionService } from './code-resolution.service.js';
import { TargetChecks } from './target-checks.service.js';
import { TargetSettingsService } from './target-settings.service.js';

@Controller()
export class TargetsController {
  constructor(
    private readonly settings: TargetSettingsService,
    private readonly checks: TargetChecks,
    private readonly resolution: CodeResolutionService,
  ) {}

  @Operation('checkCode')
  check(@CurrentCaller() caller: Caller, @Input() input: InputOf<'checkCode'>): Promise<CodeCheck> {
    return this.checks.check(caller, input);
  }

  @Operation('resolveCode')
  resolve(@CurrentCaller() caller: Caller, @Input() input: InputOf<'resolveCode'>): Promise<CodeResolution> {
    return this.resolution.resolve(caller, input);
  }

  @Operation('getTargetSettings')
  get(@CurrentCaller() caller: Caller): Promise<TargetSettings> {
    return this.settings.get(caller);
  }

  @Operation('putTargetSettings')
  put(@CurrentCaller() caller: Caller, @Input() input: InputOf<'putTargetSettings'>): Promise<TargetSettings> {
    return this.settings.put(caller, input);
  }
}
