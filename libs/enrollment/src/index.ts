export { enrollmentMigrations } from './enrollment.migrations.js';
export { EnrollmentModule } from './enrollment.module.js';
