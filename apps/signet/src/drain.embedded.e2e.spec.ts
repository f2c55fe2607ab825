import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { CodeSchema } from '@signet/contracts';
import { startEmbedded } from '@signet/testing';

const CONNECTIONS = 64;
/** The load runs so long before the stop. */
const SCANS_BEFORE = 2000;

type Ending = 'told' | 'lost';

/** One connection that is kept alive, and asks again as soon as it was answered. */
class Client {
  answers: number[] = [];
  private ending: Ending | undefined;

  private constructor(
    private readonly socket: Socket,
    private readonly request: string,
  ) {}

  static async open(port: number, path: string): Promise<Client> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Client(socket, `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
  }

  /** Resolves with how the connection ended; asks until it does. */
  run(): Promise<Ending> {
    return new Promise((resolve) => {
      let text = '';
      this.socket.setEncoding('latin1').on('data', (chunk: string) => {
        text += chunk;
        const end = endOfAnswer(text);
        if (end === undefined) return;
        const answer = text.slice(0, end);
        text = text.slice(end);
        this.answers.push(Number(answer.slice(9, 12)));
        if (/^connection: close\r$/im.test(answer)) this.ending = 'told';
        else this.socket.write(this.request);
      });
      this.socket.on('error', () => {});
      this.socket.on('close', () => resolve(this.ending ?? 'lost'));
      this.socket.write(this.request);
    });
  }
}

/** @returns where the first answer ends; undefined while it is not all there */
function endOfAnswer(text: string): number | undefined {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0) return undefined;
  const length = Number(/^content-length: (\d+)\r$/im.exec(text.slice(0, head))?.[1] ?? 0);
  return text.length >= head + 4 + length ? head + 4 + length : undefined;
}

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
        Array.from({ length: CONNECTIONS }, (_, n) => Client.open(run.process.port, paths[n % paths.length] ?? '')),
      );
      // Connected, and about to send its first request when the stop begins.
      const late = await Client.open(run.process.port, `/${slugs[0]}`);
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
