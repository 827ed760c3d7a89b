// Calls that wait for a disk run in the few threads that Node keeps, and everybody needs those: reads of old segments, syncs of other
// volumes. One disk that takes seconds must not hold all of them. So a volume has a few such calls under way, and the rest of its calls
// wait here. A volume with none under way may always begin one: then somebody else's disks cannot keep it from going on.

export interface VolumeWaitsLimits {
  /** Calls of one volume under way. */
  readonly perVolumeMax: number;
  /** Calls of all volumes, beyond the first of each. */
  readonly inAllMax: number;
}

export class VolumeWaits {
  readonly #limits: VolumeWaitsLimits;
  #inAll = 0;
  readonly #underWay = new Map<number, number>();
  /** In the order they came. */
  readonly #waiting: { readonly volume: number; readonly begin: () => void }[] = [];

  constructor(limits: VolumeWaitsLimits) {
    this.#limits = limits;
  }

  /** Does `work` when its turn has come; the calls of one volume begin in order. */
  async run<T>(volume: number, work: () => Promise<T>): Promise<T> {
    if (!this.#mayBegin(volume)) await this.#turn(volume);
    else this.#begin(volume);
    try {
      return await work();
    } finally {
      this.#end(volume);
    }
  }

  #mayBegin(volume: number): boolean {
    const { perVolumeMax, inAllMax } = this.#limits;
    const underWay = this.#underWay.get(volume) ?? 0;
    return underWay === 0 || (underWay < perVolumeMax && this.#inAll < inAllMax);
  }

  #begin(volume: number): void {
    this.#inAll++;
    this.#underWay.set(volume, (this.#underWay.get(volume) ?? 0) + 1);
  }

  #turn(volume: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ volume, begin: resolve });
    });
  }

  #end(volume: number): void {
    this.#inAll--;
    const left = (this.#underWay.get(volume) ?? 1) - 1;
    if (left === 0) this.#underWay.delete(volume);
    else this.#underWay.set(volume, left);
    this.#beginNext();
  }

  #beginNext(): void {
    for (;;) {
      const index = this.#waiting.findIndex((call) => this.#mayBegin(call.volume));
      const [next] = index < 0 ? [] : this.#waiting.splice(index, 1);
      if (next === undefined) return;
      // Now, so that nobody who comes in between takes its place.
      this.#begin(next.volume);
      next.begin();
    }
  }
}
