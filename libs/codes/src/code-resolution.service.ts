import type { CodeResolution, InputOf } from '@signet/contracts';
import { Clock, SignetError, type Caller } from '@signet/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { findCode } from './codes.sql.js';
import { resolveCode } from './resolution.js';

/** Tries the rules of a code on a scan that might be. Nothing is changed, counted or called. */
@Injectable()
export class CodeResolutionService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
  ) {}

  /** @throws SignetError `not-found`, also for another workspace's code */
  async resolve({ workspaceId }: Caller, { params, body }: InputOf<'resolveCode'>): Promise<CodeResolution> {
    const code = await findCode(this.dataSource.manager, workspaceId, params.id);
    if (!code) throw new SignetError('not-found');
    const at = body.at === undefined ? this.clock.now() : new Date(body.at);
    return resolveCode(code, body, { at, draw: body.draw ?? Math.random() });
  }
}
