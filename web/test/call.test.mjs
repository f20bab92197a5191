// Calls: how they are made, taken, refused and ended.
import assert from "node:assert/strict";
import test from "node:test";
import { FakeStream, FakeTrack, settle } from "./fakes.mjs";
import { ANSWER, OFFER, PROMISED, connected, inCall } from "./rig.mjs";

test("a call goes out with an offer and is established by its answer", async () => {
  const { client, gateway, pc } = await connected();
  const call = client.call("1001", { displayName: "Alice" });
  const states = [];
  call.on("state", (state) => states.push(state));
  await settle();
  const create = gateway.last("call.create");
  assert.equal(create.to, "1001");
  assert.equal(create.call, call.id);
  assert.equal(create.display_name, "Alice");
  assert.equal(create.description.type, "offer");
  assert.equal(pc().configuration.bundlePolicy, "balanced");
  pc().onicecandidate({
    candidate: {
      candidate: "candidate:1",
      toJSON: () => ({ candidate: "candidate:1", sdpMid: "0" }),
    },
  });
  pc().onicecandidate({ candidate: null });
  assert.deepEqual(
    gateway.all("call.candidate").map(({ candidate }) => candidate),
    [{ candidate: "candidate:1", sdpMid: "0" }, null],
  );
  await gateway.tell(
    { type: "call.ringing", call: call.id },
    { type: "call.accepted", call: call.id, description: ANSWER, negotiation: 1 },
  );
  assert.deepEqual(states, ["calling", "ringing", "established"]);
  assert.equal(pc().signalingState, "stable");
  await call.established();
});

test("an incoming call rings and is answered with the number of its offer", async () => {
  const { client, heard, gateway, pc } = await connected();
  await gateway.tell(
    {
      type: "call.incoming",
      call: "c-1",
      from: { uri: "sip:1001@pbx", display_name: "Reception" },
      to: "user:alice",
      need: "answer",
      description: OFFER,
      negotiation: 7,
    },
    { type: "call.candidate", call: "c-1", candidate: { candidate: "candidate:9", sdpMid: "0" } },
  );
  const [call] = heard.incoming;
  assert.equal(call.peerName, "Reception");
  assert.equal(gateway.last("call.ring").call, "c-1");
  const accepted = call.accept();
  await settle();
  const accept = gateway.last("call.accept");
  assert.equal(accept.description.type, "answer");
  assert.equal(accept.negotiation, 7);
  assert.deepEqual(pc().candidates, [{ candidate: "candidate:9", sdpMid: "0" }]);
  await gateway.agree();
  await accepted;
  assert.equal(call.state, "answering");
  await gateway.tell({ type: "call.accepted", call: "c-1" });
  assert.equal(call.state, "established");
  assert.equal(client.calls.get("c-1"), call);
});

test("an incoming call without an offer is accepted with one", async () => {
  const { heard, gateway, pc } = await connected();
  await gateway.tell({
    type: "call.incoming",
    call: "c-1",
    from: { uri: "sip:1@pbx" },
    to: "alice",
    need: "offer",
  });
  void heard.incoming[0].accept();
  await settle();
  const accept = gateway.last("call.accept");
  assert.equal(accept.description.type, "offer");
  await gateway.tell({
    type: "call.accepted",
    call: "c-1",
    description: ANSWER,
    negotiation: accept.negotiation,
  });
  assert.equal(pc().signalingState, "stable");
});

const CANDIDATE = { candidate: "candidate:9", sdpMid: "0" };
const PROMISED_OFFER = {
  type: "call.description",
  call: "c-1",
  description: OFFER,
  negotiation: 1,
};

test("a call that needs nothing is accepted without a description, and its offer answered", async () => {
  const { heard, gateway, pc } = await connected();
  await gateway.tell(PROMISED);
  const [call] = heard.incoming;
  assert.equal(gateway.last("call.ring").call, "c-1");
  const accepted = call.accept();
  await settle();
  const accept = gateway.last("call.accept");
  assert.deepEqual([accept.description, accept.negotiation], [undefined, undefined]);
  await gateway.agree();
  await accepted;
  pc().onnegotiationneeded();
  await settle();
  assert.deepEqual(pc().log, [], "the first offer is the caller's");
  assert.equal(call.state, "answering");
  await gateway.tell({ type: "call.candidate", call: "c-1", candidate: CANDIDATE }, PROMISED_OFFER);
  const answer = gateway.last("call.description");
  assert.deepEqual([answer.description.type, answer.negotiation], ["answer", 1]);
  assert.deepEqual(pc().candidates, [CANDIDATE], "one that came before is kept");
  await gateway.agree();
  await gateway.tell({ type: "call.accepted", call: "c-1" });
  assert.equal(call.state, "established");
  assert.deepEqual(pc().log, ["remote offer", "local answer"]);
  assert.equal(gateway.all("call.description").length, 1);
  // From now on it is a call like any other.
  void call.hold();
  await settle();
  assert.deepEqual(
    [gateway.last("call.hold").description.type, gateway.last("call.hold").negotiation],
    ["offer", 1],
  );
});

test("an offer that came later and that the browser does not take ends the call", async () => {
  const { heard, gateway } = await connected();
  await gateway.tell(PROMISED);
  const [call] = heard.incoming;
  void call.accept();
  await settle();
  await gateway.agree();
  await gateway.tell({ ...PROMISED_OFFER, description: { type: "offer", sdp: "bad" } });
  assert.equal(gateway.last("call.end").cause, "not_acceptable");
  assert.equal(call.ending.cause, "not_acceptable");
  assert.equal(gateway.all("call.description").length, 0, "there is nothing to roll back to");
});

