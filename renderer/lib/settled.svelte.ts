/** What somebody types, once it has stood still for a moment. To be made while a component is set up. */
export class Settled<T> {
  current = $state.raw<T | null>(null);

  constructor(value: () => T, pauseMs: number) {
    $effect(() => {
      const wanted = value();
      const timer = window.setTimeout(() => {
        this.current = wanted;
      }, pauseMs);
      return () => window.clearTimeout(timer);
    });
  }
}
