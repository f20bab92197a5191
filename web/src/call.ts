/**
 * One call: its state, its `RTCPeerConnection`, and what can be done with it.
 *
 * ```text
 *   outgoing   preparing ──▶ calling ──▶ ringing ──▶ early ──┐
 *                               └───────────┴───────────┴────┼──▶ established ──▶ ended
 *   incoming   incoming ──accept()──▶ answering ─────────────┘
 *   any ── end(), or the other side, or the gateway ──▶ ended
 * ```
 *
 * A call that needs nothing to be accepted gets the caller's offer while it is `answering`, and is
 * established by its answer.
 */
import type {
  CallIncoming,
  CallInfo,
  Candidate,
  Description,
  Direction,
  MediaInfo,
  Need,
  RejectCause,
} from "./frames.js";
import type { CallEvent, RequestFrame } from "./protocol.js";
import { local } from "./call-types.js";
import type { CallEnd, CallEvents, CallOptions, CallOrigin, CallState } from "./call-types.js";
import type { Host } from "./call-types.js";
import type { CallMemory, FirstOffer } from "./memory.js";
import { readDetails } from "./details.js";
import type { CallDetails } from "./details.js";
import { Emitter } from "./events.js";
import { Fault } from "./fault.js";
import type { Refusal } from "./negotiation.js";
import { isCause } from "./shapes.js";
import { Leg, stopTracks } from "./leg.js";
import { offers, openMedia, reopenMedia } from "./media.js";
import type { MediaWish } from "./media.js";
import type { PathState } from "./path.js";
import { endWords, mediaWords } from "./words.js";

export class Call extends Emitter<CallEvents> {
  readonly id: string;
  readonly direction: Direction;
  /** The address of the other side. */
  readonly peer: string;
  /** The name to show, where there is one. */
  readonly peerName: string | undefined;
  /** What the other side sends. The same object for the life of the call. */
  readonly remoteStream: MediaStream;
  readonly #host: Host;
  #state: CallState;
  #leg: Leg | undefined;
  #invitation: CallIncoming | undefined;
  #offer: FirstOffer | undefined;
  #waiting: Candidate[] = [];
  #orphan = false;
  #placed = false;
  #held = false;
  #muted = false;
  #media: MediaInfo[] = [];
  #since: number | undefined;
  #end: CallEnd | undefined;

  /** @internal Calls are made by `Crosspoint`. */
  constructor(host: Host, of: CallOrigin) {
    super();
    this.#host = host;
    this.id = of.id;
    this.direction = of.direction;
    this.peer = of.peer;
    this.peerName = of.peerName;
    this.#state = of.state;
    this.remoteStream = host.environment.newStream();
  }

  // --- what a page shows ---

  get state(): CallState {
    return this.#state;
  }

  /** When it was answered, in ms since 1970. */
  get since(): number | undefined {
    return this.#since;
  }

  /** Who holds: this side, the other side. */
  get held(): { here: boolean; there: boolean } {
    const audio = this.#media.filter(({ kind }) => kind === "audio");
    return { here: this.#held, there: audio.length > 0 && audio.every((m) => m.held_there) };
  }

  get muted(): boolean {
    return this.#muted;
  }

  /** What the gateway says that flows, per section. */
  get media(): readonly MediaInfo[] {
    return this.#media;
  }

  /** How the way of sound and pictures stands. */
  get path(): PathState {
    return this.#leg?.path.state ?? "new";
  }

  /** How it ended, once it has. */
  get ending(): CallEnd | undefined {
    return this.#end;
  }

  /** Whether the caller offers video. */
  get offersVideo(): boolean {
    return offers(this.#invitation?.description?.sdp, "video");
  }

  /** Whether the camera is sent. */
  get sendsVideo(): boolean {
    return this.#leg?.sendsVideo ?? false;
  }

  /** Whether pictures of the other side arrive. */
  get receivesVideo(): boolean {
    return this.#leg?.receivesVideo ?? false;
  }

  /** The tracks that this side sends. */
  get localTracks(): readonly MediaStreamTrack[] {
    return this.#leg?.tracks ?? [];
  }

  /** The connection itself, for whoever wants more than this class gives. */
  get peerConnection(): RTCPeerConnection | undefined {
    return this.#leg?.pc;
  }

  /** Resolves when the call is answered; rejects with the {@link CallEnd} when it ends before. */
  established(): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (this.#state === "established") resolve();
        else if (this.#end) reject(this.#end);
        else return;
        stop();
      };
      const stop = this.on("state", look);
      look();
    });
  }

