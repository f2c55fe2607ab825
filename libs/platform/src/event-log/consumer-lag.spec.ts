import { Registry } from '../metrics.js';
import { ConsumerLag } from './consumer-lag.js';

describe('ConsumerLag', () => {
  it('tells each group of a process apart, and leaves out one that cannot be read', async () => {
    const registry = new Registry();
    let isAway = false;
    ConsumerLag.in(registry).observe('counting', async () => 7);
    ConsumerLag.in(registry).observe('telling', async () => {
      if (isAway) throw new Error('away');
      return 0;
    });
    const lags = async (): Promise<string[]> => (await registry.metrics()).match(/^signet_.*$/gm) ?? [];
    expect(await lags()).toEqual(['signet_consumer_lag{group="counting"} 7', 'signet_consumer_lag{group="telling"} 0']);
    isAway = true;
    expect(await lags()).toEqual(['signet_consumer_lag{group="counting"} 7']);
  });
});
