export { ErasedSubjects, type NamedSubject } from './erased-subjects.js';
export {
  findErasure,
  forgetName,
  forgetOldHashes,
  insertErasure,
  listErasures,
  markErased,
  nextUnredacted,
  type StoredErasure,
} from './erasures.sql.js';
export { PrivacyModule } from './privacy.module.js';
export { privacyMigrations } from './privacy.migrations.js';
export { SubjectStores, type SubjectOfData, type SubjectRecord, type SubjectStore } from './subject-stores.js';
