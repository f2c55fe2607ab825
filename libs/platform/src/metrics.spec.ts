import { observedGauge, Registry } from './metrics.js';

describe('observedGauge', () => {
  it('is left out, and says no 0, while it cannot be read', async () => {
    const registry = new Registry();
    let read = (): number => 7;
    observedGauge(registry, 'signet_lag', 'how far behind', () => read());
    expect(await registry.metrics()).toContain('signet_lag 7');
    read = () => {
      throw new Error('away');
    };
    expect(await registry.metrics()).not.toMatch(/^signet_lag /m);
    read = () => 8;
    expect(await registry.metrics()).toContain('signet_lag 8');
  });
});