  // --- what a person does ---

  /** Takes an incoming call. Rejects where the microphone cannot be had; the call rings on. */
  async accept(wish: MediaWish = {}): Promise<void> {
    const invitation = this.#invitation;
    if (this.#state !== "incoming" || !invitation) throw misplaced("there is no call to answer");
    this.#set("answering");
    let tracks: MediaStreamTrack[];
    try {
      tracks = await openMedia(wish, this.#host.environment);
    } catch (error) {
      if (!this.#is("ended")) this.#set("incoming");
      throw error;
    }
    if (this.#is("ended")) return stopTracks(tracks);
    const leg = this.#begin(tracks, invitation.need === "offer");
    try {
      const described = await leg.acceptance(invitation);
      this.#keepSlots();
      await this.#host.request({ type: "call.accept", call: this.id, ...described });
    } catch (error) {
      if (this.#is("ended")) return;
      if (!(error instanceof Fault)) {
        this.#tell({ type: "call.reject", call: this.id, cause: "unavailable" });
        this.#finish({ ...local("not_acceptable"), message: String(error) });
        return;
      }
      this.#fail(error);
    }
  }

  /** Turns an incoming call away. */
  reject(cause: RejectCause = "declined"): void {
    if (this.#state !== "incoming" && this.#state !== "answering") return;
    this.#tell({ type: "call.reject", call: this.id, cause });
    this.#finish(local(cause));
  }

  /** Ends the call, whatever it is doing. */
  end(): void {
    switch (this.#state) {
      case "ended":
        return;
      case "incoming":
        return this.reject();
      case "preparing":
        return this.#finish(local("cancelled"));
      case "calling":
      case "ringing":
      case "early":
        this.#tell({ type: "call.end", call: this.id });
        return this.#finish(local("cancelled"));
      case "answering":
      case "established":
        this.#tell({ type: "call.end", call: this.id });
        return this.#finish(local("normal"));
    }
  }

  /** Puts the other side on hold: nothing is sent, nothing is heard. */
  async hold(): Promise<void> {
    await this.#setHeld(true);
  }

  /** Takes the other side back from hold. */
  async resume(): Promise<void> {
    await this.#setHeld(false);
  }

  /** Mutes the microphone, or opens it again. The other side gets silence. */
  mute(muted = true): void {
    this.#muted = muted;
    this.#host.keep(this.id, { muted });
    this.#leg?.mute(muted);
    this.emit("media", this.#media);
  }

  /**
   * Presses keys: `0`–`9`, `*`, `#`, `A`–`D`. As RTP events where the other side takes them, else
   * through the gateway (SIP INFO).
   */
  async dtmf(digits: string, durationMs = 160): Promise<void> {
    const keys = digits.toUpperCase();
    if (!/^[0-9A-D*#]{1,32}$/.test(keys)) {
      throw new Fault("bad_frame", "keys are 0 to 9, *, #, and A to D");
    }
    if (this.#state !== "established" && this.#state !== "early") {
      throw misplaced("keys can be pressed in a call only");
    }
    const duration = Math.min(6000, Math.max(40, durationMs));
    if (this.#leg?.press(keys, duration)) return;
    await this.#host.request({
      type: "call.dtmf",
      call: this.id,
      digits: keys,
      duration_ms: duration,
    });
  }

  /** Looks for a new way for sound and pictures. */
  async restartIce(): Promise<void> {
    await this.#established().negotiation.need("call.description", true);
  }

  /** Sends the camera. */
  async addVideo(
    wish: { video?: MediaTrackConstraints; stream?: MediaStream } = {},
  ): Promise<void> {
    const leg = this.#established();
    if (leg.sendsVideo) return;
    const opened = await openMedia(
      wish.stream ? { stream: wish.stream } : { audio: false, video: wish.video ?? true },
      this.#host.environment,
    );
    const track = opened.find(({ kind }) => kind === "video");
    stopTracks(opened.filter((other) => other !== track));
    if (!track) throw new DOMException("no camera", "NotFoundError");
    if (leg.closed) return stopTracks([track]);
    await leg.addVideo(track);
  }

  /** Sends the camera no more. Pictures of the other side, where there are any, go on. */
  async removeVideo(): Promise<void> {
    await this.#established().removeVideo();
  }

  /** Sends (a copy of) another track of the same kind in place of the one that is sent. */
  async replaceTrack(track: MediaStreamTrack): Promise<void> {
    await this.#established().replaceTrack(track.clone());
  }

  /** Codec, selected pair, round trip, bytes. */
  async details(): Promise<CallDetails | undefined> {
    return this.#leg && readDetails(this.#leg.pc);
  }

  // --- what the client does ---

  /** @internal Opens the microphone and calls. */
  async start(to: string, options: CallOptions): Promise<void> {
    let tracks: MediaStreamTrack[];
    try {
      tracks = await openMedia(options, this.#host.environment);
    } catch (error) {
      const words = mediaWords(error);
      return this.#finish({ cause: "media", by: "local", words, message: String(error) });
    }
    if (this.#is("ended")) return stopTracks(tracks);
    try {
      const leg = this.#open(tracks);
      leg.addTracks(true);
      const { description } = await leg.negotiation.offer();
      this.#set("calling");
      this.#keepSlots();
      this.#host.keep(this.id, { peer: to });
      await this.#host.request({
        type: "call.create",
        call: this.id,
        to,
        description,
        ...(options.account ? { account: options.account } : {}),
        ...(options.displayName ? { display_name: options.displayName } : {}),
        ...(options.headers ? { headers: options.headers } : {}),
      });
      this.#placed = true;
    } catch (error) {
      if (this.#is("ended")) return;
      this.#fail(error instanceof Fault ? error : new Fault("internal", String(error)));
    }
  }

  /** @internal The call as the gateway announced it; again after lost events. */
  invite(invitation: CallIncoming, candidates: Candidate[] = []): void {
    if (this.#state !== "incoming") return;
    this.#invitation = invitation;
    this.#waiting.push(...candidates);
    this.#host.keep(this.id, { incoming: invitation, peer: invitation.from.uri });
  }

  /** @internal Whether the gateway is known to have it. */
  get placed(): boolean {
    return this.#placed || (this.#state !== "preparing" && this.#state !== "calling");
  }

  /** @internal What the caller needs, as announced. */
  get need(): Need | undefined {
    return this.#invitation?.need;
  }

  /** @internal After a lost connection or a reload: what the gateway says is so. */
  restore(info: CallInfo): void {
    const behind = info.state === "established" && this.#state !== "established";
    if (this.#leg && behind && this.#state === "answering" && this.need !== "offer") {
      return this.#accepted(); // Only the word that it is answered was lost.
    }
    if (behind || (info.state === "established" && !this.#leg)) {
      const kept = this.#host.kept(this.id);
      this.#held = kept.held ?? false;
      this.#muted = kept.muted ?? false;
      return void this.#rebuild(kept);
    }
    if (info.state === "established") return;
    if (info.direction === "incoming") {
      // It rings, unless the page before this one has taken it: without a description where
      // something is still needed, else by an offer.
      if (info.state !== "early" || this.#leg) return;
      if (info.need) void this.#retake(info.need);
      else this.#orphaned("answering");
      return;
    }
    if (!this.#leg) this.#orphaned(info.state);
    else if (this.#state !== "established") this.#set(info.state);
  }

  /** @internal The gateway knows nothing of it any more. */
  lose(): void {
    this.#finish({ ...local("timeout"), by: "gateway", message: "the gateway lost the call" });
  }

  /** @internal An event of this call. */
  take(event: CallEvent): void {
    switch (event.type) {
      case "call.incoming":
        return this.invite(event);
      case "call.ringing":
        return this.#state === "calling" ? this.#set("ringing") : undefined;
      case "call.progress":
        if (this.#state === "calling" || this.#state === "ringing") this.#set("early");
        return this.#describe(event.description, event.negotiation);
      case "call.accepted":
        return this.#accepted(event.description, event.negotiation);
      case "call.description":
        if (this.#is("incoming") || this.#is("answering")) {
          return this.#offered(event.description, event.negotiation ?? 1);
        }
        return this.#describe(event.description, event.negotiation, event);
      case "call.offer_requested":
        void this.#leg?.negotiation.need("call.description").catch(() => {});
        return;
      case "call.candidate":
        return this.#candidate(event.candidate);
      case "call.media":
        this.#media = event.media;
        this.emit("media", event.media);
        return;
      case "call.dtmf":
        return this.emit("dtmf", { digit: event.digit, durationMs: event.duration_ms });
      case "call.ended": {
        const { cause, by, message, sip } = event;
        const words = endWords(cause);
        return this.#finish({ cause, by, words, message, ...(sip ? { sip } : {}) });
      }
    }
  }

  // --- inside ---

  #accepted(description?: Description | null, negotiation?: number | null): void {
    if (this.#state === "ended") return;
    this.#establish();
    if (this.#orphan) {
      this.#orphan = false;
      return void this.#rebuild(this.#host.kept(this.id));
    }
    const leg = this.#leg;
    if (!leg) return;
    if (description) this.#describe(description, negotiation);
    else void leg.negotiation.settle().catch((error: unknown) => this.#refuse(error));
    leg.negotiation.allow();
  }

  /** The first offer, of a call that was accepted without one: kept until it is answered. */
  #offered(description: Description, negotiation: number): void {
    if (description.type !== "offer") return; // There is nothing that could be rolled back.
    if (this.#leg && this.#offer?.negotiation === negotiation) return; // Told again: it is answered.
    this.#offer = { description, negotiation };
    this.#host.keep(this.id, { offer: this.#offer });
    if (this.#leg) void this.#answer(this.#leg, this.#offer);
  }

  async #answer(leg: Leg, { description, negotiation }: FirstOffer): Promise<void> {
    try {
      const answer = await leg.negotiation.answer(description);
      this.#keepSlots();
      const type = "call.description";
      await this.#host.request({ type, call: this.id, description: answer, negotiation });
    } catch (error) {
      if (!this.#is("ended")) this.#giveUp(String(error));
    }
  }

  /** After a reload, of a call whose first offer is not answered: a connection for its answer. */
  async #retake(need: Need): Promise<void> {
    this.#set("answering");
    if (need === "answer") this.#offer ??= this.#host.kept(this.id).offer;
    const tracks = await reopenMedia(this.#host.kept(this.id).video, this.#host.environment);
    if (this.#is("ended")) return stopTracks(tracks);
    const leg = this.#begin(tracks, false);
    if (this.#offer) await this.#answer(leg, this.#offer);
  }

  /** The connection that made the offer is gone: when it is answered, a new one takes over. */
  #orphaned(state: CallState): void {
    this.#orphan = true;
    this.#set(state);
  }

  #describe(of: Description, negotiation?: number | null, why: Refusal = {}): void {
    const leg = this.#leg;
    if (!leg) return; // Of the page before a reload; a full new offer follows.
    leg.negotiation
      .remote(of, negotiation ?? undefined, why)
      .catch((error: unknown) => this.#refuse(error));
  }

  /** The browser does not take what the other side says. */
  #refuse(error: unknown): void {
    if (this.#state === "ended") return;
    const fault = new Fault("bad_answer", String(error));
    if (this.#state === "established" && this.#leg?.pc.currentRemoteDescription) {
      return this.emit("fault", fault); // What was agreed before goes on.
    }
    this.#giveUp(fault.message);
  }

  /** There is nothing that both sides could agree on. */
  #giveUp(message: string): void {
    this.#tell({ type: "call.end", call: this.id, cause: "not_acceptable" });
    this.#finish({ ...local("not_acceptable"), message });
  }

  #candidate(candidate: Candidate): void {
    if (this.#is("incoming") || this.#is("answering")) {
      const { candidates = [] } = this.#host.kept(this.id);
      this.#host.keep(this.id, { candidates: [...candidates, candidate] });
      if (!this.#leg) this.#waiting.push(candidate);
    }
    void this.#leg?.negotiation.candidate(candidate).catch(() => {}); // The call is over.
  }

  /** The connection of a call that is taken, with the candidates that came before. */
  #begin(tracks: MediaStreamTrack[], offering: boolean): Leg {
    const leg = this.#open(tracks);
    leg.addTracks(offering);
    for (const candidate of this.#waiting.splice(0)) {
      void leg.negotiation.candidate(candidate).catch(() => {}); // The call is over.
    }
    return leg;
  }

  #open(tracks: MediaStreamTrack[], nextOffer = 1): Leg {
    const { environment } = this.#host;
    const leg: Leg = new Leg(
      environment,
      this.#host.configuration(),
      tracks,
      this.remoteStream,
      {
        describe: (type, description, negotiation) => {
          this.#host.keep(this.id, { negotiation: leg.negotiation.next });
          return this.#host.request({ type, call: this.id, description, negotiation });
        },
        candidate: (candidate) => {
          this.#tell({ type: "call.candidate", call: this.id, candidate });
        },
        changed: (arriving) => {
          this.#keepSlots();
          if (arriving) this.emit("stream", this.remoteStream);
          this.emit("media", this.#media);
        },
        path: (state) => this.emit("path", state),
        fault: (fault) => this.emit("fault", fault),
      },
      nextOffer,
    );
    leg.mute(this.#muted);
    this.#leg = leg;
    return leg;
  }

  /** A new connection for a call that goes on: all its sections, in a full new offer. */
  async #rebuild(kept: CallMemory): Promise<void> {
    this.#establish(kept.since);
    this.#closeLeg();
    const tracks = await reopenMedia(kept.video, this.#host.environment);
    if (this.#is("ended")) return stopTracks(tracks);
    const leg = this.#open(tracks, kept.negotiation ?? 2);
    leg.refill(kept.slots ?? [], this.#held);
    // Offers that the page before left open, its own and the other side's, are taken back first.
    for (let open = 0; open < 2; open += 1) {
      try {
        const description = { type: "rollback" as const };
        await this.#host.request({ type: "call.description", call: this.id, description });
      } catch {
        break; // There is none.
      }
    }
    if (leg.closed) return;
    leg.negotiation.allow();
    const purpose = this.#held ? "call.hold" : "call.description";
    await leg.negotiation.need(purpose).catch((fault: Fault) => this.emit("fault", fault));
  }

  async #setHeld(held: boolean): Promise<void> {
    const leg = this.#established();
    if (this.#held === held) return;
    const note = (held: boolean) => {
      this.#held = held;
      this.#host.keep(this.id, { held });
      this.emit("media", this.#media);
    };
    note(held);
    try {
      await leg.hold(held);
    } catch (error) {
      if (!leg.closed) note(!held);
      throw error;
    }
  }

  #keepSlots(): void {
    const leg = this.#leg;
    if (!leg || this.#state === "ended") return;
    this.#host.keep(this.id, {
      slots: leg.slots(),
      negotiation: leg.negotiation.next,
      video: leg.sendsVideo,
    });
  }

  #establish(since?: number): void {
    this.#since ??= since ?? this.#host.environment.now();
    this.#host.keep(this.id, { since: this.#since });
    this.#set("established");
  }

  #established(): Leg {
    if (this.#state !== "established" || !this.#leg) throw misplaced("the call is not answered");
    return this.#leg;
  }

  /** The gateway refuses the call itself. */
  #fail(fault: Fault): void {
    const { message, words } = fault;
    const cause = isCause(fault.code) ? fault.code : "internal";
    this.#finish({ cause, by: "gateway", words, message });
  }

  #finish(end: CallEnd): void {
    if (this.#state === "ended") return;
    this.#end = end;
    this.#closeLeg();
    this.#set("ended");
    this.emit("ended", end);
    this.#host.over(this);
  }

  #closeLeg(): void {
    this.#leg?.close();
    this.#leg = undefined;
  }

  /** A request whose refusal changes nothing: the call is over, or will be told to be. */
  #tell(frame: RequestFrame): void {
    this.#host.request(frame).catch((fault: Fault) => {
      if (this.#state !== "ended") this.emit("fault", fault);
    });
  }

  #set(state: CallState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.emit("state", state);
  }

  /** As a method, since the state may have changed while something was awaited. */
  #is(state: CallState): boolean {
    return this.#state === state;
  }
}

function misplaced(message: string): Fault {
  return new Fault("bad_state", message);
}
