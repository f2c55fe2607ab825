import { configOrExit, runService } from '@signet/platform';
import { verificationService } from './verification.service.js';

const { required = [], defaultPort } = verificationService;
await runService(configOrExit(required, { PORT: String(defaultPort) }), verificationService);
