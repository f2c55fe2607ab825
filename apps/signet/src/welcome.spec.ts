import { welcome } from './welcome.js';

const url = 'http://127.0.0.1:8080';
const curls = (text: string): string[] => text.split('\n').filter((line) => line.trimStart().startsWith('curl '));

describe('what a person reads when Signet is ready', () => {
  it('shows a new admin key once, and three lines that work with it as they stand', () => {
    const key = 'sgk_0123456789';
    const text = welcome({ url, version: '1.2.3', adminKey: { from: 'this-start', key } });
    expect(text).toContain(`shown this once:\n\n  ${key}\n`);
    expect(curls(text)).toHaveLength(3);
    for (const line of curls(text)) {
      expect(line).toContain(`Authorization: Bearer ${key}`);
      expect(line).toContain(`${url}/v1/`);
    }
  });

  it.each([
    ['environment', '$SIGNET_BOOTSTRAP_KEY'],
    ['an-earlier-start', '$SIGNET_KEY'],
  ] as const)('names the variable that holds a key from %s, never the key', (from, variable) => {
    const text = welcome({ url, version: '1.2.3', adminKey: { from } });
    for (const line of curls(text)) expect(line).toContain(`Bearer ${variable}`);
  });
});
