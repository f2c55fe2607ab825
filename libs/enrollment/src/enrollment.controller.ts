import { IdempotencyKey } from '@signet/access';
import type { Enrollment, EnrollmentSettings, InputOf } from '@signet/contracts';
import { CurrentCaller, Input, Operation, type Caller } from '@signet/platform';
import { Controller, Header, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { BeginEnrollment } from './begin-enrollment.js';
import { ChangeEnrollment } from './change-enrollment.js';
import { ClaimEnrollment } from './claim-enrollment.js';
import { ConfirmEnrollment } from './confirm-enrollment.js';
import type { ClaimedEnrollment, ConfirmedEnrollment, CreatedEnrollment } from './enrollment.js';
import { ReadEnrollment } from './read-enrollment.js';
import { EnrollmentSettingsService } from './settings.service.js';

@Controller()
export class EnrollmentController {
  constructor(
    private readonly beginning: BeginEnrollment,
    private readonly claims: ClaimEnrollment,
    private readonly confirmation: ConfirmEnrollment,
    private readonly changes: ChangeEnrollment,
    private readonly reading: ReadEnrollment,
    private readonly settings: EnrollmentSettingsService,
  ) {}

  @Operation('createEnrollment')
  @Header('Cache-Control', 'no-store')
  create(
    @CurrentCaller() caller: Caller,
    @IdempotencyKey() key: string | undefined,
    @Input() { body }: InputOf<'createEnrollment'>,
  ): Promise<CreatedEnrollment> {
    return this.beginning.begin(caller, key, body);
  }

  @Operation('confirmEnrollment')
  @Header('Cache-Control', 'no-store')
  confirm(
    @Req() { id: requestId, ip }: FastifyRequest,
    @Input() { params, body }: InputOf<'confirmEnrollment'>,
  ): Promise<ConfirmedEnrollment> {
    return this.confirmation.confirm({ ...params, ...body, requestId, ip });
  }

  @Operation('claimEnrollment')
  @Header('Cache-Control', 'no-store')
  claim(
    @Req() { id: requestId, ip, headers }: FastifyRequest,
    @Input() { body }: InputOf<'claimEnrollment'>,
  ): Promise<ClaimedEnrollment> {
    const claimant = { ip, userAgent: headers['user-agent'] };
    return this.claims.claimAndShow({ slug: body.token, pin: body.pin, requestId, claimant });
  }

  @Operation('revokeEnrollment')
  revoke(@CurrentCaller() caller: Caller, @Input() input: InputOf<'revokeEnrollment'>): Promise<Enrollment> {
    return this.changes.revoke(caller, input);
  }

  @Operation('reissueEnrollment')
  @Header('Cache-Control', 'no-store')
  reissue(
    @CurrentCaller() caller: Caller,
    @IdempotencyKey() key: string | undefined,
    @Input() input: InputOf<'reissueEnrollment'>,
  ): Promise<CreatedEnrollment> {
    return this.changes.reissue(caller, key, input);
  }

  @Operation('reissueFactor')
  @Header('Cache-Control', 'no-store')
  reissueFactor(
    @CurrentCaller() caller: Caller,
    @IdempotencyKey() key: string | undefined,
    @Input() input: InputOf<'reissueFactor'>,
  ): Promise<CreatedEnrollment> {
    return this.changes.reissueFactor(caller, key, input);
  }

  @Operation('listEnrollments')
  list(
    @CurrentCaller() caller: Caller,
    @Input() { query }: InputOf<'listEnrollments'>,
  ): Promise<{ items: Enrollment[]; nextCursor: string | null }> {
    return this.reading.list(caller, query);
  }

  @Operation('getEnrollment')
  get(@CurrentCaller() caller: Caller, @Input() { params }: InputOf<'getEnrollment'>): Promise<Enrollment> {
    return this.reading.get(caller, params.id);
  }

  @Operation('getEnrollmentSettings')
  getSettings(@CurrentCaller() { workspaceId }: Caller): Promise<EnrollmentSettings> {
    return this.settings.get(workspaceId);
  }

  @Operation('putEnrollmentSettings')
  putSettings(
    @CurrentCaller() caller: Caller,
    @Input() { body }: InputOf<'putEnrollmentSettings'>,
  ): Promise<EnrollmentSettings> {
    return this.settings.put(caller, body);
  }
}
