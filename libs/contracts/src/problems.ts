import { z } from 'zod';

/**
 * Every way in which a request can fail: kind → status and title. The kind is the last part of the problem's
 * `type` URN (RFC 9457 §3.1.1) and never changes its meaning.
 */
export const problems = {
  'invalid-request': { status: 422, title: 'The request is not valid' },
  'unreadable-request': { status: 400, title: 'The request cannot be read' },
  'invalid-cursor': { status: 400, title: 'The cursor is not one of ours' },
  'unsupported-media-type': { status: 415, title: 'Content type not supported' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  unauthenticated: { status: 401, title: 'An API key is needed' },
  forbidden: { status: 403, title: 'The API key lacks the scope' },
  'not-found': { status: 404, title: 'Not found' },
  'method-not-allowed': { status: 405, title: 'Method not allowed' },
  'idempotency-conflict': { status: 409, title: 'The Idempotency-Key was used with another request' },
  'host-taken': { status: 409, title: 'The host belongs to a domain already' },
  'domain-in-use': { status: 409, title: 'The domain has codes' },
  'domain-not-verified': { status: 409, title: 'The domain is not shown to be yours yet' },
  'wrong-host': { status: 421, title: 'This host is not served here' },
  'name-taken': { status: 409, title: 'The name is taken' },
  'file-in-use': { status: 409, title: 'The file is given by a code' },
  'storage-full': { status: 507, title: 'There is no room for the file' },
  'slug-taken': { status: 409, title: 'The slug is taken' },
  'slug-reserved': { status: 422, title: 'The slug is reserved' },
  'target-not-allowed': { status: 422, title: 'The target is not allowed' },
  'contrast-too-low': { status: 422, title: 'The colours are too close to be scanned' },
  'payload-too-long': { status: 422, title: 'The content does not fit into a QR code' },
  'version-mismatch': { status: 412, title: 'The record has changed meanwhile' },
  'bulk-refused': { status: 422, title: 'Nothing was changed, because rows were refused' },
  'code-not-editable': { status: 409, title: 'The code can no longer be changed' },
  'alert-resolved': { status: 409, title: 'The alert is resolved' },
  'version-not-restorable': { status: 409, title: 'The version can no longer be restored' },
  'code-unknown': { status: 404, title: 'This code is not known here' },
  'code-revoked': { status: 410, title: 'This code has been revoked' },
  'code-expired': { status: 410, title: 'This code has expired' },
  'code-exhausted': { status: 410, title: 'This code has been used' },
  'code-paused': { status: 410, title: 'This code is switched off' },
  'code-not-active-yet': { status: 425, title: 'This code is not active yet' },
  'password-required': { status: 403, title: 'This code asks for a password' },
  'wrong-password': { status: 403, title: 'The password is wrong' },
  'code-undecided': { status: 503, title: 'This code cannot be checked right now' },
  'qr-not-shown-again': { status: 410, title: 'The QR code of this secret code was shown once' },
  'subject-offboarded': { status: 409, title: 'The subject is offboarded' },
  'enrollment-disabled': { status: 403, title: 'QR enrollment is switched off' },
  'enrollment-active': { status: 409, title: 'The enrollment was confirmed: its factor is active' },
  'enrollment-failed': { status: 410, title: 'The enrollment has ended' },
  'step-up-required': { status: 403, title: 'The subject has a factor: a further one needs a step-up or a reason' },
  'pin-required': { status: 403, title: 'This enrollment asks for a PIN' },
  'wrong-pin': { status: 403, title: 'The PIN is wrong' },
  'invalid-code': { status: 422, title: 'The code is wrong' },
  'app-ignored-parameters': { status: 422, title: 'The authenticator app ignored the parameters' },
  'too-many-attempts': { status: 429, title: 'Too many failed attempts' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  'quota-exceeded': { status: 403, title: 'The quota is used up' },
  'not-supported': { status: 422, title: 'Not supported by this installation' },
  unavailable: { status: 503, title: 'Service unavailable' },
  'internal-error': { status: 500, title: 'Internal error' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemKind = keyof typeof problems;

export const ProblemSchema = z
  .object({
    type: z.string().meta({ examples: ['urn:signet:problem:not-found'] }),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    instance: z.string().optional(),
    requestId: z.string().optional(),
    errors: z
      .array(
        z.object({
          index: z.int().optional().meta({ description: 'of `bulk-refused`: the row, from 0' }),
          path: z.string(),
          message: z.string(),
        }),
      )
      .optional(),
    attemptsLeft: z.int().optional(),
    clockOffSeconds: z
      .int()
      .optional()
      .meta({ description: 'of `invalid-code`: how wrong the clock of the phone is; negative: it is slow' }),
    ignoredParameters: z.string().optional().meta({ description: 'of `app-ignored-parameters`' }),
    limit: z.int().optional().meta({ description: 'of `quota-exceeded`' }),
    used: z.int().optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details' });
export type Problem = z.infer<typeof ProblemSchema>;
