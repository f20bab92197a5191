/** The media of one call: its `RTCPeerConnection`, the tracks that it sends, what it receives. */
import type { CallAccept, CallIncoming, Candidate, Description } from "./frames.js";
import type { Environment } from "./environment.js";
import { Fault } from "./fault.js";
import { fillSlots, slotsOf, takesTelephoneEvents } from "./media.js";
import type { Slot } from "./memory.js";
import { Negotiation } from "./negotiation.js";
import type { Purpose } from "./negotiation.js";
import { Path } from "./path.js";
import type { PathState } from "./path.js";

/** What a leg tells its call. */
export interface LegHooks {
  describe(purpose: Purpose, description: Description, negotiation: number): Promise<unknown>;
  candidate(candidate: Candidate | null): void;
  /** A negotiation is over, or tracks came: whether those that arrive are others now. */
  changed(arriving: boolean): void;
  path(state: PathState): void;
  fault(fault: Fault): void;
}

/** The description with which a call is accepted, where one is needed. */
export type Acceptance = Pick<CallAccept, "description" | "negotiation">;

export class Leg {
  readonly pc: RTCPeerConnection;
  readonly negotiation: Negotiation;
  readonly path: Path;
  readonly #environment: Environment;
  readonly #remote: MediaStream;
  #tracks: MediaStreamTrack[];
  #arriving: MediaStreamTrack[] = [];
  #held = false;
  #muted = false;
  #closed = false;

