// A keep-alive connection that costs the load generator least: one request at a time, answers with Content-Length only.
import { connect } from 'node:net';

const END_OF_HEAD = Buffer.from('\r\n\r\n');

/** @returns {{status: number, text: string, length: number} | undefined} undefined while it is not complete */
function answerIn(bytes) {
  const head = bytes.indexOf(END_OF_HEAD);
  if (head < 0) return undefined;
  const fields = bytes.latin1Slice(0, head);
  const [, size] = /\r\ncontent-length: *(\d+)/i.exec(fields) ?? [];
  const length = head + END_OF_HEAD.length + Number(size ?? 0);
  if (bytes.length < length) return undefined;
  return { status: Number(fields.slice(9, 12)), text: bytes.utf8Slice(head + END_OF_HEAD.length, length), length };
}

export class Connection {
  #socket;
  #host;
  #bytes = Buffer.alloc(0);
  #waiting;

  constructor(url) {
    const { hostname, port, host } = new URL(url);
    this.#host = host;
    this.#socket = connect(Number(port), hostname).setNoDelay(true);
    this.#socket.on('data', (chunk) => this.#take(chunk));
    for (const event of ['error', 'close'])
      this.#socket.on(event, (error) => this.#waiting?.reject(error instanceof Error ? error : new Error('closed')));
  }

  /** @returns {Promise<{status: number, text: string}>} */
  send({ method = 'GET', path, headers = {}, body = '' }) {
    const fields = Object.entries({ host: this.#host, ...headers, 'content-length': Buffer.byteLength(body) });
    const head = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(`${method} ${path} HTTP/1.1\r\n${head}\r\n${body}`);
    });
  }

  close() {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #take(chunk) {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const answer = answerIn(this.#bytes);
    if (!answer) return;
    this.#bytes = this.#bytes.subarray(answer.length);
    this.#waiting?.resolve(answer);
  }
}
