import cluster from 'node:cluster';
import { configOrExit, runService, WORKER_NUMBER, WorkerLink } from '@signet/platform';
import { redirectService } from './redirect.service.js';
import { runPrimary } from './primary.js';

const { required = [], defaultPort } = redirectService;
const config = configOrExit(required, { PORT: String(defaultPort) }, { workers: true });
if (config.values.SIGNET_REDIRECT_WORKERS === 1) await runService(config, redirectService);
else if (cluster.isPrimary) await runPrimary(config, redirectService.service);
else {
  const link = new WorkerLink(Number(process.env[WORKER_NUMBER]));
  await runService(config.asWorker(link.number), { ...redirectService, link });
}
