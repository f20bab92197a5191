/**
 * Perfect negotiation on one `RTCPeerConnection`; the gateway is the impolite side.
 *
 * Everything that touches descriptions runs one after the other, in order of arrival. An offer of
 * ours is numbered; only the answer of that number meets it. When offers cross, ours is rolled
 * back, theirs is answered, and what ours was for is asked again.
 *
 * ```text
 *            need, when allowed               answer
 *   stable ─────────────────────▶ offered ─────────────▶ stable
 *     │ ▲                            │ rollback: glare ──▶ needed again, after a pause
 *     │ └── answer sent              │           other ──▶ the one who asked is told
 *     └──── offer of theirs ◀────────┘ (ours is rolled back)
 * ```
 */
import type { Candidate, Description, RollbackCode, SipStatus } from "./frames.js";
import type { Environment, Timer } from "./environment.js";
import { Fault } from "./fault.js";

/** What an offer is for. */
export type Purpose = "call.description" | "call.hold" | "call.resume";

/** Why an offer came to nothing, and what the other side said where it was asked. */
export interface Refusal {
  code?: RollbackCode | null;
  sip?: SipStatus | null;
}

/** How descriptions leave. */
export interface Wire {
  describe(purpose: Purpose, description: Description, negotiation: number): Promise<unknown>;
  /** `null`: there are no more. */
  candidate(candidate: Candidate | null): void;
  /** A negotiation is over; what is sent and received may have changed. */
  settled(): void;
  /** Something was refused that nobody waits for. */
  fault(fault: Fault): void;
}

interface Need {
  purpose: Purpose;
  restart: boolean;
  /** The first offer of a call goes out with `call.create` and is not made again by itself. */
  first: boolean;
  waiting: { resolve(): void; reject(fault: Fault): void }[];
}

/** How long the browser's own wish waits after a refusal; each further one doubles it. */
const REFUSED_MS = 1_000;

/** Refusals in a row after which only an explicit wish makes another offer. */
const REFUSALS_MAX = 3;

/** Candidates that may wait for their description. */
const CANDIDATES_MAX = 256;

export class Negotiation {
  readonly pc: RTCPeerConnection;
  readonly #wire: Wire;
  readonly #environment: Environment;
  #next: number;
  #need: Need | undefined;
  #offered: { number: number; need: Need } | undefined;
  #early: string | undefined;
  #allowed = false;
  #closed = false;
  #chain: Promise<unknown> = Promise.resolve();
  #candidates: Candidate[] = [];
  #pause: Timer | undefined;
  #refusals = 0;

  constructor(pc: RTCPeerConnection, wire: Wire, environment: Environment, next = 1) {
    this.pc = pc;
    this.#wire = wire;
    this.#environment = environment;
    this.#next = next;
    pc.onicecandidate = ({ candidate }) => {
      // Firefox ends each section with an empty one; the null at the end of all is what counts.
      if (candidate && candidate.candidate === "") return;
      wire.candidate(candidate ? candidate.toJSON() : null);
    };
    pc.onnegotiationneeded = () => {
      if (!this.#allowed || this.#offered) return;
      if (!this.#refusals) return void this.need("call.description").catch(() => {});
      // A rollback makes the browser ask again at once for what was just refused.
      if (this.#refusals >= REFUSALS_MAX) return;
      this.#merge({ purpose: "call.description", restart: false, first: false, waiting: [] });
      this.#later(REFUSED_MS * 2 ** (this.#refusals - 1));
    };
  }

  /** The number of the next offer. */
  get next(): number {
    return this.#next;
  }

  /** Makes the first offer, which goes out with `call.create` or `call.accept`. */
  offer(): Promise<{ description: Description; negotiation: number }> {
    return this.#run(async () => {
      await this.pc.setLocalDescription();
      const negotiation = this.#next++;
      const need: Need = { purpose: "call.description", restart: false, first: true, waiting: [] };
      this.#offered = { number: negotiation, need };
      return { description: this.#local(), negotiation };
    });
  }

  /** Answers the first offer of theirs; the answer goes out with `call.accept`. */
  answer(offer: Description): Promise<Description> {
    return this.#run(async () => {
      await this.pc.setRemoteDescription(offer as RTCSessionDescriptionInit);
      await this.#addWaiting();
      await this.pc.setLocalDescription();
      return this.#local();
    });
  }

  /** From now on offers may be made: the call is answered. */
  allow(): void {
    this.#allowed = true;
    this.#negotiate();
  }

