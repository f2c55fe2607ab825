import { configOrExit, runService } from '@signet/platform';
import { enrollmentService } from './enrollment.service.js';

const { required = [], defaultPort } = enrollmentService;
await runService(configOrExit(required, { PORT: String(defaultPort) }), enrollmentService);
