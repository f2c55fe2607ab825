export * from './app-links.js';
export * from './brand-directory.js';
export { type Logo, type Site } from './directory.sql.js';
export * from './domain-lookup.js';
export { type CodeDomain } from './domains.sql.js';
export * from './domains.migrations.js';
export * from './domains.module.js';
export * from './site-directory.js';
