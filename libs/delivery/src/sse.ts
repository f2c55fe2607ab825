/** Frames of the event stream format (HTML Living Standard §9.2.6). */

/** @param data any text; its lines arrive joined by `\n` */
export function eventFrame(type: string, data: string): string {
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return `event: ${type}\n${lines.join('')}\n`;
}

/** In front of an event's frame, or alone: then the client takes note of it and hands nothing on. */
export const idLine = (cursor: string): string => `id: ${cursor}\n`;

export const PING = ': ping\n\n';

/** @param milliseconds after which a client that lost its connection tries again */
export const retryLine = (milliseconds: number): string => `retry: ${milliseconds}\n`;
