// A chat user's phone in a page: the library for the stream, its Jingle sessions with what
// `session.js` adds, and proposals. `window.chat` is what the lab orders about.

import * as XMPP from 'stanza';
import { Proposals } from './propose.js';
import { Session } from './session.js';
import { faultsOf } from './strict.js';

const { Constants } = XMPP;
const RTP = 'urn:xmpp:jingle:apps:rtp:1';
const chat = {
  stanzas: [], faults: [], messages: [], receipts: [], presences: [], calls: new Map(), online: 0,
};
window.chat = chat;
let client;
let proposals;
let options;

const bare = (jid) => jid.split('/')[0];
const known = (call) => ['connected', 'ended'].includes(call.state);

/** A call as the lab sees it. */
function record(sid, more) {
  const call = {
    sid, state: 'calling', ringing: false, proposed: false, outgoing: false, held: false,
    heldThere: false, muteThere: [], end: null, session: null, errors: [], ...more,
  };
  chat.calls.set(sid, call);
  return call;
}

/** Ends a call here, once. */
function over(call, by, condition, text) {
  if (call.state === 'ended') return;
  Object.assign(call, { state: 'ended', end: { by, condition: condition ?? null, text } });
}

// ---- Jingle -------------------------------------------------------------------------------------

function makeSession(meta) {
  const call = chat.calls.get(meta.sid);
  return new Session(meta, {
    trickle: call?.trickle ?? options.trickle,
    bare: options.as === 'stanza',
    camera: options.camera ? window.lab.paint(options.camera) : null,
  });
}

function outgoing(call, peer) {
  const manager = client.jingle;
  const session = makeSession({
    config: manager.config.peerConnectionConfig,
    iceServers: manager.iceServers,
    initiator: true,
    parent: manager,
    peerID: peer,
    sid: call.sid,
    applicationTypes: [RTP],
  });
  manager.addSession(session);
  Object.assign(call, { session, peer });
  return session;
}

/** Gives the session its microphone, and its camera if it has one. */
async function sound(call) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  for (const track of stream.getAudioTracks()) await call.session.addTrack(track, stream);
  if (call.video && call.session.camera) {
    for (const track of call.session.camera.getTracks()) {
      await call.session.addTrack(track, call.session.camera);
    }
  }
}

async function initiate(call, peer) {
  outgoing(call, peer);
  await sound(call);
  await call.session.start();
}

async function acceptSession(call) {
  await sound(call);
  await call.session.accept();
  call.state = 'connected';
}

function came(session) {
  let call = chat.calls.get(session.sid);
  if (call?.proposed && call.accepted) {
    Object.assign(call, { session, peer: session.peerID });
    acceptSession(call).catch((error) => call.errors.push(String(error)));
    return;
  }
  if (call) {
    call.errors.push('a session that was not asked for');
    session.end('decline');
    return;
  }
  call = record(session.sid, { state: 'incoming', peer: session.peerID, session });
  if (busy(call)) {
    session.endedBy = 'local';
    session.end('busy');
  } else if (options.rings) session.ring();
}

/** Whether another call makes this phone busy, as it does where `busy` is set. */
function busy(call) {
  return options.busy && [...chat.calls.values()].some((c) => c !== call && c.state !== 'ended');
}

function follow(manager) {
  const take = manager.process.bind(manager);
  manager.process = (request) => {
    if (request.type === 'error') {
      const call = chat.calls.get(request.jingle?.sid);
      const action = request.jingle?.action;
      const condition = request.error?.condition;
      call?.errors.push(`${action}: ${condition} ${request.error?.jingleError ?? ''}`.trim());
      // The library leaves a session that was refused as it is.
      if (call?.session && action === 'session-initiate' && !known(call)) {
        over(call, 'error', condition);
        call.session.end('general-error', true);
        return;
      }
    }
    take(request);
  };
  manager.prepareSession = (meta) => makeSession(meta);
  manager.on('incoming', came);
  manager.on('accepted', (session) => {
    const call = chat.calls.get(session.sid);
    if (call && call.state !== 'ended') call.state = 'connected';
  });
  manager.on('ringing', (session) => {
    const call = chat.calls.get(session.sid);
    call.ringing = true;
    if (call.state === 'calling') call.state = 'ringing';
  });
  manager.on('hold', (session) => { chat.calls.get(session.sid).heldThere = true; });
  manager.on('resumed', (session) => { chat.calls.get(session.sid).heldThere = false; });
  manager.on('mute', (session, info) => {
    chat.calls.get(session.sid).muteThere.push(info.name ?? '*');
  });
  manager.on('unmute', (session) => { chat.calls.get(session.sid).muteThere = []; });
  manager.on('terminated', (session, reason) => {
    const call = chat.calls.get(session.sid);
    if (call) over(call, session.endedBy ?? 'lost', reason?.condition, reason?.text);
  });
  manager.on('log', (level, message, ...more) => {
    if (level === 'error') console.error(message, ...more.map(String));
  });
}

