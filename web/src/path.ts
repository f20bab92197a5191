/**
 * Watches the way that sound and pictures take, and asks for an ICE restart when it breaks or when
 * the machine has changed networks.
 *
 * ```text
 *   good ──disconnected──▶ doubtful ──3 s──▶ broken ──restart, again after 2, 4 … 30 s──▶ good
 *     │                                        ▲
 *     └──failed────────────────────────────────┘
 * ```
 */
import type { Environment, Timer } from "./environment.js";

/** How the way stands. */
export type PathState = "new" | "connecting" | "connected" | "interrupted" | "failed";

/** How long a way may be quiet before it counts as broken. */
const DOUBT_MS = 3_000;
/** How long the first restart may take; doubled each time. */
const RETRY_MS = 2_000;
const RETRY_MAX_MS = 30_000;
/** Several signs of the same change come together. */
const SETTLE_MS = 400;

export class Path {
  readonly #pc: RTCPeerConnection;
  readonly #environment: Environment;
  readonly #restart: () => void;
  readonly #changed: () => void;
  #timer: Timer | undefined;
  #tries = 0;
  #network: string | undefined;
  readonly #onNetwork = () => {
    // `change` also tells of mere estimates of speed; only another kind of network counts.
    const type = this.#environment.network?.type;
    if (type === this.#network) return;
    this.#network = type;
    if (type !== "none") this.#move();
  };
  readonly #onOnline = () => this.#move();

  constructor(
    pc: RTCPeerConnection,
    environment: Environment,
    restart: () => void,
    changed: () => void,
  ) {
    this.#pc = pc;
    this.#environment = environment;
    this.#restart = restart;
    this.#changed = changed;
    this.#network = environment.network?.type;
    pc.oniceconnectionstatechange = () => this.#look();
    environment.window?.addEventListener("online", this.#onOnline);
    environment.network?.addEventListener("change", this.#onNetwork);
  }

  get state(): PathState {
    switch (this.#pc.iceConnectionState) {
      case "new":
      case "closed":
        return "new";
      case "checking":
        return "connecting";
      case "connected":
      case "completed":
        return "connected";
      case "disconnected":
        return "interrupted";
      case "failed":
        return "failed";
    }
  }

  close(): void {
    this.#environment.clearTimeout(this.#timer);
    this.#pc.oniceconnectionstatechange = null;
    this.#environment.window?.removeEventListener("online", this.#onOnline);
    this.#environment.network?.removeEventListener("change", this.#onNetwork);
  }

  #look(): void {
    switch (this.state) {
      case "connected":
        this.#environment.clearTimeout(this.#timer);
        this.#timer = undefined;
        this.#tries = 0;
        break;
      case "interrupted":
        this.#later(DOUBT_MS);
        break;
      case "failed":
        this.#later(this.#tries === 0 ? 0 : this.#pause());
        break;
      case "new":
      case "connecting":
        break; // Under way; a failure is told.
    }
    this.#changed();
  }

  /** The network is another one: the old way is dead, even if nobody has noticed yet. */
  #move(): void {
    if (this.state === "new") return;
    this.#environment.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#tries = 0;
    this.#later(SETTLE_MS);
  }

  #later(ms: number): void {
    if (this.#timer !== undefined) return;
    this.#timer = this.#environment.setTimeout(() => {
      this.#timer = undefined;
      this.#tries += 1;
      this.#restart();
      // Looked at again, in case nothing comes of it.
      this.#timer = this.#environment.setTimeout(() => {
        this.#timer = undefined;
        if (this.state === "interrupted" || this.state === "failed") this.#later(0);
      }, this.#pause());
    }, ms);
  }

  #pause(): number {
    return Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** Math.max(0, this.#tries - 1));
  }
}
