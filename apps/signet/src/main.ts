import { version } from '@signet/platform';
import { Command, InvalidArgumentError, Option } from 'commander';
import { verifyAuditFile } from './audit-verify.command.js';
import { printConfig } from './config.command.js';
import { migrate } from './migrate.command.js';
import { rebuildAnalytics, toInstant } from './rebuild-analytics.command.js';
import { rotateKeys } from './rotate-keys.command.js';
import { start } from './start.command.js';

const program = new Command('signet')
  .description('Self-hosted dynamic QR codes that expire, revoke at once and leave a record of every attempt')
  .version(version)
  .showHelpAfterError();

program
  .command('start', { isDefault: true })
  .description('run everything in one process, on embedded stores for whatever has no URL')
  .option('--lan', 'listen on the network address and print a QR, so that a phone can take the tour')
  .option('--port <number>', 'HTTP port (also PORT; default 8080)', toPort)
  .action(start);
program
  .command('migrate')
  .description('bring the database (DATABASE_URL, else the embedded one) to this release')
  .action(migrate);
program
  .command('config')
  .description('print every variable with its value, default and meaning; exit 78 when one is wrong')
  .action(printConfig);

const audit = program.command('audit').description('the audit log');
audit
  .command('verify <file>')
  .description('verify an export (NDJSON) offline; exit 1 when it does not add up')
  .option('--checkpoints <file>', 'signed checkpoints, NDJSON: a copy of audit-checkpoints.ndjson')
  .option('--jwks <file>', 'the keys that signed them: a copy of /.well-known/jwks.json that you trust')
  .action(verifyAuditFile);
program
  .command('analytics')
  .description('what was counted')
  .command('rebuild')
  .description('make the rollups of UTC days anew; the numbers are the same, unless something was wrong')
  .requiredOption('--from <date>', 'the first day', toInstant)
  .addOption(new Option('--to <date>', 'the last day').argParser(toInstant).default(new Date(), 'today'))
  .addOption(
    new Option('--source <source>', 'log: first count what the log took since then and the raw scans lack')
      .choices(['raw', 'log'])
      .default('raw'),
  )
  .action(rebuildAnalytics);
const keys = program.command('keys').description('the key ring');
keys
  .command('rotate')
  .description('seal every secret with the first key of SIGNET_MASTER_KEYS; can be stopped and run again')
  .action(rotateKeys);

await program.parseAsync();

function toPort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new InvalidArgumentError('It must be 1 to 65535.');
  return port;
}
