/** Ringing, made here: no files. */

export class Ringer {
  private context: AudioContext | undefined;
  private timer: ReturnType<typeof setInterval> | undefined;

  /** Rings for an incoming call (`ring`) or lets the caller hear it ring there (`ringback`). */
  start(kind: 'ring' | 'ringback'): void {
    this.stop();
    const context = (this.context ??= new AudioContext());
    void context.resume().catch(() => undefined);
    const once = () => {
      if (kind === 'ring') [0, 0.35].forEach((at) => this.tone(context, [784, 988], at, 0.25, 0.12));
      else this.tone(context, [425], 0, 1, 0.05);
    };
    once();
    this.timer = setInterval(once, kind === 'ring' ? 2200 : 4000);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** The click of a key. */
  key(digit: string): void {
    const rows = '123A456B789C*0#D'.indexOf(digit);
    if (rows < 0) return;
    const context = (this.context ??= new AudioContext());
    const low = [697, 770, 852, 941][Math.floor(rows / 4)] ?? 697;
    const high = [1209, 1336, 1477, 1633][rows % 4] ?? 1209;
    this.tone(context, [low, high], 0, 0.12, 0.05);
  }

  private tone(context: AudioContext, frequencies: number[], after: number, length: number, level: number): void {
    const begin = context.currentTime + after;
    const gain = context.createGain();
    gain.gain.setValueAtTime(0, begin);
    gain.gain.linearRampToValueAtTime(level, begin + 0.02);
    gain.gain.setValueAtTime(level, begin + length - 0.04);
    gain.gain.linearRampToValueAtTime(0, begin + length);
    gain.connect(context.destination);
    for (const frequency of frequencies) {
      const oscillator = context.createOscillator();
      oscillator.frequency.value = frequency;
      oscillator.connect(gain);
      oscillator.start(begin);
      oscillator.stop(begin + length);
    }
  }
}
