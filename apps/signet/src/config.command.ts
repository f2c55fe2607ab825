import { configVariables, loadConfig, Secret } from '@signet/platform';

/** Prints the table of variables for the environment as it is; wrong values are named on stderr by `loadConfig`. */
export function printConfig(): void {
  process.stdout.write(configTable(process.env));
  try {
    loadConfig(process.env, { workers: true });
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 78;
  }
}

/** @returns a table of all variables, one a line: name, value, default, meaning; a secret's value is never in it */
export function configTable(environment: NodeJS.ProcessEnv): string {
  const rows = Object.entries(configVariables).map(([name, schema]) => {
    const text = environment[name];
    const value = text === undefined || text === '' ? '' : show(schema.safeParse(text));
    return [name, value, show(schema.safeParse(undefined)), schema.description ?? ''];
  });
  const table = [['VARIABLE', 'VALUE', 'DEFAULT', 'MEANING'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]): string => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return `${table.map(line).join('\n')}\n`;
}

function show({ success, data }: { success: boolean; data?: unknown }): string {
  if (!success) return 'not valid';
  if (data === undefined) return '';
  return data instanceof Secret
    ? '[secret]'
    : (Array.isArray(data) ? data.join(',') : JSON.stringify(data)).replaceAll('"', '');
}
