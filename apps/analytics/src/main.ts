import { configOrExit, runService } from '@signet/platform';
import { analyticsService } from './analytics.service.js';

const { required = [], defaultPort } = analyticsService;
await runService(configOrExit(required, { PORT: String(defaultPort) }), analyticsService);
