// What outlives a socket, and what outlives a page.
import assert from "node:assert/strict";
import test from "node:test";
import { FakeLocks, FakeStore, settle, tab } from "./fakes.mjs";
import { ANSWER, Crosspoint, OFFER, PROMISED, connected, inCall } from "./rig.mjs";

test("a lost socket changes nothing in a call", async () => {
  const { call, gateway, clock, sockets, pc } = await inCall();
  await gateway.agree();
  sockets[0].lose();
  await clock.pass(1000);
  await sockets[1].welcome(
    { resumed: true, next_seq: 3 },
    { calls: [{ call: call.id, state: "established", direction: "outgoing" }] },
  );
  assert.equal(call.state, "established");
  assert.equal(sockets[1].of("call.description").length, 0, "no needless offer");
  assert.equal(pc().signalingState, "stable");
});

test("a gateway that lost its sessions ends the calls, but not one it never heard of", async () => {
  const { client, call, gateway, clock, sockets } = await inCall();
  await gateway.agree();
  sockets[0].lose();
  const fresh = client.call("1002");
  await settle();
  await clock.pass(1000);
  await sockets[1].welcome({ session: "s-2", resumed: false, next_seq: 1 });
  assert.deepEqual([call.ending.cause, call.ending.by], ["timeout", "gateway"]);
  assert.equal(fresh.state, "calling");
  assert.equal(sockets[1].of("call.create")[0].to, "1002");
});

test("an answer among lost events is asked for by a new offer", async () => {
  const { client, gateway, clock, sockets, connections } = await connected();
  const call = client.call("1001");
  await settle();
  await gateway.agree();
  sockets[0].lose();
  await clock.pass(1000);
  await sockets[1].welcome(
    { resumed: "snapshot", next_seq: 9 },
    { upTo: 8, calls: [{ call: call.id, state: "established", direction: "outgoing" }] },
  );
  await gateway.refuse("call.description", "bad_state");
  assert.equal(call.state, "established");
  assert.equal(gateway.last("call.description").description.type, "offer");
  assert.ok(connections.length > 1);
});

/** The page is gone with its locks; another one takes over its storage. */
async function reloaded(before, sync) {
  const locks = new FakeLocks();
  return connected(
    { store: before.store, locks, name: "next" },
    { resumed: true, ...sync.welcome },
    sync,
  );
}

test("a reloaded page makes a full new offer, with the sections and numbers of before", async () => {
  const store = new FakeStore();
  const first = await inCall({ store, locks: new FakeLocks() });
  void first.call.addVideo();
  await settle();
  await first.gateway.tell({
    type: "call.description",
    call: first.call.id,
    description: ANSWER,
    negotiation: 2,
  });
  void first.call.hold();
  await settle();
  await first.gateway.tell({
    type: "call.description",
    call: first.call.id,
    description: ANSWER,
    negotiation: 3,
  });
  const second = await reloaded(
    { store },
    {
      welcome: { next_seq: 5 },
      calls: [{ call: first.call.id, state: "established", direction: "outgoing", peer: "1001" }],
    },
  );
  const [call] = second.heard.call;
  assert.deepEqual([call.id, call.state, call.peer], [first.call.id, "established", "1001"]);
  assert.equal(call.held.here, true);
  assert.equal(second.gateway.last("call.description").description.type, "rollback");
  await second.gateway.refuse("call.description", "bad_state");
  const offer = second.gateway.last("call.hold");
  assert.equal(offer.negotiation, 4);
  assert.match(offer.description.sdp, /m=audio[^]*a=sendonly[^]*m=video[^]*a=sendonly/);
  assert.deepEqual(second.heard.incoming, []);
});

