export { ALERT_ACTIONS_GROUP } from './actions/alert-actions.consumer.js';
export { alertActionsMigrations } from './actions/alert-actions.migrations.js';
export { AlertActionsModule } from './actions/alert-actions.module.js';
export { anomaliesMigrations } from './anomalies.migrations.js';
export { AnomaliesModule } from './anomalies.module.js';
export { ANOMALIES_GROUP } from './detector.js';
