import { z } from 'zod';
import { InstantSchema, lineSchema, PageQuerySchema, pageSchema, ReasonSchema, UuidSchema } from './primitives.js';
import { ProblemSchema } from './problems.js';

/** The relying party's own user id, as it appears in paths and bodies. */
export const SubjectNameSchema = lineSchema(200);

const LabelsSchema = z.array(lineSchema(100)).max(200);
const MAX_ATTRIBUTES = 50;

/** What a relying party wants to keep of its user beside the fields that Signet knows. Flat and small. */
export const SubjectAttributesSchema = z
  .record(
    z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/, 'must be a letter and up to 63 letters, digits, _ . or -'),
    z.union([lineSchema(500), z.number(), z.boolean()]),
  )
  .refine((attributes) => Object.keys(attributes).length <= MAX_ATTRIBUTES, `must be at most ${MAX_ATTRIBUTES}`);
export type SubjectAttributes = z.output<typeof SubjectAttributesSchema>;

const profile = {
  displayName: lineSchema(200).nullable().optional(),
  email: z.email().max(254).nullable().optional(),
  groups: LabelsSchema.optional(),
  roles: LabelsSchema.optional(),
  attributes: SubjectAttributesSchema.optional(),
};

export const PutSubjectSchema = z.strictObject(profile).meta({ id: 'PutSubject' });
export type PutSubject = z.output<typeof PutSubjectSchema>;

/** `attributes` are merged: one that is null is removed. */
export const UpdateSubjectSchema = z
  .strictObject({
    ...profile,
    attributes: z.record(z.string(), SubjectAttributesSchema.valueType.nullable()).optional(),
    status: z
      .enum(['active', 'suspended'])
      .optional()
      .meta({ description: 'suspended: nothing is verified until it is active again, and nothing is ended' }),
  })
  .meta({ id: 'UpdateSubject' });
export type UpdateSubject = z.output<typeof UpdateSubjectSchema>;

export const SUBJECT_STATUSES = ['active', 'suspended', 'offboarded'] as const;
export type SubjectStatus = (typeof SUBJECT_STATUSES)[number];

export const SubjectSchema = z
  .object({
    id: UuidSchema,
    subject: z.string(),
    displayName: z.string().nullable(),
    email: z.string().nullable(),
    groups: z.array(z.string()),
    roles: z.array(z.string()),
    attributes: SubjectAttributesSchema,
    status: z.enum(SUBJECT_STATUSES),
    version: z.int(),
    createdAt: InstantSchema,
    updatedAt: InstantSchema,
  })
  .meta({ id: 'Subject' });
export type Subject = z.output<typeof SubjectSchema>;
export const SubjectPageSchema = pageSchema(SubjectSchema);

export const ListSubjectsQuerySchema = PageQuerySchema.extend({
  group: lineSchema(100).optional(),
  role: lineSchema(100).optional(),
  status: z.enum(SUBJECT_STATUSES).optional(),
  q: lineSchema(100).optional().meta({ description: 'part of the name, the display name or the e-mail address' }),
});
export type ListSubjectsQuery = z.output<typeof ListSubjectsQuerySchema>;

/** A row of an import. */
export const ImportedSubjectSchema = PutSubjectSchema.extend({ subject: SubjectNameSchema }).meta({
  id: 'ImportedSubject',
});
export type ImportedSubject = z.output<typeof ImportedSubjectSchema>;
export const MAX_IMPORTED_SUBJECTS = 100_000;

/** A line of the answer to an import: what became of the row with that `index`, counted from 0. */
export const SubjectImportResultSchema = z
  .object({
    index: z.int(),
    status: z.enum(['created', 'updated', 'unchanged', 'error']),
    subject: z.string().optional(),
    problem: ProblemSchema.omit({ instance: true, requestId: true }).optional(),
  })
  .meta({ id: 'SubjectImportResult' });
export type SubjectImportResult = z.output<typeof SubjectImportResultSchema>;

export const SubjectReasonSchema = z.strictObject({ reason: ReasonSchema }).meta({ id: 'SubjectReason' });

/** What an offboarding ended; `pending`: a redirect may still follow a code of the subject for a moment. */
export const OffboardedSchema = z
  .object({
    factorsRevoked: z.int(),
    devicesRevoked: z.int(),
    enrollmentsRevoked: z.int(),
    sessionsRevoked: z.int(),
    codesRevoked: z.int(),
    propagation: z.enum(['effective', 'pending']),
  })
  .meta({ id: 'Offboarded' });
export type Offboarded = z.output<typeof OffboardedSchema>;

export const UnlockedSchema = z
  .object({ factorsUnlocked: z.int(), failuresForgotten: z.int() })
  .meta({ id: 'UnlockedSubject' });
export type Unlocked = z.output<typeof UnlockedSchema>;
