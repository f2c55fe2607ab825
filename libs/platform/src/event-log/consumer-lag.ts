import { Gauge, type Registry } from '../metrics.js';

const NAME = 'signet_consumer_lag';

/** How far each group that this process is a member of is behind the log; all of them are one gauge. */
export class ConsumerLag extends Gauge<'group'> {
  private readonly groups = new Map<string, () => Promise<number>>();

  /** That of a registry: the same one for all who ask. */
  static in(registry: Registry): ConsumerLag {
    const known = registry.getSingleMetric(NAME);
    return known instanceof ConsumerLag ? known : new ConsumerLag(registry);
  }

  private constructor(registry: Registry) {
    super({
      name: NAME,
      help: 'Records that a consumer group has not read yet',
      labelNames: ['group'],
      registers: [registry],
      collect: () => this.read(),
    });
  }

  /** @param read the records that the group has not read; one that fails leaves it out of that scrape */
  observe(group: string, read: () => Promise<number>): void {
    this.groups.set(group, read);
  }

  private async read(): Promise<void> {
    const readGroup = async (group: string, read: () => Promise<number>): Promise<void> => {
      try {
        this.set({ group }, await read());
      } catch {
        // No 0, which would say that all is well.
        this.remove({ group });
      }
    };
    await Promise.all(Array.from(this.groups, ([group, read]) => readGroup(group, read)));
  }
}
