// A Jingle session as a phone has it: the library's own, and what it does not do by itself: all that
// comes after the session-accept: directions, media that are added and removed, an ICE
// restart by either side. Also, as Conversations has it, candidates with their password, and all of
// them in the first description where the phone gathers first.
//
// The library keeps `senders` by the fixed roles and converts by them; here, too, what both sides
// agreed on is kept by the name of the content, and either description is made from that.

import { Constants, Jingle } from 'stanza';
import {
  convertContentToIntermediate, convertIntermediateToCandidate, convertIntermediateToRequest,
  convertIntermediateToTransport,
} from 'stanza/jingle/sdp/Protocol';
import * as SDP from 'sdp';

const { importFromSDP, exportToSDP } = Jingle;
const { directionToSenders, sendersToDirection } = Constants;
const OUT_OF_ORDER = { condition: 'unexpected-request', jingleError: 'out-of-order', type: 'wait' };
const TIE_BREAK = { condition: 'conflict', jingleError: 'tie-break', type: 'cancel' };

/** Resolves when all candidates are known, or after three seconds. */
function gathered(pc) {
  return new Promise((resolve) => {
    const look = () => pc.iceGatheringState === 'complete' && resolve();
    pc.addEventListener('icegatheringstatechange', look);
    setTimeout(resolve, 3000);
    look();
  });
}

/** A call's session; the page makes it for calls that come in and that go out. */
export class Session extends Jingle.MediaSession {
  constructor(options, { trickle = true, bare = false, camera = null } = {}) {
    super(options);
    // `bare`: as the library sends it; otherwise as Conversations does.
    Object.assign(this, { trickle, bare, camera });
    /** `senders` of each content, and who created it. */
    this.senders = new Map();
    this.creators = new Map();
    /** A restart or a content of ours that waits for its answer. */
    this.restarting = false;
    this.adding = null;
    this.restarts = 0;
  }

  // ---- Descriptions -----------------------------------------------------------------------------