  /** The tracks belong to the leg from now on. `remote` gets what arrives. */
  constructor(
    environment: Environment,
    configuration: RTCConfiguration,
    tracks: MediaStreamTrack[],
    remote: MediaStream,
    hooks: LegHooks,
    nextOffer = 1,
  ) {
    this.#environment = environment;
    this.#tracks = tracks;
    this.#remote = remote;
    this.pc = environment.newPeerConnection(configuration);
    const settled = () => {
      this.#dropDeadTracks();
      hooks.changed(this.#areOthers());
    };
    this.negotiation = new Negotiation(this.pc, { ...hooks, settled }, environment, nextOffer);
    this.path = new Path(
      this.pc,
      environment,
      () => void this.negotiation.need("call.description", true).catch(() => {}),
      () => hooks.path(this.path.state),
    );
    this.pc.ontrack = ({ track }) => {
      if (!remote.getTracks().includes(track)) remote.addTrack(track);
      hooks.changed(this.#areOthers());
    };
  }

  /** The tracks that are sent. */
  get tracks(): readonly MediaStreamTrack[] {
    return this.#tracks;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get sendsVideo(): boolean {
    return this.#tracks.some(({ kind, readyState }) => kind === "video" && readyState === "live");
  }

  get receivesVideo(): boolean {
    return this.pc
      .getTransceivers()
      .some(
        ({ receiver, currentDirection }) =>
          receiver.track.kind === "video" &&
          (currentDirection === "sendrecv" || currentDirection === "recvonly"),
      );
  }

  /** The sections for a first offer or answer. Where nothing is sent, sound is received. */
  addTracks(offering: boolean): void {
    for (const track of this.#tracks) {
      // addTrack, not addTransceiver: only such sections are taken over by an offer that crosses.
      this.pc.addTrack(track, this.#environment.newStream([track]));
    }
    if (offering && this.#tracks.length === 0) {
      this.pc.addTransceiver("audio", { direction: "recvonly" });
    }
    this.#openTracks();
  }

  /** What the acceptance of a call brings. */
  async acceptance({ need, description, negotiation }: CallIncoming): Promise<Acceptance> {
    switch (need) {
      case "offer":
        return this.negotiation.offer();
      case "answer": {
        const answer = await this.negotiation.answer(description ?? { type: "offer" });
        return { description: answer, negotiation: negotiation ?? 1 };
      }
      case "nothing":
        return {}; // The caller's offer comes next.
    }
  }

  /** The sections of the leg that this one replaces. */
  refill(slots: Slot[], held: boolean): void {
    this.#held = held;
    fillSlots(this.pc, slots, this.#tracks, held);
    this.#openTracks();
  }

  slots(): Slot[] {
    return slotsOf(this.pc);
  }

  mute(muted: boolean): void {
    this.#muted = muted;
    this.#openTracks();
  }

  /** Holds or resumes; where that is refused, everything is as before. */
  async hold(held: boolean): Promise<void> {
    const before = this.pc.getTransceivers().map(({ direction }) => direction);
    this.#held = held;
    for (const transceiver of this.pc.getTransceivers()) {
      const direction = turned(transceiver, held);
      if (direction) transceiver.direction = direction;
    }
    this.#openTracks();
    try {
      await this.negotiation.need(held ? "call.hold" : "call.resume");
    } catch (error) {
      if (this.#closed) throw error;
      this.#held = !held;
      this.pc.getTransceivers().forEach((transceiver, at) => {
        const direction = before[at];
        if (direction && transceiver.direction !== "stopped") transceiver.direction = direction;
      });
      this.#openTracks();
      throw error;
    }
  }

  /** Presses keys as RTP events (RFC 4733). False where the other side takes none. */
  press(keys: string, durationMs: number): boolean {
    const senders = this.pc.getSenders();
    const sender = senders.find(({ dtmf, track }) => track?.kind === "audio" && dtmf)?.dtmf;
    if (!sender?.canInsertDTMF) return false;
    if (!takesTelephoneEvents(this.pc.remoteDescription?.sdp)) return false;
    // Keys that are still being sent must not be lost.
    sender.insertDTMF(sender.toneBuffer + keys, durationMs, 70);
    return true;
  }

  /** Sends this camera. */
  async addVideo(track: MediaStreamTrack): Promise<void> {
    const free = this.pc
      .getTransceivers()
      .find(
        ({ receiver, sender, direction }) =>
          receiver.track.kind === "video" && !sender.track && direction !== "stopped",
      );
    if (free) {
      await free.sender.replaceTrack(track);
      free.direction = this.#held ? "sendonly" : "sendrecv";
    } else {
      this.pc.addTrack(track, this.#environment.newStream([track]));
    }
    if (this.#closed) stopTracks([track]);
    else this.#tracks.push(track);
    this.#openTracks();
    await this.negotiation.need("call.description");
    if (this.#tracks.includes(track) || this.#closed) return;
    const words = { what: "The other side takes no video." };
    throw new Fault("unsupported", "the answer has no video", undefined, words);
  }

  /** Sends no camera any more; what is received stays. */
  async removeVideo(): Promise<void> {
    const gone = this.#tracks.filter(({ kind }) => kind === "video");
    if (gone.length === 0) return;
    this.#tracks = this.#tracks.filter(({ kind }) => kind !== "video");
    for (const transceiver of this.pc.getTransceivers()) {
      if (!transceiver.sender.track || !gone.includes(transceiver.sender.track)) continue;
      const receives = transceiver.currentDirection === "sendrecv" && !this.#held;
      await transceiver.sender.replaceTrack(null);
      transceiver.direction = receives ? "recvonly" : "inactive";
    }
    stopTracks(gone);
    await this.negotiation.need("call.description");
  }

  /** Sends this track in place of the one of its kind. */
  async replaceTrack(track: MediaStreamTrack): Promise<void> {
    const sender = this.pc.getSenders().find((sender) => sender.track?.kind === track.kind);
    if (!sender) throw new Fault("bad_state", `no ${track.kind} is sent`);
    const old = this.#tracks.filter((other) => other === sender.track);
    await sender.replaceTrack(track);
    this.#tracks = [...this.#tracks.filter((other) => !old.includes(other)), track];
    stopTracks(old);
    this.#openTracks();
  }

  close(): void {
    this.#closed = true;
    this.path.close();
    this.pc.ontrack = null;
    this.negotiation.close();
    stopTracks(this.#tracks);
    this.#tracks = [];
    for (const track of this.#remote.getTracks()) this.#remote.removeTrack(track);
  }

  #openTracks(): void {
    for (const track of this.#tracks) {
      track.enabled = !this.#held && !(track.kind === "audio" && this.#muted);
    }
  }

  /** Whether other tracks arrive than when this was asked last. */
  #areOthers(): boolean {
    const before = this.#arriving;
    this.#arriving = this.#remote.getTracks();
    return (
      before.length !== this.#arriving.length ||
      before.some((track) => !this.#arriving.includes(track))
    );
  }

  #dropDeadTracks(): void {
    // A section that the other side has turned down is stopped, and what it would send with it;
    // browsers do not even list it any more (webrtc-pc §4.4.1.5).
    const sent = this.pc
      .getTransceivers()
      .filter(
        ({ direction, currentDirection }) =>
          direction !== "stopped" && currentDirection !== "stopped",
      )
      .map(({ sender }) => sender.track);
    const refused = this.#tracks.filter((track) => !sent.includes(track));
    stopTracks(refused);
    this.#tracks = this.#tracks.filter((track) => !refused.includes(track));
    const alive = this.pc.getReceivers().map(({ track }) => track);
    for (const track of this.#remote.getTracks()) {
      if (!alive.includes(track) || track.readyState === "ended") this.#remote.removeTrack(track);
    }
  }
}

export function stopTracks(tracks: readonly MediaStreamTrack[]): void {
  for (const track of tracks) track.stop();
}

/** The direction of a section when hold begins or ends; undefined where it stays. */
function turned(
  { direction, sender }: RTCRtpTransceiver,
  held: boolean,
): RTCRtpTransceiverDirection | undefined {
  if (direction === "stopped") return undefined;
  if (held) {
    if (direction === "sendrecv") return "sendonly";
    return direction === "recvonly" ? "inactive" : undefined;
  }
  if (direction === "sendonly") return "sendrecv";
  return direction === "inactive" ? (sender.track ? "sendrecv" : "recvonly") : undefined;
}