// ---- Proposals ----------------------------------------------------------------------------------

/** What to do with each message of a proposal. */
const told = {
  propose(call, { sid, from, media, to }) {
    if (call || bare(from) === bare(client.jid)) return;
    const fresh = record(sid, {
      state: 'incoming', proposed: true, peer: from, media, to, video: media.includes('video'),
    });
    if (busy(fresh)) {
      proposals.send({ to: from, action: 'reject', sid, reason: 'busy' });
      over(fresh, 'local', 'busy');
    } else if (options.rings) proposals.send({ to: from, action: 'ringing', sid });
  },
  ringing(call, { from }) {
    call.ringing = true;
    call.ringers = [...new Set([...(call.ringers ?? []), from])];
    if (call.state === 'calling') call.state = 'ringing';
  },
  proceed(call, { from }) {
    if (!call.outgoing || call.session || call.state === 'ended') return;
    call.proceeded = from;
    if (!options.initiates) return;
    initiate(call, from).catch((error) => call.errors.push(String(error)));
  },
  reject(call, { condition, text }) {
    if (call.outgoing && !call.session) over(call, 'remote', condition ?? 'rejected', text);
  },
  retract(call, { condition, text }) {
    if (!call.outgoing && !call.session) over(call, 'remote', condition ?? 'retracted', text);
  },
  accept() {},
  finish(call, { condition }) { call.finished = condition ?? 'finished'; },
  error(call, { condition }) { over(call, 'error', condition); },
};

function proposal(message) {
  const { action, sid, carbon, from } = message;
  const call = chat.calls.get(sid);
  const own = bare(from ?? '') === bare(client.jid);
  if (own) {
    // Another resource of ours has answered; `accept` comes from it, the others are carbons of its.
    const elsewhere = ['accept', 'proceed', 'reject'].includes(action) && from !== client.jid;
    if (elsewhere && call && !call.outgoing && !call.accepted) over(call, 'elsewhere', action);
    return;
  }
  if (carbon === 'sent' || !(action in told)) return;
  if (!call && action !== 'propose') {
    chat.faults.push(`${action} for ${sid}, which nobody knows`);
    return;
  }
  told[action](call, message);
}

// ---- Orders -------------------------------------------------------------------------------------

/** Signs in; `given` is what `ChatPhone.open` says. Gives back the full address. */
chat.start = async (given) => {
  options = given;
  client = XMPP.createClient({
    jid: `${given.jid}/${given.resource}`,
    resource: given.resource,
    password: given.password,
    transports: { websocket: given.webSocket, bosh: false },
    autoReconnect: true,
    maxReconnectBackoff: 1,
    // Proposals are written past the library, whose count would be wrong.
    useStreamManagement: false,
    jingle: { iceServers: [], trickleIce: given.trickle, advertiseFileTransfer: false },
  });
  chat.client = client;
  proposals = new Proposals((xml) => client.transport?.write(xml), () => client.jid, proposal);
  if (given.proposals) client.disco.addFeature('urn:xmpp:jingle-message:0');
  follow(client.jingle);
  client.on('raw:*', (direction, xml) => {
    const out = direction === 'raw:outgoing';
    chat.stanzas.push({ at: Date.now(), out, xml });
    if (out) return;
    if (xml.includes('urn:xmpp:jingle:1') && xml.startsWith('<iq')) {
      const iq = new DOMParser().parseFromString(xml, 'text/xml').documentElement;
      const jingle = iq.getElementsByTagNameNS('urn:xmpp:jingle:1', 'jingle')[0];
      if (jingle) chat.faults.push(...faultsOf(jingle));
    }
    if (given.proposals) proposals.take(xml);
  });
  client.on('message', (m) => { if (m.body) chat.messages.push(m); });
  client.on('message:error', (m) => chat.messages.push(m));
  client.on('receipt', (m) => chat.receipts.push(m.receipt.id));
  client.on('presence', (p) => chat.presences.push(p));
  client.on('disconnected', () => { chat.online = 0; });
  const begun = new Promise((resolve, reject) => {
    client.on('session:started', async () => {
      await client.getRoster();
      if (given.carbons) await client.enableCarbons();
      client.updateCaps();
      client.sendPresence({ legacyCapabilities: client.disco.getCaps() });
      chat.online += 1;
      resolve(client.jid);
    });
    client.once('auth:failed', () => reject(new Error(`${given.jid} is not let in`)));
  });
  client.connect();
  return begun;
};

