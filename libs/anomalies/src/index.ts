export { anomaliesMigrations } from './anomalies.migrations.js';
export { AnomaliesModule } from './anomalies.module.js';
export { ANOMALIES_GROUP } from './detector.js';
