import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** A DNS server (RFC 1035 §4) that knows TXT records and nothing else. */
export class TestDns {
  readonly records = new Map<string, string[]>();
  private readonly socket: Socket = createSocket('udp4');

  /** @returns the address for a resolver */
  async start(): Promise<string> {
    this.socket.on('message', (query, { port, address }) => this.socket.send(this.answer(query), port, address));
    this.socket.bind(0, '127.0.0.1');
    await once(this.socket, 'listening');
    return `127.0.0.1:${this.socket.address().port}`;
  }

  async stop(): Promise<void> {
    this.socket.close();
    await once(this.socket, 'close');
  }

  private answer(query: Buffer): Buffer {
    const { name, end } = readName(query);
    const texts = this.records.get(name);
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    // A response with recursion; NXDOMAIN (3) for what is not known.
    header.writeUInt16BE(texts ? 0x8180 : 0x8183, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(texts?.length ?? 0, 6);
    // Of the question only: an OPT record behind it is not answered.
    return Buffer.concat([header, query.subarray(12, end + 4), ...(texts ?? []).map(txtRecord)]);
  }
}

function readName(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('ascii', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}

function txtRecord(text: string): Buffer {
  const data = Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'ascii')]);
  // The name by a pointer to the question; TXT, IN, 60 s.
  const head = Buffer.from('c00c001000010000003c0000', 'hex');
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}