  /** What the peer has described, with what was agreed since; `change` may change its sections. */
  #theirs(type, change = () => {}) {
    const json = importFromSDP(this.pc.currentRemoteDescription.sdp);
    for (const media of json.media) {
      media.direction = sendersToDirection(this.peerRole, this.senders.get(media.mid) ?? 'none');
      // An answer to a new offer keeps the roles of DTLS.
      media.setup = type === 'offer' ? 'actpass' : this.theirSetup;
    }
    change(json);
    const alive = new Set(json.media.filter((m) => m.iceParameters).map((m) => m.mid));
    for (const group of json.groups) group.mids = group.mids.filter((mid) => alive.has(mid));
    json.groups = json.groups.filter((group) => group.mids.length);
    return { type, sdp: exportToSDP(json) };
  }

  /** Takes up what was agreed on: our own connection offers, and the peer's answer is made here. */
  async #renegotiate(change) {
    for (const t of this.pc.getTransceivers()) {
      if (t.mid === null || t.stopped || !this.senders.has(t.mid)) continue;
      t.direction = sendersToDirection(this.role, this.senders.get(t.mid));
    }
    await this.pc.setLocalDescription(await this.pc.createOffer());
    await this.pc.setRemoteDescription(this.#theirs('answer', change));
    await this.processBufferedCandidates();
  }

  /** Remembers what a first description or an added content says. */
  #agree(contents) {
    for (const content of contents) {
      this.senders.set(content.name, content.senders ?? 'both');
      if (content.creator) this.creators.set(content.name, content.creator);
    }
  }

  #creator(name) {
    return this.creators.get(name) ?? 'initiator';
  }

  /** Our description in Jingle: all of it, or the contents `names`. */
  #describe(sdp, names = null) {
    const jingle = convertIntermediateToRequest(importFromSDP(sdp), this.role, this.transportType);
    jingle.contents = jingle.contents.filter((c) => !names || names.includes(c.name));
    if (names) delete jingle.groups;
    for (const content of jingle.contents) {
      content.creator = this.#creator(content.name);
      if (this.bare) continue;
      // Conversations has no candidates for TCP, and leaves out parameters that are a bare value.
      content.transport.candidates = content.transport.candidates
        .filter((c) => c.protocol === 'udp');
      for (const codec of content.application.codecs ?? []) {
        codec.parameters = Object.fromEntries(Object.entries(codec.parameters ?? {})
          .filter(([name, value]) => name && value));
      }
    }
    return jingle;
  }

  /** Our ufrag and pwd alone, of each content that is alive; candidates with the first of them. */
  #credentials(sdp, candidates = []) {
    return importFromSDP(sdp).media.filter((m) => m.iceParameters).map((media, index) => {
      const transport = convertIntermediateToTransport(media, this.transportType);
      delete transport.fingerprints;
      transport.candidates = index === 0 ? candidates : [];
      return { creator: this.#creator(media.mid), name: media.mid, transport };
    });
  }

  // ---- The beginning ----------------------------------------------------------------------------

  async start() {
    if (this.bare && this.trickle) return super.start({});
    this.state = 'pending';
    this.role = 'initiator';
    return this.processLocal('session-initiate', async () => {
      const jingle = await this.#describeOnce(await this.pc.createOffer());
      if (!this.bare) jingle.initiator = this.parent.selfID;
      this.send('session-initiate', jingle);
    });
  }

  async accept() {
    if (this.bare && this.trickle) {
      await super.accept({});
    } else {
      this.state = 'active';
      this.role = 'responder';
      await this.processLocal('session-accept', async () => {
        const jingle = await this.#describeOnce(await this.pc.createAnswer());
        if (!this.bare) jingle.responder = this.parent.selfID;
        await this.processBufferedCandidates();
        this.send('session-accept', jingle);
      });
    }
    this.#accepted();
  }

  async #describeOnce(description) {
    await this.pc.setLocalDescription(description);
    if (!this.trickle) await gathered(this.pc);
    return this.#describe(this.trickle ? description.sdp : this.pc.localDescription.sdp);
  }

  /** Knows from now on what was agreed, and who is active in DTLS. */
  #accepted() {
    for (const media of importFromSDP(this.pc.currentRemoteDescription.sdp).media) {
      if (!media.iceParameters) continue;
      this.theirSetup = media.setup;
      if (media.setup === 'actpass') {
        const own = importFromSDP(this.pc.currentLocalDescription.sdp).media
          .find((m) => m.mid === media.mid);
        this.theirSetup = own.setup === 'active' ? 'passive' : 'active';
      }
      break;
    }
    for (const t of this.pc.getTransceivers()) {
      if (t.mid) this.senders.set(t.mid, directionToSenders(this.role, t.currentDirection));
    }
  }

  /** Does `work`, which gives back an error to answer with, if any, and answers the request. */
  async #answer(cb, work) {
    try {
      cb(await work());
    } catch (error) {
      this._log('error', `A request went wrong: ${error.stack}`);
      cb({ condition: 'general-error' });
    }
  }

  async onSessionInitiate(changes, cb) {
    this.#agree(changes.contents);
    return super.onSessionInitiate(changes, cb);
  }

  async onSessionAccept(changes, cb) {
    const sections = importFromSDP(this.pc.localDescription.sdp).media;
    const at = (name) => sections.findIndex((m) => m.mid === name);
    changes.contents.sort((a, b) => at(a.name) - at(b.name));
    // A content that is left out is turned down, which the library does not know.
    if (sections.some((m) => !changes.contents.some((c) => c.name === m.mid))) {
      await this.#answer(cb, () => this.#acceptedInPart(changes, sections));
    } else {
      await super.onSessionAccept(changes, cb);
    }
    if (this.pc.signalingState === 'stable') this.#accepted();
  }

  async #acceptedInPart(changes, sections) {
    const groups = (changes.groups ?? [])
      .map(({ contents: mids, semantics }) => ({ mids, semantics }));
    const media = sections.map((section) => {
      const content = changes.contents.find((c) => c.name === section.mid);
      return content ? convertContentToIntermediate(content, this.peerRole) : refused(section);
    });
    this.state = 'active';
    await this.pc.setRemoteDescription({ type: 'answer', sdp: exportToSDP({ groups, media }) });
    await this.processBufferedCandidates();
    this.parent.emit('accepted', this, undefined);
  }

  // ---- Candidates -------------------------------------------------------------------------------

  onIceCandidate(event) {
    if (!event.candidate?.candidate || !this.trickle) return;
    if (this.bare) {
      super.onIceCandidate(event);
      return;
    }
    const candidate = SDP.parseCandidate(event.candidate.candidate);
    if (candidate.protocol !== 'udp') return;
    const name = event.candidate.sdpMid;
    const own = importFromSDP(this.pc.localDescription.sdp).media.find((m) => m.mid === name);
    const id = `c${Math.random().toString(36).slice(2, 10)}`;
    this.send('transport-info', {
      contents: [{
        creator: this.#creator(name),
        name,
        transport: {
          candidates: [{
            ...convertIntermediateToCandidate(candidate), generation: 0, id, network: 0,
          }],
          password: own.iceParameters.password,
          transportType: this.transportType,
          usernameFragment: own.iceParameters.usernameFragment,
        },
      }],
    });
  }

  onIceEndOfCandidates() {
    // The library tells the end of its candidates, Conversations does not.
    if (this.bare && this.trickle) super.onIceEndOfCandidates();
  }

  onTransportInfo(changes, cb) {
    return this.#answer(cb, async () => {
      const [first] = changes.contents ?? [];
      if (!first?.transport) return { condition: 'bad-request' };
      const { usernameFragment: ufrag, password, candidates = [] } = first.transport;
      const known = this.pc.currentRemoteDescription
        && importFromSDP(this.pc.currentRemoteDescription.sdp).media
          .find((m) => m.iceParameters)?.iceParameters.usernameFragment;
      if (known && ufrag && password && ufrag !== known) {
        // For Conversations new credentials are an offer without a candidate, an answer with one.
        const offer = this.bare ? !this.restarting : candidates.length === 0;
        const error = await this.#restarted(offer, ufrag, password);
        if (error) return error;
      }
      await this.#candidates(changes);
      return undefined;
    });
  }

  /** Takes new credentials of the peer, an offer or the answer to ours. */
  async #restarted(offer, ufrag, password) {
    if (!offer && !this.restarting) return OUT_OF_ORDER;
    if (offer && this.restarting) {
      if (this.isInitiator) return TIE_BREAK;
      await this.pc.setLocalDescription({ type: 'rollback' });
    }
    this.restarting = false;
    this.restarts += 1;
    await this.pc.setRemoteDescription(this.#theirs(offer ? 'offer' : 'answer', ({ media }) => {
      for (const one of media.filter((m) => m.iceParameters)) {
        one.iceParameters = { usernameFragment: ufrag, password };
        one.candidates = [];
      }
    }));
    if (offer) {
      await this.pc.setLocalDescription(await this.pc.createAnswer());
      if (!this.trickle) await gathered(this.pc);
      const own = importFromSDP(this.pc.localDescription.sdp).media[0];
      const all = this.trickle ? [] : own.candidates.map(convertIntermediateToCandidate);
      // Conversations answers by its first candidate alone.
      if (this.bare || !this.trickle) {
        this.send('transport-info', {
          contents: this.#credentials(this.pc.localDescription.sdp, all),
        });
      }
    }
    await this.processBufferedCandidates();
    return undefined;
  }

  /** Takes the candidates of a transport-info. */
  async #candidates(changes) {
    for (const { name: sdpMid, transport } of changes.contents) {
      for (const json of transport?.candidates ?? []) {
        const candidate = SDP.writeCandidate({
          ...json,
          address: json.ip,
          component: { 1: 'rtp', 2: 'rtcp' }[json.component] ?? json.component,
          usernameFragment: transport.usernameFragment,
        });
        if (this.pc.remoteDescription && this.pc.signalingState === 'stable') {
          await this.pc.addIceCandidate({ sdpMid, candidate })
            .catch((error) => this._log('error', `Could not add a candidate: ${error}`));
        } else {
          this.candidateBuffer.push({ sdpMid, candidate });
        }
      }
    }
  }

  // ---- What comes after the accept --------------------------------------------------------------

  /** Restarts ICE: new credentials and no candidate; candidates follow. */
  restartIce() {
    return this.processLocal('restart-ice', async () => {
      const offer = await this.pc.createOffer({ iceRestart: true });
      this.restarting = true;
      this.send('transport-info', { contents: this.#credentials(offer.sdp) });
      await this.pc.setLocalDescription(offer);
    });
  }

  // The library restarts and ends by itself where it sees no way; here only when told.
  onIceStateChange() {}

  /** Sets `senders` of each content, and tells the peer. */
  modify(senders) {
    return this.processLocal('content-modify', async () => {
      const names = [...this.senders.keys()];
      for (const name of names) this.senders.set(name, senders);
      await this.#renegotiate();
      this.send('content-modify', {
        contents: names.map((name) => ({ creator: this.#creator(name), name, senders })),
      });
    });
  }

  onContentModify(changes, cb) {
    return this.#answer(cb, async () => {
      if (this.state !== 'active') return OUT_OF_ORDER;
      for (const { name, senders } of changes.contents) {
        if (!this.senders.has(name)) return { condition: 'item-not-found' };
        this.senders.set(name, senders ?? 'both');
      }
      await this.#renegotiate();
      return undefined;
    });
  }

  /** Adds a camera; the peer is asked, and `onContentAccept` or `onContentReject` goes on. */
  addVideo(stream) {
    return this.processLocal('content-add', async () => {
      const before = new Set(this.pc.getTransceivers().map((t) => t.mid));
      for (const track of stream.getTracks()) this.pc.addTrack(track, stream);
      const offer = await this.pc.createOffer();
      await this.pc.setLocalDescription(offer);
      const fresh = this.pc.getTransceivers().map((t) => t.mid).filter((mid) => !before.has(mid));
      for (const mid of fresh) this.creators.set(mid, this.role);
      this.adding = fresh;
      this.send('content-add', this.#describe(offer.sdp, fresh));
    });
  }

  /** Goes on with the answer to `addVideo`: `contents` are what was accepted. */
  async #added(contents) {
    const names = this.adding;
    this.adding = null;
    this.#agree(contents);
    const local = importFromSDP(this.pc.localDescription.sdp).media;
    await this.pc.setRemoteDescription(this.#theirs('answer', (json) => {
      for (const own of local.filter((m) => names.includes(m.mid))) {
        const content = contents.find((c) => c.name === own.mid);
        json.media[local.indexOf(own)] = content
          ? this.#joined(json, content, this.theirSetup) : refused(own);
      }
    }));
    await this.processBufferedCandidates();
    for (const t of this.pc.getTransceivers().filter((one) => names.includes(one.mid))) {
      if (t.currentDirection) {
        this.senders.set(t.mid, directionToSenders(this.role, t.currentDirection));
      }
    }
  }

  /** The section of a content that joins `json`; what its transport lacks is the leader's. */
  #joined(json, content, setup) {
    const media = convertContentToIntermediate(content, this.peerRole);
    const leader = json.media.find((m) => m.iceParameters);
    media.iceParameters ??= leader.iceParameters;
    media.dtlsParameters ??= leader.dtlsParameters;
    media.setup = setup;
    json.groups[0]?.mids.push(content.name);
    return media;
  }

  onContentAccept(changes, cb) {
    return this.#answer(cb, () => (this.adding ? this.#added(changes.contents) : OUT_OF_ORDER));
  }

  onContentReject(changes, cb) {
    return this.#answer(cb, () => (this.adding ? this.#added([]) : OUT_OF_ORDER));
  }

  async onContentAdd(changes, cb) {
    if (this.state !== 'active') return cb(OUT_OF_ORDER);
    if (this.adding && this.isInitiator) return cb(TIE_BREAK);
    cb();
    const names = changes.contents.map((c) => c.name);
    if (!this.camera) {
      return this.send('content-reject', {
        contents: changes.contents.map(({ creator, name }) => ({ creator, name })),
        reason: { condition: 'unsupported-applications' },
      });
    }
    this.#agree(changes.contents);
    await this.pc.setRemoteDescription(this.#theirs('offer', (json) => {
      for (const one of changes.contents) json.media.push(this.#joined(json, one, 'actpass'));
    }));
    for (const t of this.pc.getTransceivers().filter((one) => names.includes(one.mid))) {
      await t.sender.replaceTrack(this.camera.getVideoTracks()[0]);
      t.direction = 'sendrecv';
    }
    const answer = await this.pc.createAnswer();
    await this.pc.setLocalDescription(answer);
    const jingle = this.#describe(answer.sdp, names);
    this.#agree(jingle.contents);
    return this.send('content-accept', jingle);
  }

  /** Drops the contents `names`. */
  remove(names) {
    return this.processLocal('content-remove', async () => {
      await this.#drop(names);
      this.send('content-remove', {
        contents: names.map((name) => ({ creator: this.#creator(name), name })),
        reason: { condition: 'success' },
      });
    });
  }

  async #drop(names) {
    for (const t of this.pc.getTransceivers()) if (names.includes(t.mid)) t.stop();
    for (const name of names) this.senders.delete(name);
    await this.#renegotiate((json) => {
      json.media = json.media.map((m) => (names.includes(m.mid) ? refused(m) : m));
    });
  }

  onContentRemove(changes, cb) {
    return this.#answer(cb, async () => {
      const names = changes.contents.map((c) => c.name);
      if (names.some((name) => !this.senders.has(name))) return { condition: 'item-not-found' };
      await this.#drop(names);
      return undefined;
    });
  }

  onSessionTerminate(changes, cb) {
    this.endedBy = 'remote';
    super.onSessionTerminate(changes, cb);
  }

  /** Tells something of the call: `hold`, `active`, `mute` … */
  tell(infoType, more = {}) {
    return this.processLocal(infoType, async () => {
      this.send('session-info', { info: { infoType, ...more } });
    });
  }
}

/** A section with port 0. */
function refused(section) {
  return {
    ...section, iceParameters: undefined, dtlsParameters: undefined, direction: 'inactive',
  };
}