  /** Asks for a new offer. Resolves when it is answered, rejects when it is refused. */
  need(purpose: Purpose, restart = false): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new Fault("bad_state", "the call is over"));
      this.#merge({ purpose, restart, first: false, waiting: [{ resolve, reject }] });
      this.#negotiate();
    });
  }

  /** A description of theirs, of any type. */
  remote(description: Description, negotiation?: number, why: Refusal = {}): Promise<void> {
    return this.#run(() => {
      switch (description.type) {
        case "offer":
          return this.#takeOffer(description, negotiation);
        case "answer":
        case "pranswer":
          return this.#takeAnswer(description, negotiation);
        case "rollback":
          return this.#takeRollback(negotiation, why);
      }
    });
  }

  /** The call is answered, and the answer came before: an early one becomes the last. */
  settle(): Promise<void> {
    return this.#run(async () => {
      if (this.pc.signalingState !== "have-remote-pranswer" || !this.#early) return;
      await this.#takeAnswer({ type: "answer", sdp: this.#early }, undefined);
    });
  }

  /** A candidate of theirs. */
  candidate(candidate: Candidate): Promise<void> {
    return this.#run(async () => {
      if (!(await this.#add(candidate)) && this.#candidates.length < CANDIDATES_MAX) {
        this.#candidates.push(candidate);
      }
    });
  }

  close(): void {
    this.#closed = true;
    this.#environment.clearTimeout(this.#pause);
    this.pc.onicecandidate = this.pc.onnegotiationneeded = null;
    this.pc.close();
    const over = new Fault("bad_state", "the call is over");
    for (const need of [this.#need, this.#offered?.need]) {
      for (const { reject } of need?.waiting ?? []) reject(over);
    }
    this.#need = this.#offered = undefined;
  }

  // --- ours ---

  #negotiate(): void {
    void this.#run(async () => {
      const need = this.#need;
      if (!need || !this.#allowed || this.#offered || this.pc.signalingState !== "stable") return;
      this.#environment.clearTimeout(this.#pause);
      this.#need = undefined;
      if (need.restart) this.pc.restartIce();
      const number = this.#next++;
      this.#offered = { number, need };
      await this.pc.setLocalDescription();
      void this.#wire
        .describe(need.purpose, this.#local(), number)
        .catch((fault: Fault) => this.#run(() => this.#giveUp(number, fault)));
    }).catch((error: unknown) => this.#drop(error));
  }

  /** The browser itself cannot make the offer. */
  #drop(error: unknown): void {
    const fault = new Fault("bad_description", String(error));
    for (const { reject } of this.#offered?.need.waiting ?? []) reject(fault);
    this.#offered = undefined;
    this.#wire.fault(fault);
  }

  async #giveUp(number: number, fault: Fault): Promise<void> {
    const offered = this.#offered;
    if (!offered || offered.number !== number) return;
    this.#offered = undefined;
    this.#refusals += 1;
    if (this.pc.signalingState === "have-local-offer") {
      await this.pc.setLocalDescription({ type: "rollback" });
    }
    for (const { reject } of offered.need.waiting) reject(fault);
    this.#wire.fault(fault);
    this.#wire.settled();
    this.#negotiate();
  }

  #merge(need: Need): void {
    const old = this.#need;
    if (!old) {
      this.#need = need;
      return;
    }
    // Hold and resume say more than a plain offer; of the two the later one counts.
    if (need.purpose !== "call.description") old.purpose = need.purpose;
    old.restart ||= need.restart;
    old.waiting.push(...need.waiting);
  }

  // --- theirs ---

  async #takeOffer(offer: Description, negotiation: number | undefined): Promise<void> {
    const offered = this.#offered;
    if (offered) {
      this.#offered = undefined;
      this.#again(offered.need);
    }
    try {
      const before = ufragOf(this.pc.currentLocalDescription);
      // In "have-local-offer" this rolls ours back first (RFC 9429 §4.1.10.2).
      await this.pc.setRemoteDescription(offer as RTCSessionDescriptionInit);
      await this.#addWaiting();
      await this.pc.setLocalDescription();
      if (ufragOf(this.pc.localDescription) !== before) this.#restarted();
    } catch (error) {
      if (this.pc.signalingState === "have-remote-offer") {
        await this.pc.setRemoteDescription({ type: "rollback" });
      }
      this.#wire.fault(new Fault("bad_description", `the browser refuses an offer: ${error}`));
      await this.#say({ type: "rollback" }, negotiation);
      return;
    }
    await this.#say(this.#local(), negotiation);
    this.#wire.settled();
    this.#negotiate();
  }

  /** Theirs has restarted ICE: what ours was to do is done. */
  #restarted(): void {
    const need = this.#need;
    if (!need?.restart) return;
    need.restart = false;
    // What the browser wants besides it asks for by itself.
    if (need.purpose !== "call.description") return;
    this.#need = undefined;
    for (const { resolve } of need.waiting) resolve();
  }

  async #takeAnswer(answer: Description, negotiation: number | undefined): Promise<void> {
    const offered = this.#offered;
    const stale = negotiation !== undefined && offered?.number !== negotiation;
    if (!offered || stale || this.pc.signalingState === "stable") return; // Of an old offer.
    try {
      await this.pc.setRemoteDescription(answer as RTCSessionDescriptionInit);
    } catch (error) {
      if (!this.#allowed || !this.pc.currentRemoteDescription) throw error;
      // What was agreed before goes on, and nobody waits for this one.
      const fault = new Fault("bad_answer", `the browser refuses an answer: ${error}`);
      return this.#giveUp(offered.number, fault);
    }
    await this.#addWaiting();
    if (answer.type === "pranswer") {
      this.#early = answer.sdp;
      this.#wire.settled();
      return;
    }
    this.#offered = this.#early = undefined;
    this.#refusals = 0;
    for (const { resolve } of offered.need.waiting) resolve();
    this.#wire.settled();
    this.#negotiate();
  }

  async #takeRollback(negotiation: number | undefined, { code, sip }: Refusal): Promise<void> {
    const offered = this.#offered;
    if (!offered || (negotiation !== undefined && offered.number !== negotiation)) return;
    this.#offered = this.#early = undefined;
    const crossed = !code || code === "glare";
    if (!crossed) this.#refusals += 1;
    if (this.pc.signalingState !== "stable") {
      await this.pc.setLocalDescription({ type: "rollback" });
    }
    if (crossed) {
      this.#again(offered.need);
      // Their offer comes next; where it does not, ask again after a while (RFC 3261 §14.1).
      return this.#later(500 + this.#environment.random() * 2000);
    }
    const said = sip ? `${code} (${sip.status} ${sip.reason})` : code;
    const message = `the other side refused the change: ${said}`;
    const fault = new Fault("bad_description", message, undefined, undefined, sip ?? undefined);
    for (const { reject } of offered.need.waiting) reject(fault);
    this.#wire.fault(fault);
    this.#wire.settled();
  }

  #later(pauseMs: number): void {
    this.#environment.clearTimeout(this.#pause);
    this.#pause = this.#environment.setTimeout(() => this.#negotiate(), pauseMs);
  }

  #again(need: Need): void {
    if (!need.first) this.#merge(need);
  }

  async #say(description: Description, negotiation: number | undefined): Promise<void> {
    const reply = this.#wire.describe("call.description", description, negotiation ?? 1);
    reply.catch((fault: Fault) => this.#wire.fault(fault));
  }

  // --- candidates ---

  /** Whether it is done with: added, or refused for good. */
  async #add(candidate: Candidate): Promise<boolean> {
    const remote = this.pc.remoteDescription;
    if (!remote) return false;
    const generation = candidate.usernameFragment;
    if (generation && !remote.sdp.includes(`a=ice-ufrag:${generation}`)) return false;
    try {
      await this.pc.addIceCandidate({ ...candidate, candidate: candidate.candidate ?? "" });
    } catch {
      // Of a section that is gone, or an end that this browser does not know: nothing is lost.
    }
    return true;
  }

  async #addWaiting(): Promise<void> {
    const waiting = this.#candidates;
    this.#candidates = [];
    for (const candidate of waiting) {
      if (!(await this.#add(candidate))) this.#candidates.push(candidate);
    }
  }

  #local(): Description {
    const { type, sdp } = this.pc.localDescription as RTCSessionDescription;
    return { type, sdp };
  }

  /** One after the other; what comes after the end is not done. */
  #run<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#chain.then(() => {
      if (this.#closed) throw new Fault("bad_state", "the call is over");
      return work();
    });
    this.#chain = run.catch(() => {});
    return run;
  }
}

/** The ICE user name of a description: another one means that ICE has begun anew. */
function ufragOf(description: RTCSessionDescription | null): string | undefined {
  return description?.sdp.match(/a=ice-ufrag:(\S+)/)?.[1];
}
