import { setTimeout as sleep } from 'node:timers/promises';

type Maybe<Value> = Value | null | undefined | false;

/**
 * Reads again and again until there is something: neither undefined nor null nor false. How long that may take is the
 * test's own limit.
 */
export async function until<Value>(
  read: () => Maybe<Value> | Promise<Maybe<Value>>,
  everyMilliseconds = 5,
): Promise<Value> {
  for (;;) {
    const value = await read();
    if (value !== undefined && value !== null && value !== false) return value;
    await sleep(everyMilliseconds);
  }
}