test("a call that rang before a reload rings after it, and can be answered", async () => {
  const store = new FakeStore();
  const first = await connected({ store, locks: new FakeLocks() });
  const candidate = { candidate: "candidate:9", sdpMid: "0" };
  await first.gateway.tell(
    {
      type: "call.incoming",
      call: "c-1",
      from: { uri: "sip:1@pbx", display_name: "R" },
      to: "a",
      need: "answer",
      description: OFFER,
      negotiation: 3,
    },
    { type: "call.candidate", call: "c-1", candidate },
  );
  const last = { candidate: "candidate:10", sdpMid: "0" };
  const second = await reloaded(
    { store },
    {
      welcome: { next_seq: 3 },
      events: [{ type: "call.candidate", call: "c-1", candidate: last, seq: 3 }],
      calls: [{ call: "c-1", state: "ringing", direction: "incoming", need: "answer" }],
    },
  );
  const [call] = second.heard.incoming;
  assert.equal(call.peerName, "R");
  void call.accept();
  await settle();
  assert.equal(second.gateway.last("call.accept").negotiation, 3);
  assert.deepEqual(second.pc().candidates, [candidate, last]);
});

test("a call that ended during a reload does not ring", async () => {
  const store = new FakeStore();
  const first = await connected({ store, locks: new FakeLocks() });
  await first.gateway.tell({
    type: "call.incoming",
    call: "c-1",
    from: { uri: "sip:1@pbx" },
    to: "a",
    need: "answer",
    description: OFFER,
    negotiation: 1,
  });
  const second = await reloaded(
    { store },
    {
      welcome: { next_seq: 2 },
      events: [
        { type: "call.ended", call: "c-1", cause: "cancelled", by: "remote", message: "", seq: 2 },
      ],
    },
  );
  assert.deepEqual(second.heard, { incoming: [], call: [] });
  assert.equal(second.client.calls.size, 0);
});

test("a call that came and went while the socket was lost does not ring", async () => {
  const { heard, clock, sockets } = await connected();
  sockets[0].lose();
  await clock.pass(1000);
  const call = { call: "c-1", from: { uri: "sip:1@pbx" }, to: "a", need: "answer" };
  const events = [
    { type: "call.incoming", ...call, description: OFFER, negotiation: 1, seq: 1 },
    { type: "call.ended", call: "c-1", cause: "cancelled", by: "remote", message: "", seq: 2 },
    { type: "call.incoming", ...call, call: "c-2", description: OFFER, negotiation: 1, seq: 3 },
  ];
  const calls = [{ call: "c-2", state: "ringing", direction: "incoming", need: "answer" }];
  await sockets[1].welcome({ resumed: true, next_seq: 1 }, { events, calls });
  assert.deepEqual(
    heard.incoming.map(({ id }) => id),
    ["c-2"],
  );
  assert.deepEqual(
    sockets[1].of("call.ring").map((frame) => frame.call),
    ["c-2"],
  );
});

test("a call that was ended here while the socket was lost stays ended", async () => {
  const { call, gateway, heard, clock, sockets, client } = await inCall();
  await gateway.agree();
  sockets[0].lose();
  call.end();
  await clock.pass(1000);
  const calls = [{ call: call.id, state: "established", direction: "outgoing" }];
  await sockets[1].welcome({ resumed: true, next_seq: 3 }, { calls });
  assert.equal(client.calls.size, 0);
  assert.deepEqual(heard.call, [call]);
  assert.equal(sockets[1].of("call.end")[0].call, call.id);
});

test("a call that the gateway announces again after lost events rings once", async () => {
  const store = new FakeStore();
  const first = await connected({ store, locks: new FakeLocks() });
  void first;
  const second = await reloaded(
    { store },
    {
      welcome: { resumed: "snapshot", next_seq: 8 },
      upTo: 7,
      calls: [{ call: "c-1", state: "ringing", direction: "incoming", need: "answer" }],
    },
  );
  assert.deepEqual(second.heard.incoming, []);
  const again = {
    type: "call.incoming",
    call: "c-1",
    from: { uri: "sip:1@pbx" },
    to: "a",
    need: "answer",
    description: OFFER,
    negotiation: 1,
  };
  second.gateway.socket.say({ ...again, seq: 8 });
  await settle();
  assert.equal(second.heard.incoming.length, 1);
  void second.heard.incoming[0].accept();
  await settle();
  assert.equal(second.gateway.last("call.accept").description.type, "answer");
});

