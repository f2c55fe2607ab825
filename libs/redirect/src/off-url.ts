import type { CodeSnapshot } from '@signet/contracts';
import { offUrlOf } from '@signet/targeting';
import type { FastifyRequest } from 'fastify';
import { prefersJson } from './accept.js';

/** Where a person is led whose code is off; a program is told the reason that it asks for. */
export const offUrlFor = ({ headers }: FastifyRequest, snapshot: CodeSnapshot): CodeSnapshot['offUrl'] =>
  prefersJson(headers.accept) ? undefined : offUrlOf(snapshot);
