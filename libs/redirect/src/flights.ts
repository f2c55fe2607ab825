interface FlightsOptions<Found> {
  lookUp: (key: string) => Promise<Found>;
  /** Gets what was found, unless its key was forgotten meanwhile. */
  keep: (key: string, found: Found, from: number) => void;
}

/** Look-ups under way; whoever asks meanwhile shares them. */
export class Flights<Found> {
  private readonly flights = new Map<string, Promise<Found>>();

  constructor(private readonly options: FlightsOptions<Found>) {}

  /** @param from when this one was asked for, in milliseconds since the epoch */
  join(key: string, from: number): Promise<Found> {
    return this.flights.get(key) ?? this.start(key, from);
  }

  /** What is found for those who have asked is not kept, and whoever asks from now on has a look-up of their own. */
  forget(key: string): void {
    this.flights.delete(key);
  }

  forgetAll(): void {
    this.flights.clear();
  }

  private start(key: string, from: number): Promise<Found> {
    const flight: Promise<Found> = this.options
      .lookUp(key)
      .then((found) => {
        if (this.flights.get(key) === flight) this.options.keep(key, found, from);
        return found;
      })
      .finally(() => {
        if (this.flights.get(key) === flight) this.flights.delete(key);
      });
    this.flights.set(key, flight);
    return flight;
  }
}
