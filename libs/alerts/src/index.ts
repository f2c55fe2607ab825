export type { Occurrence } from './alert.js';
export { Alerts } from './alerts.js';
export { alertsMigrations } from './alerts.migrations.js';
export { AlertsModule } from './alerts.module.js';