test("an answer to an offer that came later and that does not fit ends the call", async () => {
  const { heard, gateway } = await connected();
  await gateway.tell(PROMISED);
  const [call] = heard.incoming;
  void call.accept();
  await settle();
  await gateway.agree();
  await gateway.tell(PROMISED_OFFER);
  await gateway.refuse("call.description", "bad_answer");
  assert.equal(gateway.last("call.end").cause, "not_acceptable");
  assert.equal(call.state, "ended");
});

test("a call whose offer never comes ends by the gateway's word", async () => {
  const { heard, gateway, pc } = await connected();
  await gateway.tell(PROMISED);
  const [call] = heard.incoming;
  void call.accept();
  await settle();
  await gateway.agree();
  const end = { cause: "timeout", by: "gateway", message: "" };
  await gateway.tell({ type: "call.ended", call: "c-1", ...end });
  assert.deepEqual([call.ending.cause, pc().signalingState], ["timeout", "closed"]);
});

test("a call that is not wanted is turned away, once", async () => {
  const { heard, gateway, client } = await connected();
  await gateway.tell({
    type: "call.incoming",
    call: "c-1",
    from: { uri: "sip:1@pbx" },
    to: "a",
    need: "answer",
    description: OFFER,
    negotiation: 1,
  });
  const [call] = heard.incoming;
  call.reject("busy");
  call.reject();
  call.end();
  assert.deepEqual(
    gateway.all("call.reject").map(({ cause }) => cause),
    ["busy"],
  );
  await gateway.tell({ type: "call.ended", call: "c-1", cause: "busy", by: "local", message: "" });
  assert.equal(client.calls.size, 0);
  assert.equal(client.past.get("c-1"), call);
});

test("no microphone: an outgoing call ends in words, an incoming one rings on", async () => {
  const userMedia = () => Promise.reject(new DOMException("no", "NotAllowedError"));
  const { client, heard, gateway } = await connected({ environment: { userMedia } });
  const call = client.call("1001");
  await settle();
  assert.equal(call.state, "ended");
  assert.equal(call.ending.cause, "media");
  assert.match(call.ending.words.what, /microphone/);
  assert.equal(gateway.all("call.create").length, 0);
  await gateway.tell({
    type: "call.incoming",
    call: "c-1",
    from: { uri: "sip:1@pbx" },
    to: "a",
    need: "answer",
    description: OFFER,
    negotiation: 1,
  });
  await assert.rejects(heard.incoming[0].accept(), { name: "NotAllowedError" });
  assert.equal(heard.incoming[0].state, "incoming");
});

test("a refused call ends with the code in words", async () => {
  const { client, gateway } = await connected();
  const call = client.call("nobody");
  await settle();
  await gateway.refuse("call.create", "not_found");
  assert.equal(call.ending.cause, "not_found");
  assert.match(call.ending.words.next, /Check what you dialled/);
  await assert.rejects(call.established(), { cause: "not_found" });
});

test("keys go through the gateway where the other side takes none as RTP", async () => {
  const { call, gateway, pc } = await inCall();
  void call.dtmf("1a#");
  assert.deepEqual(gateway.last("call.dtmf").digits, "1A#");
  await assert.rejects(call.dtmf("x"), { code: "bad_frame" });
  const tones = [];
  pc().getSenders()[0].dtmf = {
    canInsertDTMF: true,
    toneBuffer: "9",
    insertDTMF: (t) => tones.push(t),
  };
  pc().remoteDescription.sdp += "a=rtpmap:126 telephone-event/8000\r\n";
  await call.dtmf("5");
  assert.deepEqual(tones, ["95"], "a key that is still being sent is kept");
  assert.equal(gateway.all("call.dtmf").length, 1);
});

test("ended is said at once here, and the end of an ended call is nothing new", async () => {
  const { call, gateway, pc, client } = await inCall();
  const ends = [];
  call.on("ended", (end) => ends.push(end.cause));
  const [track] = call.localTracks;
  call.end();
  assert.equal(pc().signalingState, "closed");
  assert.equal(track.readyState, "ended");
  assert.equal(gateway.last("call.end").call, call.id);
  await gateway.tell({
    type: "call.ended",
    call: call.id,
    cause: "normal",
    by: "local",
    message: "",
  });
  assert.deepEqual(ends, ["normal"]);
  assert.equal(client.calls.size, 0);
});

test("tracks of the page's own are copied, and left alone at the end", async () => {
  const { client } = await connected();
  const own = new FakeTrack("audio");
  const call = client.call("1", { stream: new FakeStream([own]) });
  await settle();
  assert.notEqual(call.localTracks[0], own);
  call.mute();
  call.end();
  assert.deepEqual([own.enabled, own.readyState], [true, "live"]);
});

test("stream tells when tracks came, and is quiet at a negotiation that brings none", async () => {
  const { call, gateway, pc } = await inCall();
  const heard = [];
  call.on("stream", (stream) => heard.push(stream.getTracks().length));
  const [{ track }] = pc().getReceivers();
  pc().ontrack({ track });
  assert.deepEqual(heard, [1]);
  void call.hold();
  await settle();
  await gateway.tell({
    type: "call.description",
    call: call.id,
    description: ANSWER,
    negotiation: 2,
  });
  assert.deepEqual(heard, [1], "the same tracks");
  track.stop();
  void call.resume();
  await settle();
  await gateway.tell({
    type: "call.description",
    call: call.id,
    description: ANSWER,
    negotiation: 3,
  });
  assert.deepEqual(heard, [1, 0], "the track is gone");
});
