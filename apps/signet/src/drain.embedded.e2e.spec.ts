import { setTimeout as pause } from 'node:timers/promises';
import { CodeSchema } from '@signet/contracts';
import { KeepAliveClient, startEmbedded } from '@signet/testing';

const CONNECTIONS = 64;
/** The load runs so long before the stop. */
const SCANS_BEFORE = 2000;

describe('a stop under load', () => {
  it('answers every request that was sent, and tells each connection that it ends', async () => {
    const run = await startEmbedded();
    try {
      const create = async (body: object): Promise<string> => {
        const answer = await fetch(`${run.url}/v1/codes`, {
          method: 'POST',
          headers: { authorization: `Bearer ${run.key}`, 'content-type': 'application/json' },
          body: JSON.stringify({ target: { url: 'https://example.org/' }, ...body }),
        });
        return CodeSchema.parse(await answer.json()).slug ?? '';
      };
      const slugs = [await create({}), await create({ maxScans: 1 })];
      const paths = [`/${slugs[0]}`, `/${slugs[1]}`, '/nobody-has-this'];
      const clients = await Promise.all(
        Array.from({ length: CONNECTIONS }, (_, n) =>
          KeepAliveClient.open(run.process.port, paths[n % paths.length] ?? ''),
        ),
      );
      // Connected, and about to send its first request when the stop begins.
      const late = await KeepAliveClient.open(run.process.port, `/${slugs[0]}`);
      const endings = clients.map((client) => client.run());
      const answered = (): number => clients.reduce((sum, { answers }) => sum + answers.length, 0);
      while (answered() < SCANS_BEFORE) await pause(5);
      const exited = run.process.end('SIGTERM');
      while (
        !(await fetch(`${run.url}/healthz`).then(
          () => false,
          () => true,
        ))
      )
        await pause(5);
      endings.push(late.run());
      expect(await Promise.all(endings)).toEqual(endings.map(() => 'told'));
      expect(await exited).toBe(0);
      const statuses = new Set([...clients, late].flatMap(({ answers }) => answers));
      expect([...statuses].toSorted((a, b) => a - b)).toEqual([200, 302, 404]);
    } finally {
      await run.stop();
    }
  });
});
