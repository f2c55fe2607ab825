import { configOrExit, runService } from '@signet/platform';
import { redirectService } from './redirect.service.js';

const { required = [], defaultPort } = redirectService;
await runService(configOrExit(required, { PORT: String(defaultPort) }), redirectService);
