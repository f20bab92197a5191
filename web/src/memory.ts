/**
 * What a page keeps for itself after a reload: its session, the last event it saw, and of each call
 * what the gateway will not say again.
 */
import type { Candidate, CallIncoming, Description } from "./frames.js";
import type { Store } from "./environment.js";

/** A media section of a call, by its place. */
export interface Slot {
  kind: string;
  direction: RTCRtpTransceiverDirection;
}

/** An offer that came by itself, with its number. */
export interface FirstOffer {
  description: Description;
  negotiation: number;
}

/** What is kept of a call. */
export interface CallMemory {
  /** The frame that announced it, with the offer. */
  incoming?: CallIncoming;
  /** The candidates that came before it was answered. */
  candidates?: Candidate[];
  /** The caller's offer, where it came when the call was accepted. */
  offer?: FirstOffer;
  peer?: string;
  video?: boolean;
  held?: boolean;
  muted?: boolean;
  /** The media sections: a later offer must have them all, in this order. */
  slots?: Slot[];
  /** The number of the next offer. */
  negotiation?: number;
  /** When it was answered, in ms since 1970. */
  since?: number;
}

/** What is kept of a session. */
export interface SessionMemory {
  session: string;
  seq: number;
  calls: Record<string, CallMemory>;
}

/** A session's place in the tab's storage. */
export class Memory {
  readonly #store: Store | undefined;
  readonly #key: string;
  #kept: SessionMemory | undefined;

  constructor(store: Store | undefined, url: string) {
    this.#store = store;
    this.#key = `crosspoint:${url}`;
  }

  /** What the page before this one left. */
  load(): SessionMemory | undefined {
    try {
      const kept: unknown = JSON.parse(this.#store?.getItem(this.#key) ?? "null");
      this.#kept = isMemory(kept) ? kept : undefined;
    } catch {
      this.#kept = undefined; // Not ours, or of another version: begin anew.
    }
    return this.#kept;
  }

  /** Begins to keep a session. */
  begin(session: string, seq: number): void {
    const calls = this.#kept?.session === session ? this.#kept.calls : {};
    this.#kept = { session, seq, calls };
    this.#save();
  }

  /** Notes the last event. */
  saw(seq: number): void {
    if (!this.#kept) return;
    this.#kept.seq = seq;
    this.#save();
  }

  /** What is kept of a call. */
  call(call: string): CallMemory {
    return this.#kept?.calls[call] ?? {};
  }

  /** What is kept of all calls, by id. */
  calls(): [string, CallMemory][] {
    return Object.entries(this.#kept?.calls ?? {});
  }

  /** Keeps more of a call. */
  keep(call: string, more: CallMemory): void {
    if (!this.#kept) return;
    this.#kept.calls[call] = { ...this.#kept.calls[call], ...more };
    this.#save();
  }

  /** Forgets a call. */
  drop(call: string): void {
    if (!this.#kept?.calls[call]) return;
    delete this.#kept.calls[call];
    this.#save();
  }

  /** Forgets the session. */
  forget(): void {
    this.#kept = undefined;
    this.#store?.removeItem(this.#key);
  }

  #save(): void {
    try {
      this.#store?.setItem(this.#key, JSON.stringify(this.#kept));
    } catch {
      // Full: a reload finds an older state, and the gateway's `sync` mends it.
    }
  }
}

function isMemory(value: unknown): value is SessionMemory {
  const kept = value as SessionMemory | null;
  return (
    typeof kept === "object" &&
    kept !== null &&
    typeof kept.session === "string" &&
    Number.isSafeInteger(kept.seq) &&
    typeof kept.calls === "object" &&
    kept.calls !== null
  );
}
