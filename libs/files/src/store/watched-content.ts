/** A content that remembers why it ended early, so that its own failures are not taken for the store's. */
export class WatchedContent {
  private failure: { error: unknown } | undefined;

  constructor(private readonly content: AsyncIterable<Uint8Array>) {}

  async *read(): AsyncGenerator<Uint8Array> {
    try {
      yield* this.content;
    } catch (error) {
      this.failure = { error };
      throw error;
    }
  }

  /** @param thrown by the store; counts only when the content did not fail first @returns what to tell the caller */
  blame(thrown: unknown, ofStore: (error: unknown) => unknown): unknown {
    return this.failure ? this.failure.error : ofStore(thrown);
  }
}
