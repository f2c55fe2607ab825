import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** `told`: with `Connection: close` on the last answer. */
export type Ending = 'told' | 'lost';

/** One connection that is kept alive, and asks again as soon as it was answered. */
export class KeepAliveClient {
  answers: number[] = [];
  private ending: Ending | undefined;

  private constructor(
    private readonly socket: Socket,
    private readonly request: string,
  ) {}

  static async open(port: number, path: string): Promise<KeepAliveClient> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new KeepAliveClient(socket, `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
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
