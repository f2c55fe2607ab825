export * from './claim-arbiter.js';
export { type Claim, type ClaimRefusal, type Decision } from './claims.sql.js';
export * from './code-lifecycle.service.js';
export * from './codes.migrations.js';
export * from './codes.module.js';
export * from './codes.service.js';
export { codeBelongsTo, findEntryByKey } from './codes.sql.js';
export {
  countLabelledCodes,
  findLabelledCodes,
  hashOfCode,
  LABEL_KINDS,
  labelsOfCodes,
  readLabelVersions,
  type Labels,
  type LabelKind,
} from './labelled-codes.sql.js';
export * from './secret-codes.js';
export { type EndedSecret } from './secret-codes.sql.js';
export { codeKey, type KeyDomain } from './slug.js';
