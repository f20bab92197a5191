/** Ring and ringback, made on the spot: no files. Also the level of a stream. */

/** A tone, as a telephone makes it. */
interface Pattern {
  hertz: [number, number];
  /** Sound and silence by turns, in seconds; repeated. */
  rhythm: number[];
  loud: number;
}

const patterns = {
  /** For the one who is called: two short trills. */
  ring: { hertz: [520, 660], rhythm: [0.4, 0.2, 0.4, 2], loud: 0.16 },
  /** For the one who calls: a long tone, 440 and 480 Hz. */
  ringback: { hertz: [440, 480], rhythm: [1.6, 3.2], loud: 0.05 },
  busy: { hertz: [480, 620], rhythm: [0.4, 0.4], loud: 0.05 },
} satisfies Record<string, Pattern>;

const keys = "123A456B789C*0#D";
const rows = [697, 770, 852, 941];
const columns = [1209, 1336, 1477, 1633];

/** The sounds of a telephone. Browsers let it speak after the first key or click in the page. */
export class Sounds {
  #context: AudioContext | undefined;
  #stop: (() => void) | undefined;
  #playing: keyof typeof patterns | undefined;

  /** Plays a tone until `quiet()`; another one in its place where one plays. */
  play(name: keyof typeof patterns): void {
    if (this.#playing === name) return;
    this.quiet();
    const context = this.#open();
    if (!context) return;
    this.#playing = name;
    const { hertz, rhythm, loud } = patterns[name];
    const gain = new GainNode(context, { gain: 0 });
    gain.connect(context.destination);
    const voices = hertz.map((frequency) => {
      const voice = new OscillatorNode(context, { frequency });
      voice.connect(gain);
      voice.start();
      return voice;
    });
    const round = rhythm.reduce((sum, part) => sum + part, 0);
    let next = context.currentTime;
    const plan = () => {
      // A few rounds ahead, since timers of hidden pages are late.
      while (next < context.currentTime + 60) {
        let at = next;
        rhythm.forEach((part, index) => {
          if (index % 2 === 0) {
            gain.gain.setValueAtTime(0, at);
            gain.gain.linearRampToValueAtTime(loud, at + 0.02);
            gain.gain.setValueAtTime(loud, at + part - 0.02);
            gain.gain.linearRampToValueAtTime(0, at + part);
          }
          at += part;
        });
        next += round;
      }
    };
    plan();
    const timer = setInterval(plan, 10_000);
    this.#stop = () => {
      clearInterval(timer);
      for (const voice of voices) voice.stop();
      gain.disconnect();
    };
  }

  /** The sound of a key, short. */
  key(digit: string): void {
    const at = keys.indexOf(digit);
    const context = at < 0 ? undefined : this.#open();
    if (!context) return;
    const gain = new GainNode(context, { gain: 0.06 });
    gain.connect(context.destination);
    const now = context.currentTime;
    gain.gain.setValueAtTime(0.06, now + 0.1);
    gain.gain.linearRampToValueAtTime(0, now + 0.13);
    for (const frequency of [rows[Math.floor(at / 4)] ?? 0, columns[at % 4] ?? 0]) {
      const voice = new OscillatorNode(context, { frequency });
      voice.connect(gain);
      voice.start();
      voice.stop(now + 0.15);
    }
  }

  quiet(): void {
    this.#stop?.();
    this.#stop = this.#playing = undefined;
  }

  #open(): AudioContext | undefined {
    if (typeof AudioContext !== "function") return undefined;
    this.#context ??= new AudioContext();
    if (this.#context.state === "suspended") void this.#context.resume();
    return this.#context;
  }
}

/** How loud a stream is, from 0 to 1. */
export class Meter {
  readonly #analyser: AnalyserNode;
  readonly #source: MediaStreamAudioSourceNode;
  readonly #samples: Float32Array<ArrayBuffer>;

  /** `context` is the page's; one serves all meters. */
  constructor(stream: MediaStream, context: AudioContext) {
    this.#source = context.createMediaStreamSource(stream);
    this.#analyser = new AnalyserNode(context, { fftSize: 1024 });
    this.#source.connect(this.#analyser);
    this.#samples = new Float32Array(this.#analyser.fftSize);
  }

  /** Silence is 0, full scale is 1; in between as the ear hears it. */
  level(): number {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    const decibel = 10 * Math.log10(sum / this.#samples.length + 1e-10);
    return Math.min(1, Math.max(0, (decibel + 60) / 60));
  }

  close(): void {
    this.#source.disconnect();
  }
}
