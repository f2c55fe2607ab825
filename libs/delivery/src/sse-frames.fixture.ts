/** A dispatched event, as an `EventSource` hands it on. */
export interface ReceivedEvent {
  type: string;
  data: string;
  /** The last id that had come by then. */
  id: string;
}

/** Reads an event stream as HTML Living Standard §9.2.6 says: what `EventSource` does, which Node has not. */
export class SseReader {
  readonly events: ReceivedEvent[] = [];
  readonly comments: string[] = [];
  lastEventId = '';
  private rest = '';
  private readonly waiting = new Set<() => void>();

  take(text: string): void {
    const blocks = (this.rest + text).split('\n\n');
    this.rest = blocks.pop() ?? '';
    for (const block of blocks) this.takeBlock(block);
    for (const look of this.waiting) look();
  }

  /** Resolves with the first event, received or to come, that passes. */
  event(passes: (event: ReceivedEvent) => boolean): Promise<ReceivedEvent> {
    return this.until(() => this.events.find(passes));
  }

  /** Resolves when the look finds something. */
  until<Found>(look: () => Found | undefined | false): Promise<Found> {
    return new Promise((resolve) => {
      const attempt = (): void => {
        const found = look();
        if (!found) return;
        this.waiting.delete(attempt);
        resolve(found);
      };
      this.waiting.add(attempt);
      attempt();
    });
  }

  /** Of the types that the log has, without hello and gap. */
  get recorded(): ReceivedEvent[] {
    return this.events.filter(({ type }) => type.includes('.'));
  }

  private takeBlock(block: string): void {
    let type = 'message';
    const data: string[] = [];
    for (const line of block.split('\n')) {
      const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
      if (field === '') this.comments.push(value);
      if (field === 'event') type = value;
      if (field === 'data') data.push(value);
      if (field === 'id') this.lastEventId = value;
    }
    if (data.length > 0) this.events.push({ type, data: data.join('\n'), id: this.lastEventId });
  }
}
