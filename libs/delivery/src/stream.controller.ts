import type { InputOf } from '@signet/contracts';
import { CurrentCaller, Input, Operation, type Caller } from '@signet/platform';
import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { StreamService } from './stream.service.js';

@Controller()
export class StreamController {
  constructor(private readonly streams: StreamService) {}

  @Operation('stream')
  async stream(
    @CurrentCaller() caller: Caller,
    @Input() { query }: InputOf<'stream'>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const admitted = await this.streams.admit(caller.workspaceId, query);
    const response = reply.raw;
    if (response.destroyed) return;
    reply.hijack();
    response.writeHead(200, {
      'X-Request-Id': request.id,
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      // nginx would hold events back to fill its buffer.
      'X-Accel-Buffering': 'no',
    });
    if (request.method === 'HEAD') response.end();
    else this.streams.open({ request, response, caller, query, ...admitted });
  }
}
