/**
 * The same items, of which the next is made while the one before is in use: what waits for the disk and what needs the
 * processor go on beside each other. One at most is ahead, and an end or a failure comes where it belongs.
 */
export async function* ahead<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item> {
  const iterator = items[Symbol.asyncIterator]();
  let next = iterator.next();
  try {
    for (;;) {
      const { done, value } = await next;
      if (done) return;
      next = iterator.next();
      // Whoever stops reading never asks for it.
      next.catch(() => undefined);
      yield value;
    }
  } finally {
    await iterator.return?.();
  }
}
