export * from './evaluate-policies.js';
export { policiesMigrations } from './policies.migrations.js';
export { PoliciesModule } from './policies.module.js';
export { findPolicy, readEffectivePolicies } from './policies.sql.js';
export { requiredSince, type EffectivePolicy } from './policy.js';
export { requiredStepUp } from './step-up.js';
