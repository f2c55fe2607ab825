import { version } from '@signet/platform';
import { Command, InvalidArgumentError } from 'commander';
import { printConfig } from './config.command.js';
import { migrate } from './migrate.command.js';
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

await program.parseAsync();

function toPort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new InvalidArgumentError('It must be 1 to 65535.');
  return port;
}