test("a call that was being made before a reload gets a new offer when it is answered", async () => {
  const store = new FakeStore();
  const first = await connected({ store, locks: new FakeLocks() });
  const made = first.client.call("1001");
  await settle();
  await first.gateway.agree();
  const second = await reloaded(
    { store },
    {
      welcome: { next_seq: 1 },
      calls: [{ call: made.id, state: "ringing", direction: "outgoing", peer: "1001" }],
    },
  );
  const [call] = second.heard.call;
  assert.equal(call.state, "ringing");
  await second.gateway.tell({
    type: "call.accepted",
    call: made.id,
    description: ANSWER,
    negotiation: 1,
  });
  await second.gateway.refuse("call.description", "bad_state");
  assert.equal(call.state, "established");
  assert.deepEqual(second.gateway.last("call.description").description.type, "offer");
  assert.equal(second.gateway.last("call.description").negotiation, 2);
});

test("a call taken by an offer before a reload gets a new one when it is answered", async () => {
  const store = new FakeStore();
  const first = await connected({ store, locks: new FakeLocks() });
  await first.gateway.tell({
    type: "call.incoming",
    call: "c-1",
    from: { uri: "sip:1@pbx" },
    to: "a",
    need: "offer",
  });
  void first.heard.incoming[0].accept();
  await settle();
  assert.equal(first.gateway.last("call.accept").description.type, "offer");
  const second = await reloaded(
    { store },
    {
      welcome: { next_seq: 2 },
      calls: [{ call: "c-1", state: "early", direction: "incoming", peer: "sip:1@pbx" }],
    },
  );
  const [call] = second.heard.call;
  assert.equal(call.state, "answering");
  assert.deepEqual(second.heard.incoming, [], "it rings no more");
  await second.gateway.tell({
    type: "call.accepted",
    call: "c-1",
    description: ANSWER,
    negotiation: 1,
  });
  await second.gateway.refuse("call.description", "bad_state");
  assert.equal(call.state, "established");
  const { description, negotiation } = second.gateway.last("call.description");
  assert.deepEqual([description.type, negotiation], ["offer", 2]);
});

const CANDIDATE = { candidate: "candidate:9", sdpMid: "0" };
const PROMISED_OFFER = {
  type: "call.description",
  call: "c-1",
  description: OFFER,
  negotiation: 1,
};

/** A page that has accepted a call whose offer is to come. */
async function accepted(store) {
  const first = await connected({ store, locks: new FakeLocks() });
  await first.gateway.tell(PROMISED);
  void first.heard.incoming[0].accept();
  await settle();
  await first.gateway.agree();
  return first;
}

/** What a page after the reload makes of a call that waits for the caller's offer, or for us. */
async function answersAfter(second) {
  const [call] = second.heard.call;
  assert.deepEqual([call.state, second.heard.incoming], ["answering", []], "it rings no more");
  const { description, negotiation } = second.gateway.last("call.description");
  assert.deepEqual([description.type, negotiation], ["answer", 1]);
  assert.deepEqual(second.pc().candidates, [CANDIDATE]);
  await second.gateway.agree();
  await second.gateway.tell({ type: "call.accepted", call: "c-1" });
  assert.equal(call.state, "established");
  assert.equal(second.gateway.all("call.description").length, 1);
}

const early = (need) => [{ call: "c-1", state: "early", direction: "incoming", need }];

test("a call that rang without an offer before a reload is accepted after it", async () => {
  const store = new FakeStore();
  const first = await connected({ store, locks: new FakeLocks() });
  await first.gateway.tell(PROMISED);
  const second = await reloaded(
    { store },
    {
      welcome: { next_seq: 2 },
      calls: [{ call: "c-1", state: "ringing", direction: "incoming", need: "nothing" }],
    },
  );
  void second.heard.incoming[0].accept();
  await settle();
  assert.equal(second.gateway.last("call.accept").description, undefined);
  await second.gateway.agree();
  await second.gateway.tell(PROMISED_OFFER);
  assert.equal(second.gateway.last("call.description").description.type, "answer");
});

