/** One call: an `RTCPeerConnection` and what the gateway says of it. */

import type { Connection } from './connection.js';
import type { CallEvent, CallInfo, MediaFlow } from './frames.js';

export type CallPhase = 'calling' | 'ringing' | 'early' | 'incoming' | 'connected' | 'ended';

export interface CallOptions {
  /** Send and receive video, too. */
  video?: boolean;
  /** Media to send; by default the microphone (and camera). */
  stream?: MediaStream;
  account?: string;
  displayName?: string;
}

/** How a call ended. */
export interface Ended { cause: string; by: string; message: string; status?: number }

/** How long a lost path may mend itself before ICE is restarted. */
const RESTART_AFTER_MS = 3000;

/**
 * Events: `state`, `media` (what flows and is held), `track` (remote), `dtmf`, `ended`.
 */
export class Call extends EventTarget {
  /** The local media, once there is any. */
  local: MediaStream | undefined;
  /** The remote media. */
  readonly remote = new MediaStream();
  /** What flows on each section, as the gateway last said. */
  media: MediaFlow[] = [];
  /** How it ended. */
  end: Ended | undefined;
  /** When it was answered. */
  answeredAt: number | undefined;

  pc: RTCPeerConnection | undefined;
  private phase: CallPhase;
  private offers = 0;
  private ownOffer: number | undefined;
  private early: RTCIceCandidateInit[] = [];
  private work: Promise<unknown> = Promise.resolve();
  private restart: ReturnType<typeof setTimeout> | undefined;
  private held = false;
  private ready = false;
  private incoming: Extract<CallEvent, { type: 'call.incoming' }> | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly iceServers: RTCIceServer[],
    readonly id: string,
    readonly direction: 'incoming' | 'outgoing',
    /** The other side: an address. */
    readonly peer: string,
    /** The name of the other side, where it has one. */
    readonly name: string | undefined,
    private readonly options: CallOptions = {},
  ) {
    super();
    this.phase = direction === 'incoming' ? 'incoming' : 'calling';
  }

  get state(): CallPhase { return this.phase; }
  get isHeld(): boolean { return this.held; }
  get isMuted(): boolean { return this.local?.getAudioTracks().every((track) => !track.enabled) ?? false; }
  get hasVideo(): boolean { return (this.local?.getVideoTracks().length ?? 0) > 0; }

  /** Begins an outgoing call. */
  async start(to: string): Promise<void> {
    await this.prepare(this.options.video ?? false);
    const description = await this.offer();
    const { account, displayName } = this.options;
    await this.connection.request({
      type: 'call.create', call: this.id, to, description,
      ...(account === undefined ? {} : { account }),
      ...(displayName === undefined ? {} : { display_name: displayName }),
    });
    this.ready = true;
    this.sendEarly();
  }

  /** Takes an incoming call. */
  async accept(options: { video?: boolean; stream?: MediaStream } = {}): Promise<void> {
    const invitation = this.incoming;
    if (!invitation) throw new Error('there is no call to accept');
    Object.assign(this.options, options);
    await this.prepare(options.video ?? false);
    const pc = this.peerConnection();
    let description: RTCSessionDescriptionInit;
    if (invitation.need === 'answer' && invitation.description) {
      await pc.setRemoteDescription(invitation.description);
      await this.addEarly();
      await pc.setLocalDescription(await pc.createAnswer());
      description = plain(pc.localDescription);
    } else {
      description = await this.offer();
    }
    this.ready = true;
    const negotiation = invitation.negotiation ?? this.ownOffer;
    await this.connection.request({
      type: 'call.accept', call: this.id, description,
      ...(negotiation === undefined ? {} : { negotiation }),
    });
    this.sendEarly();
  }

  /** Does not take an incoming call. */
  async reject(cause: 'busy' | 'declined' | 'unavailable' = 'declined'): Promise<void> {
    await this.connection.request({ type: 'call.reject', call: this.id, cause });
  }

  /** Hangs up. */
  async hangUp(): Promise<void> {
    if (this.phase !== 'ended') await this.connection.request({ type: 'call.end', call: this.id });
  }

  /** The microphone off or on. Nothing is signaled. */
  mute(muted: boolean): void {
    for (const track of this.local?.getAudioTracks() ?? []) track.enabled = !muted;
    this.changed();
  }

  /** Holds: sends and takes nothing until {@link resume}. */
  hold(): Promise<void> { return this.direct(true); }

  /** Ends the hold. */
  resume(): Promise<void> { return this.direct(false); }

  /** Presses keys: in the sound where the other side takes that, else by signaling. */
  async dtmf(digits: string): Promise<void> {
    const sender = this.pc?.getSenders().find((one) => one.track?.kind === 'audio');
    if (sender?.dtmf?.canInsertDTMF) sender.dtmf.insertDTMF(digits, 160, 70);
    else await this.connection.request({ type: 'call.dtmf', call: this.id, digits });
  }

  /** New ICE credentials and candidates: after the network has changed. */
  async restartIce(): Promise<void> {
    if (this.phase !== 'connected' || !this.pc) return;
    this.pc.restartIce();
    await this.renegotiate('call.description');
  }

  /** Adds the camera. */
  async addVideo(stream?: MediaStream): Promise<void> {
    const media = stream ?? (await navigator.mediaDevices.getUserMedia({ video: true }));
    const track = media.getVideoTracks()[0];
    if (!track) return;
    this.local?.addTrack(track);
    const pc = this.peerConnection();
    const idle = pc.getTransceivers().find((one) => one.receiver.track.kind === 'video' && !one.sender.track && one.direction !== 'stopped');
    if (idle) {
      await idle.sender.replaceTrack(track);
      idle.direction = 'sendrecv';
    } else {
      pc.addTrack(track, this.local ?? media);
    }
    await this.renegotiate('call.description');
    this.changed();
  }

  /** Takes the camera out. */
  async removeVideo(): Promise<void> {
    const pc = this.peerConnection();
    for (const transceiver of pc.getTransceivers()) {
      const track = transceiver.sender.track;
      if (track?.kind !== 'video') continue;
      track.stop();
      this.local?.removeTrack(track);
      await transceiver.sender.replaceTrack(null);
      transceiver.direction = 'recvonly';
    }
    await this.renegotiate('call.description');
    this.changed();
  }

  /** @internal Takes an event of the gateway, one after the other. */
  receive(event: CallEvent): void {
    this.work = this.work.then(() => this.handle(event)).catch((error: unknown) => {
      this.dispatchEvent(new CustomEvent('error', { detail: error }));
    });
  }

  /** @internal A page that was reloaded goes on with this call: new ICE, new DTLS, a full offer. */
  async rejoin(info: CallInfo): Promise<void> {
    if (info.state !== 'established') return;
    this.enter('connected');
    this.answeredAt ??= Date.now();
    await this.prepare(false);
    this.ready = true;
    await this.renegotiate('call.description');
  }

  private async handle(event: CallEvent): Promise<void> {
    const pc = this.pc;
    switch (event.type) {
      case 'call.incoming':
        this.incoming = event;
        await this.connection.request({ type: 'call.ring', call: this.id }).catch(() => undefined);
        return;
      case 'call.ringing':
        if (this.phase === 'calling') this.enter('ringing');
        return;
      case 'call.progress':
        if (pc) {
          await pc.setRemoteDescription({ type: 'pranswer', sdp: event.description.sdp ?? '' });
          await this.addEarly();
          this.enter('early');
        }
        return;
      case 'call.accepted':
        this.answeredAt = Date.now();
        if (event.description) await this.described(event.description, event.negotiation);
        this.enter('connected');
        return;
      case 'call.description':
        await this.described(event.description, event.negotiation);
        return;
      case 'call.offer_requested':
        await this.renegotiate('call.description');
        return;
      case 'call.candidate':
        if (pc?.remoteDescription) await pc.addIceCandidate(event.candidate).catch(() => undefined);
        else this.early.push(event.candidate);
        return;
      case 'call.media':
        this.media = event.media;
        this.dispatchEvent(new CustomEvent('media', { detail: event.media }));
        this.changed();
        return;
      case 'call.dtmf':
        this.dispatchEvent(new CustomEvent('dtmf', { detail: event.digit }));
        return;
      case 'call.ended':
        this.finish({ cause: event.cause, by: event.by, message: event.message, ...(event.sip ? { status: event.sip.status } : {}) });
    }
  }

  private async described(description: RTCSessionDescriptionInit, negotiation?: number): Promise<void> {
    const pc = this.peerConnection();
    if (description.type === 'rollback') {
      if (pc.signalingState === 'have-local-offer') await pc.setLocalDescription({ type: 'rollback' });
      else if (pc.signalingState === 'have-remote-offer') await pc.setRemoteDescription({ type: 'rollback' });
      this.ownOffer = undefined;
      return;
    }
    if (description.type !== 'offer') {
      if (pc.signalingState === 'stable') return; // It answers an offer that was taken back.
      await pc.setRemoteDescription(description);
      this.ownOffer = undefined;
      return this.addEarly();
    }
    // The gateway is impolite: its offer wins, ours is rolled back.
    await pc.setRemoteDescription(description);
    await this.addEarly();
    if (this.held) this.point();
    await pc.setLocalDescription(await pc.createAnswer());
    this.ready = true;
    await this.connection.request({
      type: 'call.description', call: this.id, description: plain(pc.localDescription),
      ...(negotiation === undefined ? {} : { negotiation }),
    });
    this.sendEarly();
  }

  private async direct(held: boolean): Promise<void> {
    const before = this.held;
    this.held = held;
    this.point();
    try {
      await this.renegotiate(held ? 'call.hold' : 'call.resume');
    } catch (error) {
      this.held = before;
      this.point();
      throw error;
    }
    this.changed();
  }

  /** Directions as the hold wants them. */
  private point(): void {
    for (const transceiver of this.pc?.getTransceivers() ?? []) {
      if (transceiver.direction === 'stopped') continue;
      const sends = transceiver.sender.track !== null;
      if (this.held) transceiver.direction = sends ? 'sendonly' : 'inactive';
      else transceiver.direction = sends ? 'sendrecv' : 'recvonly';
      if (transceiver.sender.track?.kind === 'audio') transceiver.sender.track.enabled = !this.held;
    }
  }

  private async renegotiate(type: 'call.description' | 'call.hold' | 'call.resume'): Promise<void> {
    const pc = this.peerConnection();
    if (pc.signalingState !== 'stable') return;
    const description = await this.offer();
    await this.connection.request({ type, call: this.id, description, negotiation: this.ownOffer ?? 1 });
  }

  private async offer(): Promise<RTCSessionDescriptionInit> {
    const pc = this.peerConnection();
    await pc.setLocalDescription(await pc.createOffer());
    this.ownOffer = ++this.offers;
    return plain(pc.localDescription);
  }

  private async prepare(video: boolean): Promise<void> {
    const stream = this.options.stream ?? (await navigator.mediaDevices.getUserMedia({ audio: true, video }));
    this.local = stream;
    const pc = this.peerConnection();
    for (const track of stream.getTracks()) {
      if (!pc.getSenders().some((sender) => sender.track === track)) pc.addTrack(track, stream);
    }
    this.changed();
  }

  private peerConnection(): RTCPeerConnection {
    if (this.pc) return this.pc;
    const pc = new RTCPeerConnection({ iceServers: this.iceServers, bundlePolicy: 'balanced' });
    this.pc = pc;
    pc.onicecandidate = ({ candidate }) => {
      const init = candidate ? candidate.toJSON() : { candidate: '' };
      if (this.ready) this.connection.tell({ type: 'call.candidate', call: this.id, candidate: init });
      else this.waiting.push(init);
    };
    pc.ontrack = ({ track }) => {
      if (!this.remote.getTracks().includes(track)) this.remote.addTrack(track);
      this.dispatchEvent(new CustomEvent('track', { detail: track }));
    };
    pc.oniceconnectionstatechange = () => {
      clearTimeout(this.restart);
      if (pc.iceConnectionState === 'failed') void this.restartIce();
      else if (pc.iceConnectionState === 'disconnected') {
        this.restart = setTimeout(() => void this.restartIce(), RESTART_AFTER_MS);
      }
      this.changed();
    };
    return pc;
  }

  private waiting: RTCIceCandidateInit[] = [];

  /** What was gathered before the gateway knew the call. */
  private sendEarly(): void {
    for (const candidate of this.waiting.splice(0)) {
      this.connection.tell({ type: 'call.candidate', call: this.id, candidate });
    }
  }

  private async addEarly(): Promise<void> {
    for (const candidate of this.early.splice(0)) {
      await this.pc?.addIceCandidate(candidate).catch(() => undefined);
    }
  }

  private enter(phase: CallPhase): void {
    if (this.phase === 'ended') return;
    this.phase = phase;
    this.changed();
  }

  private changed(): void {
    this.dispatchEvent(new CustomEvent('state', { detail: this.phase }));
  }

  /** @internal The call is over. */
  finish(end: Ended): void {
    if (this.phase === 'ended') return;
    clearTimeout(this.restart);
    this.end = end;
    this.pc?.close();
    if (!this.options.stream) for (const track of this.local?.getTracks() ?? []) track.stop();
    this.enter('ended');
    this.phase = 'ended';
    this.changed();
    this.dispatchEvent(new CustomEvent('ended', { detail: end }));
  }
}

function plain(description: RTCSessionDescription | null): RTCSessionDescriptionInit {
  if (!description) throw new Error('there is no local description');
  return { type: description.type, sdp: description.sdp };
}