/** Calls `to`: by a proposal or straight, as is his manner or as `propose` says. */
chat.call = async (to, { propose = options.as !== 'stanza', sid, trickle, video = false } = {}) => {
  const call = record(sid ?? crypto.randomUUID(), {
    outgoing: true, proposed: propose, to, trickle, video,
  });
  if (propose) {
    const media = video ? ['audio', 'video'] : ['audio'];
    proposals.send({ to: bare(to), action: 'propose', sid: call.sid, media });
  } else await initiate(call, to);
  return call.sid;
};

chat.ring = (sid) => {
  const call = chat.calls.get(sid);
  if (call.session) call.session.ring();
  else proposals.send({ to: call.peer, action: 'ringing', sid });
};

chat.accept = async (sid) => {
  const call = chat.calls.get(sid);
  call.accepted = true;
  if (call.session) {
    await acceptSession(call);
    return;
  }
  // To the user's other resources, in the old form, and to the caller.
  proposals.send({ to: bare(client.jid), action: 'accept', sid });
  proposals.send({ to: call.peer, action: 'proceed', sid });
  call.state = 'proceeding';
};

chat.reject = (sid, reason = 'decline') => {
  const call = chat.calls.get(sid);
  if (call.session) {
    call.session.endedBy = 'local';
    call.session.end(reason);
    return;
  }
  proposals.send({ to: call.peer, action: 'reject', sid, reason });
  over(call, 'local', reason);
};

/** Takes a call of our own back before it is answered. */
chat.retract = (sid) => {
  const call = chat.calls.get(sid);
  if (call.session) {
    call.session.endedBy = 'local';
    call.session.end('cancel');
    return;
  }
  proposals.send({ to: bare(call.to), action: 'retract', sid, reason: 'cancel' });
  over(call, 'local', 'cancel');
};

chat.hangUp = (sid, reason = 'success') => {
  const call = chat.calls.get(sid);
  call.session.endedBy = 'local';
  call.session.end(reason);
  if (call.proposed) proposals.send({ to: call.peer, action: 'finish', sid, reason });
};

const tracks = (call) => call.session.pc.getSenders().map((s) => s.track).filter((t) => t);

/** Holds or resumes: `modify` says it with `senders`, `info` with a word. */
chat.hold = async (sid, held, how) => {
  const call = chat.calls.get(sid);
  call.held = held;
  for (const track of tracks(call)) track.enabled = !held;
  if (how === 'info') {
    await call.session.tell(held ? Constants.JINGLE_INFO_HOLD : Constants.JINGLE_INFO_ACTIVE);
  } else await call.session.modify(held ? call.session.role : 'both');
};

chat.mute = async (sid, muted) => {
  const call = chat.calls.get(sid);
  for (const track of tracks(call).filter((t) => t.kind === 'audio')) track.enabled = !muted;
  const { session } = call;
  const [name] = session.senders.keys();
  await session.tell(muted ? Constants.JINGLE_INFO_MUTE : Constants.JINGLE_INFO_UNMUTE, {
    creator: session.creators.get(name) ?? 'initiator', name,
  });
};

chat.restartIce = (sid) => chat.calls.get(sid).session.restartIce();

chat.addVideo = async (sid, colour) => {
  const { session } = chat.calls.get(sid);
  await session.addVideo(window.lab.paint(colour));
};

chat.removeVideo = async (sid) => {
  const { session } = chat.calls.get(sid);
  const names = session.pc.getTransceivers()
    .filter((t) => t.receiver.track.kind === 'video' && t.mid && !t.stopped).map((t) => t.mid);
  await session.remove(names);
};

chat.say = (to, body) => client.sendMessage({
  to, body, type: 'chat', receipt: { type: 'request' },
});

chat.subscribe = (jid) => client.subscribe(jid);

/** Writes a stanza past the library. */
chat.write = (xml) => client.transport.write(xml);

/** What a call is like, as plain data. */
chat.look = (sid) => {
  const call = chat.calls.get(sid);
  if (!call) return null;
  const { session, ...rest } = call;
  return {
    ...rest,
    role: session?.role ?? null,
    senders: session ? Object.fromEntries(session.senders) : {},
    restarts: session?.restarts ?? 0,
    adding: session?.adding ?? null,
  };
};
