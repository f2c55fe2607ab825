export { FactorEnrollment, type BegunFactor, type Doing } from './factor-enrollment.js';
export { mfaMigrations } from './mfa.migrations.js';
export { otpauthUri, toBase32 } from './otpauth.js';
export type { StoredSubject } from './subject.js';
export { SubjectsModule } from './subjects.module.js';
export { lockSubject, lockSubjectById } from './subjects.sql.js';
export { VerificationModule } from './verification/verification.module.js';
