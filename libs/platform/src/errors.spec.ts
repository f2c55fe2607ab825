import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Client } from 'pg';
import { isTransient, SignetError } from './errors.js';

const failure = (message: string, code?: string): Error => Object.assign(new Error(message), { code });

describe('isTransient', () => {
  it.each([
    failure('connect ECONNREFUSED 127.0.0.1:5432', 'ECONNREFUSED'),
    failure('terminating connection due to administrator command', '57P01'),
    failure('deadlock detected', '40P01'),
    failure('too many connections', '53300'),
    failure('timeout exceeded when trying to connect'),
    new SignetError('unavailable'),
  ])('takes for passing: $message', (error) => {
    expect(isTransient(error)).toBe(true);
  });

  it.each([
    failure('duplicate key value', '23505'),
    new SignetError('not-found'),
    new TypeError('x is not a function'),
  ])('takes for lasting: $message', (error) => {
    expect(isTransient(error)).toBe(false);
  });

  it('takes a PostgreSQL that hangs for one that may come back', async () => {
    const sockets = new Set<Socket>();
    // Lets in whoever comes (AuthenticationOk, ReadyForQuery), and then says nothing more.
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.once('data', () => socket.write(Buffer.from('5200000008000000005a0000000549', 'hex')));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const client = new Client({ host: '127.0.0.1', port, user: 'u', query_timeout: 20 });
    client.on('error', () => undefined);
    await client.connect();
    const error: unknown = await client.query('SELECT 1').catch((thrown: unknown) => thrown);
    sockets.forEach((socket) => socket.destroy());
    server.close();
    expect(error).toBeInstanceOf(Error);
    expect(isTransient(error)).toBe(true);
  });
});
