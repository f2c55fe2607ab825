export * from './build-url.js';
export * from './choose-target.js';
export * from './explain-target.js';
export * from './off-url.js';
export * from './scan.js';
