import { z } from 'zod';
import {
  ApiKeyPageSchema,
  CreateApiKeySchema,
  CreatedApiKeySchema,
  CreatedWorkspaceSchema,
  CreateWorkspaceSchema,
  WhoamiSchema,
  type Scope,
} from './access.js';
import {
  AnalyticsQuerySchema,
  CodeAnalyticsSchema,
  ListScansQuerySchema,
  ScanPageSchema,
  StreamQuerySchema,
} from './analytics.js';
import { AuditPageSchema, AuditVerificationSchema, ListAuditQuerySchema } from './audit.js';
import {
  CodeHistorySchema,
  CodePageSchema,
  CodeSchema,
  CreateCodeSchema,
  ListCodesQuerySchema,
  QrQuerySchema,
  RevokeSchema,
  UpdateCodeSchema,
} from './codes.js';
import {
  ConfirmedEnrollmentSchema,
  ConfirmEnrollmentSchema,
  CreatedEnrollmentSchema,
  CreateEnrollmentSchema,
  CreateVerificationSchema,
  EnrollmentSchema,
  EnrollmentSettingsSchema,
  FactorSchema,
  FactorsSchema,
  PutSubjectSchema,
  RevokeFactorSchema,
  SubjectNameSchema,
  SubjectSchema,
  VerificationSchema,
} from './mfa.js';
import { PageQuerySchema, UuidSchema } from './primitives.js';
import type { ProblemKind } from './problems.js';

/**
 * One call of the HTTP contract. Controllers bind to it with `@Operation(operations.x)`, the API-key guard reads its
 * scope, the edge parses params, query and body by its schemas, and OpenAPI is generated from it: nothing is said twice.
 */
export interface OperationSpec {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  tag: string;
  summary: string;
  /** `public`: no key (another credential, or none); `any-key`: a key without scopes will do. */
  scope: Scope | 'public' | 'any-key';
  params?: z.ZodObject;
  query?: z.ZodObject;
  body?: z.ZodType;
  status: 200 | 201 | 204;
  answer?: z.ZodType;
  /** Content types of an answer that is not JSON. */
  answerTypes?: readonly string[];
  /** Takes an `Idempotency-Key`: the same key and body get the same answer for 24 h. */
  idempotent?: boolean;
  /** Problems beyond those that every call can have. */
  problems?: readonly ProblemKind[];
}

const byId = z.strictObject({ id: UuidSchema });
const bySubject = z.strictObject({ subject: SubjectNameSchema });

