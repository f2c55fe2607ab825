import { configVariables } from '@signet/platform';
import { configTable } from './config.command.js';

describe('signet config', () => {
  const table = configTable({
    PORT: '9000',
    SIGNET_MASTER_KEYS: 'k1:topsecret',
    DATABASE_URL: 'postgres://someone:hunter2@db/signet',
    REDIS_URL: 'http://topsecret',
  });
  const lineOf = (name: string): string => table.split('\n').find((line) => line.startsWith(`${name} `)) ?? '';

  it('has a line for each variable, with its meaning', () => {
    for (const [name, schema] of Object.entries(configVariables)) {
      expect(schema.description).toBeTruthy();
      expect(lineOf(name)).toContain(schema.description);
    }
  });

  it('shows the value in force beside the default', () => {
    expect(lineOf('PORT')).toMatch(/^PORT\s+9000\s+8080\s/);
  });

  it('prints no secret, right or wrong', () => {
    expect(table).not.toMatch(/topsecret|hunter2/);
    expect(lineOf('SIGNET_MASTER_KEYS')).toContain('[secret]');
    expect(lineOf('REDIS_URL')).toContain('not valid');
  });
});