test("an offer that comes after the reload of the page that accepted is answered", async () => {
  const store = new FakeStore();
  await accepted(store);
  const second = await reloaded({ store }, { welcome: { next_seq: 2 }, calls: early("nothing") });
  assert.equal(second.gateway.all("call.description").length, 0);
  await second.gateway.tell(PROMISED_OFFER, {
    type: "call.candidate",
    call: "c-1",
    candidate: CANDIDATE,
  });
  await answersAfter(second);
});

test("an offer that came during the reload of the page that accepted is answered", async () => {
  const store = new FakeStore();
  await accepted(store);
  const events = [
    { ...PROMISED_OFFER, seq: 2 },
    { type: "call.candidate", call: "c-1", candidate: CANDIDATE, seq: 3 },
  ];
  const calls = early("answer");
  const second = await reloaded({ store }, { welcome: { next_seq: 2 }, events, calls });
  await answersAfter(second);
});

test("an offer that a page did not answer before its reload is answered, once", async () => {
  const store = new FakeStore();
  const first = await accepted(store);
  first.gateway.socket.send = () => {}; // The answer is lost with the page.
  await first.gateway.tell(PROMISED_OFFER, {
    type: "call.candidate",
    call: "c-1",
    candidate: CANDIDATE,
  });
  const second = await reloaded({ store }, { welcome: { next_seq: 4 }, calls: early("answer") });
  assert.equal(second.gateway.all("call.description").length, 1);
  await second.gateway.tell(PROMISED_OFFER); // As after lost events.
  await answersAfter(second);
});

test("a page that lost what it kept answers the offer that it is told again", async () => {
  const second = await connected(
    {},
    { resumed: "snapshot", next_seq: 4 },
    { upTo: 3, calls: early("answer") },
  );
  await second.gateway.tell({ type: "call.candidate", call: "c-1", candidate: CANDIDATE });
  await second.gateway.tell(PROMISED_OFFER);
  await answersAfter(second);
});

test("the word that an offer was answered may be lost, the call is established", async () => {
  const first = await accepted(new FakeStore());
  await first.gateway.tell(PROMISED_OFFER);
  await first.gateway.agree();
  first.sockets[0].lose();
  await first.clock.pass(1000);
  const calls = [{ call: "c-1", state: "established", direction: "incoming" }];
  await first.sockets[1].welcome({ resumed: "snapshot", next_seq: 9 }, { upTo: 8, calls });
  assert.equal(first.heard.incoming[0].state, "established");
  assert.equal(first.sockets[1].of("call.description").length, 0, "no needless offer");
});

test("disconnect ends every call and forgets the session", async () => {
  const store = new FakeStore();
  const { client, call, gateway, clock } = await inCall({ store });
  const left = client.disconnect();
  await clock.pass(1500);
  await left;
  assert.equal(gateway.last("call.end").call, call.id);
  assert.equal(client.state, "closed");
  assert.equal(store.kept.size, 0);
});

test("a token that runs out is renewed by the function that gave it", async () => {
  const rig = tab();
  const client = new Crosspoint(rig.environment);
  let made = 0;
  const up = client.connect({ url: "ws://gateway/ws", token: async () => `t${(made += 1)}` });
  await rig.clock.pass(700);
  await rig.sockets[0].welcome();
  await up;
  rig.sockets[0].say({ type: "token.expiring", seq: 1, expires_in_ms: 60000 });
  await settle();
  assert.equal(rig.sockets[0].of("token.refresh")[0].token, "t2");
});

test("accounts are known from welcome and from what is told later", async () => {
  const { client, gateway } = await connected(
    {},
    {
      accounts: [{ account: "desk", state: "registering", uri: "sip:7@pbx" }],
    },
  );
  assert.equal(client.accounts.get("desk").state, "registering");
  await gateway.tell({
    type: "account.state",
    account: "desk",
    state: "failed",
    cause: "wrong",
    retry_in_ms: 9,
  });
  assert.deepEqual(client.accounts.get("desk"), {
    account: "desk",
    state: "failed",
    uri: "sip:7@pbx",
    cause: "wrong",
    retry_in_ms: 9,
  });
});
