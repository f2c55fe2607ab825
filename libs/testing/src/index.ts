export * from './browser.js';
export * from './decode-qr.js';
export * from './test-database.js';
export * from './test-platform.js';
export * from './service-process.js';
export * from './story/start-distributed.js';
export * from './story/start-embedded.js';
export * from './story/story.js';