export const operations = {
  whoami: {
    method: 'GET',
    path: '/v1/whoami',
    tag: 'Access',
    summary: 'The key that asks',
    scope: 'any-key',
    status: 200,
    answer: WhoamiSchema,
  },
  createWorkspace: {
    method: 'POST',
    path: '/v1/workspaces',
    tag: 'Access',
    summary: 'Create a workspace with its first admin key',
    scope: 'admin',
    body: CreateWorkspaceSchema,
    status: 201,
    answer: CreatedWorkspaceSchema,
    idempotent: true,
  },
  createApiKey: {
    method: 'POST',
    path: '/v1/api-keys',
    tag: 'Access',
    summary: 'Create an API key; the answer shows it once',
    scope: 'admin',
    body: CreateApiKeySchema,
    status: 201,
    answer: CreatedApiKeySchema,
    idempotent: true,
  },
  listApiKeys: {
    method: 'GET',
    path: '/v1/api-keys',
    tag: 'Access',
    summary: 'List the API keys',
    scope: 'admin',
    query: PageQuerySchema,
    status: 200,
    answer: ApiKeyPageSchema,
    problems: ['invalid-cursor'],
  },
  deleteApiKey: {
    method: 'DELETE',
    path: '/v1/api-keys/{id}',
    tag: 'Access',
    summary: 'Revoke an API key at once',
    scope: 'admin',
    params: byId,
    status: 204,
    problems: ['not-found'],
  },

  createCode: {
    method: 'POST',
    path: '/v1/codes',
    tag: 'Codes',
    summary: 'Issue a dynamic code',
    scope: 'codes:write',
    body: CreateCodeSchema,
    status: 201,
    answer: CodeSchema,
    idempotent: true,
    problems: ['slug-taken', 'slug-reserved', 'target-not-allowed', 'idempotency-conflict'],
  },
  listCodes: {
    method: 'GET',
    path: '/v1/codes',
    tag: 'Codes',
    summary: 'List the codes',
    scope: 'codes:read',
    query: ListCodesQuerySchema,
    status: 200,
    answer: CodePageSchema,
    problems: ['invalid-cursor'],
  },
  getCode: {
    method: 'GET',
    path: '/v1/codes/{id}',
    tag: 'Codes',
    summary: 'Read a code',
    scope: 'codes:read',
    params: byId,
    status: 200,
    answer: CodeSchema,
    problems: ['not-found'],
  },
  updateCode: {
    method: 'PATCH',
    path: '/v1/codes/{id}',
    tag: 'Codes',
    summary: 'Change a code; its QR image stays the same',
    scope: 'codes:write',
    params: byId,
    body: UpdateCodeSchema,
    status: 200,
    answer: CodeSchema,
    problems: ['not-found', 'version-mismatch', 'code-not-editable', 'target-not-allowed'],
  },
  revokeCode: {
    method: 'POST',
    path: '/v1/codes/{id}/revoke',
    tag: 'Codes',
    summary: 'Revoke a code for good, effective before the answer',
    scope: 'codes:write',
    params: byId,
    body: RevokeSchema,
    status: 200,
    answer: CodeSchema,
    problems: ['not-found', 'version-mismatch'],
  },
  codeHistory: {
    method: 'GET',
    path: '/v1/codes/{id}/history',
    tag: 'Codes',
    summary: 'Every version: who, when, what changed',
    scope: 'codes:read',
    params: byId,
    query: PageQuerySchema,
    status: 200,
    answer: CodeHistorySchema,
    problems: ['not-found', 'invalid-cursor'],
  },
  codeQr: {
    method: 'GET',
    path: '/v1/codes/{id}/qr',
    tag: 'Codes',
    summary: 'The QR image of a code',
    scope: 'codes:read',
    params: byId,
    query: QrQuerySchema,
    status: 200,
    answerTypes: ['image/svg+xml', 'image/png'],
    problems: ['not-found', 'contrast-too-low', 'payload-too-long', 'qr-not-shown-again'],
  },

  putSubject: {
    method: 'PUT',
    path: '/v1/subjects/{subject}',
    tag: 'Enrollment',
    summary: "Create or change a subject (the relying party's user)",
    scope: 'enroll:write',
    params: bySubject,
    body: PutSubjectSchema,
    status: 200,
    answer: SubjectSchema,
  },
  getSubject: {
    method: 'GET',
    path: '/v1/subjects/{subject}',
    tag: 'Enrollment',
    summary: 'Read a subject',
    scope: 'enroll:read',
    params: bySubject,
    status: 200,
    answer: SubjectSchema,
    problems: ['not-found'],
  },
  listFactors: {
    method: 'GET',
    path: '/v1/subjects/{subject}/factors',
    tag: 'Enrollment',
    summary: 'The factors of a subject',
    scope: 'enroll:read',
    params: bySubject,
    status: 200,
    answer: FactorsSchema,
    problems: ['not-found'],
  },
  revokeFactor: {
    method: 'POST',
    path: '/v1/factors/{id}/revoke',
    tag: 'Enrollment',
    summary: 'Revoke a factor, effective before the answer',
    scope: 'enroll:write',
    params: byId,
    body: RevokeFactorSchema,
    status: 200,
    answer: FactorSchema,
    problems: ['not-found'],
  },
  getEnrollmentSettings: {
    method: 'GET',
    path: '/v1/settings/enrollment',
    tag: 'Enrollment',
    summary: 'The toggle and the defaults of QR enrollment',
    scope: 'enroll:read',
    status: 200,
    answer: EnrollmentSettingsSchema,
  },
  putEnrollmentSettings: {
    method: 'PUT',
    path: '/v1/settings/enrollment',
    tag: 'Enrollment',
    summary: 'Switch QR enrollment on or off; set issuer and lifetime',
    scope: 'admin',
    body: EnrollmentSettingsSchema,
    status: 200,
    answer: EnrollmentSettingsSchema,
  },
  createEnrollment: {
    method: 'POST',
    path: '/v1/enrollments',
    tag: 'Enrollment',
    summary: 'Begin an enrollment; the secret is shown once',
    scope: 'enroll:write',
    body: CreateEnrollmentSchema,
    status: 201,
    answer: CreatedEnrollmentSchema,
    idempotent: true,
    problems: ['not-found', 'enrollment-disabled', 'enrollment-failed', 'not-supported', 'idempotency-conflict'],
  },
  getEnrollment: {
    method: 'GET',
    path: '/v1/enrollments/{id}',
    tag: 'Enrollment',
    summary: 'Read an enrollment',
    scope: 'enroll:read',
    params: byId,
    status: 200,
    answer: EnrollmentSchema,
    problems: ['not-found'],
  },
  confirmEnrollment: {
    method: 'POST',
    path: '/v1/enrollments/{id}/confirm',
    tag: 'Enrollment',
    summary: 'Confirm with a code of the new factor; the claimToken is the credential',
    scope: 'public',
    params: byId,
    body: ConfirmEnrollmentSchema,
    status: 200,
    answer: ConfirmedEnrollmentSchema,
    problems: ['not-found', 'invalid-code', 'enrollment-failed'],
  },

  createVerification: {
    method: 'POST',
    path: '/v1/verifications',
    tag: 'Verification',
    summary: 'Check a code of a subject',
    scope: 'verify',
    body: CreateVerificationSchema,
    status: 200,
    answer: VerificationSchema,
    idempotent: true,
    problems: ['too-many-attempts', 'idempotency-conflict'],
  },

  codeAnalytics: {
    method: 'GET',
    path: '/v1/analytics/codes/{id}',
    tag: 'Analytics',
    summary: 'Scans of a code',
    scope: 'analytics:read',
    params: byId,
    query: AnalyticsQuerySchema,
    status: 200,
    answer: CodeAnalyticsSchema,
    problems: ['not-found'],
  },
  listScans: {
    method: 'GET',
    path: '/v1/scans',
    tag: 'Analytics',
    summary: 'The raw log of scans, newest first',
    scope: 'analytics:read',
    query: ListScansQuerySchema,
    status: 200,
    answer: ScanPageSchema,
    problems: ['invalid-cursor'],
  },
  stream: {
    method: 'GET',
    path: '/v1/stream',
    tag: 'Analytics',
    summary: 'Live events (SSE); Last-Event-ID resumes',
    scope: 'analytics:read',
    query: StreamQuerySchema,
    status: 200,
    answerTypes: ['text/event-stream'],
  },

  listAudit: {
    method: 'GET',
    path: '/v1/audit',
    tag: 'Audit',
    summary: 'The audit log, newest first',
    scope: 'audit:read',
    query: ListAuditQuerySchema,
    status: 200,
    answer: AuditPageSchema,
    problems: ['invalid-cursor'],
  },
  exportAudit: {
    method: 'GET',
    path: '/v1/audit/export',
    tag: 'Audit',
    summary: 'The whole chain as NDJSON',
    scope: 'audit:read',
    status: 200,
    answerTypes: ['application/x-ndjson'],
  },
  verifyAudit: {
    method: 'GET',
    path: '/v1/audit/verify',
    tag: 'Audit',
    summary: 'Recompute the hash chain',
    scope: 'audit:read',
    status: 200,
    answer: AuditVerificationSchema,
  },
} as const satisfies Record<string, OperationSpec>;

export type OperationName = keyof typeof operations;

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;
/** What `@Input()` hands to the method bound to an operation. */
export type InputOf<Name extends OperationName> = {
  [Part in 'params' | 'query' | 'body']: (typeof operations)[Name] extends Record<Part, infer Schema>
    ? Parsed<Schema>
    : undefined;
};
