export * from './redirect.module.js';
