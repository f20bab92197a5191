// Offers and answers inside a call: hold, glare, refusals, candidates, ICE restarts.
import assert from "node:assert/strict";
import test from "node:test";
import { settle } from "./fakes.mjs";
import { ANSWER, OFFER, connected, inCall } from "./rig.mjs";

test("an early answer is followed by the real one, or becomes it", async () => {
  for (const description of [ANSWER, undefined]) {
    const { client, gateway, pc } = await connected();
    const call = client.call("1001");
    await settle();
    await gateway.tell({
      type: "call.progress",
      call: call.id,
      description: { ...ANSWER, type: "pranswer" },
      dialog: 1,
      negotiation: 1,
    });
    assert.equal(call.state, "early");
    assert.equal(pc().signalingState, "have-remote-pranswer");
    await gateway.tell({
      type: "call.accepted",
      call: call.id,
      ...(description ? { description, negotiation: 1 } : {}),
    });
    assert.equal(pc().signalingState, "stable");
    assert.equal(pc().remoteDescription.type, "answer");
  }
});

test("hold is an offer that takes nothing; resume is its inverse", async () => {
  const { call, gateway, pc } = await inCall();
  const held = call.hold();
  await settle();
  const frame = gateway.last("call.hold");
  assert.equal(frame.negotiation, 2);
  assert.match(frame.description.sdp, /a=sendonly/);
  assert.equal(call.localTracks[0].enabled, false);
  await gateway.tell({
    type: "call.description",
    call: call.id,
    description: ANSWER,
    negotiation: 2,
  });
  await held;
  assert.equal(call.held.here, true);
  call.mute();
  const resumed = call.resume();
  await settle();
  assert.match(gateway.last("call.resume").description.sdp, /a=sendrecv/);
  await gateway.tell({
    type: "call.description",
    call: call.id,
    description: ANSWER,
    negotiation: 3,
  });
  await resumed;
  assert.equal(call.localTracks[0].enabled, false, "muted is muted, before and after a hold");
  call.mute(false);
  assert.equal(call.localTracks[0].enabled, true);
  assert.equal(pc().signalingState, "stable");
});

test("a hold that is refused leaves everything as it was", async () => {
  const { call, gateway, pc } = await inCall();
  const held = call.hold();
  await settle();
  await gateway.tell({
    type: "call.description",
    call: call.id,
    description: { type: "rollback" },
    negotiation: 2,
    code: "not_acceptable",
  });
  await assert.rejects(held, { code: "bad_description" });
  assert.equal(call.held.here, false);
  assert.equal(pc().getTransceivers()[0].direction, "sendrecv");
  assert.equal(call.localTracks[0].enabled, true);
});

test("a request for an offer that the gateway refuses is rolled back", async () => {
  const { call, gateway, pc } = await inCall();
  const held = call.hold();
  await settle();
  await gateway.refuse("call.hold", "forbidden");
  await assert.rejects(held, { code: "forbidden" });
  assert.equal(pc().signalingState, "stable");
});

test("video that the other side turns down is said, and the camera let go", async () => {
  const { call, gateway } = await inCall();
  const added = call.addVideo();
  await settle();
  const camera = call.localTracks.find(({ kind }) => kind === "video");
  const sdp = `${ANSWER.sdp}m=video 0 X 96\r\na=mid:1\r\n`;
  await gateway.tell({
    type: "call.description",
    call: call.id,
    description: { type: "answer", sdp },
    negotiation: 2,
  });
  await assert.rejects(added, { message: /no video/ });
  assert.equal(camera.readyState, "ended");
  assert.equal(call.sendsVideo, false);
  assert.equal(call.localTracks.length, 1);
});

test("when offers cross, ours is rolled back, theirs answered, and ours made again", async () => {
  const { call, gateway, pc } = await inCall();
  const held = call.hold();
  await settle();
  assert.equal(gateway.last("call.hold").negotiation, 2);
  await gateway.tell(
    { type: "call.description", call: call.id, description: OFFER, negotiation: 1 },
    {
      type: "call.description",
      call: call.id,
      description: { type: "rollback" },
      negotiation: 2,
      code: "glare",
    },
  );
  const answer = gateway.last("call.description");
  assert.equal(answer.description.type, "answer");
  assert.equal(answer.negotiation, 1);
  assert.equal(gateway.all("call.hold").length, 2);
  assert.equal(gateway.last("call.hold").negotiation, 3);
  await gateway.tell({
    type: "call.description",
    call: call.id,
    description: ANSWER,
    negotiation: 3,
  });
  await held;
  assert.deepEqual(pc().log.slice(2), [
    "local offer",
    "rollback local",
    "remote offer",
    "local answer",
    "local offer",
    "remote answer",
  ]);
});

test("a lost offer whose winner does not come is made again after a while", async () => {
  const { call, gateway, clock } = await inCall();
  const restarted = call.restartIce();
  await settle();
  await gateway.tell({
    type: "call.description",
    call: call.id,
    description: { type: "rollback" },
    negotiation: 2,
    code: "glare",
  });
  assert.equal(gateway.all("call.description").length, 1);
  await clock.pass(3000);
  assert.equal(gateway.last("call.description").negotiation, 3);
  await gateway.tell({
    type: "call.description",
    call: call.id,
    description: ANSWER,
    negotiation: 3,
  });
  await restarted;
});

test("a restart that crosses one of theirs is done by it, and not made again", async () => {
  const { call, gateway, pc } = await inCall();
  const restarted = call.restartIce();
  await settle();
  const fresh = { ...OFFER, sdp: OFFER.sdp.replace(/a=ice-ufrag:.*/, "a=ice-ufrag:theirs") };
  await gateway.tell(
    {
      type: "call.description",
      call: call.id,
      description: { type: "rollback" },
      negotiation: 2,
      code: "glare",
    },
    { type: "call.description", call: call.id, description: fresh, negotiation: 1 },
  );
  await restarted;
  assert.equal(gateway.last("call.description").description.type, "answer");
  assert.equal(pc().log.filter((one) => one === "local offer").length, 2);
});

test("an answer meets only its own offer", async () => {
  const { call, gateway, pc } = await inCall();
  void call.restartIce().catch(() => {});
  await settle();
  await gateway.tell({
    type: "call.description",
    call: call.id,
    description: ANSWER,
    negotiation: 1,
  });
  assert.equal(pc().signalingState, "have-local-offer");
  await gateway.tell({
    type: "call.description",
    call: call.id,
    description: ANSWER,
    negotiation: 2,
  });
  assert.equal(pc().signalingState, "stable");
});

test("an offer that the browser cannot take is refused, and the call goes on", async () => {
  const { call, gateway, pc } = await inCall();
  const faults = [];
  call.on("fault", (fault) => faults.push(fault.code));
  await gateway.tell({
    type: "call.description",
    call: call.id,
    description: { type: "offer", sdp: "bad" },
    negotiation: 4,
  });
  const { description, negotiation } = gateway.last("call.description");
  assert.deepEqual([description.type, negotiation], ["rollback", 4]);
  assert.deepEqual(faults, ["bad_description"]);
  assert.equal(pc().signalingState, "stable");
  assert.equal(call.state, "established");
});

test("an answer that the browser cannot take ends a call that has no other", async () => {
  const { client, gateway } = await connected();
  const call = client.call("1001");
  await settle();
  await gateway.tell({
    type: "call.accepted",
    call: call.id,
    description: { type: "answer", sdp: "bad" },
    negotiation: 1,
  });
  assert.equal(call.ending.cause, "not_acceptable");
  assert.equal(gateway.last("call.end").cause, "not_acceptable");
});

test("an answer that the browser cannot take leaves the call as it was", async () => {
  const { call, gateway, pc } = await inCall();
  const faults = [];
  call.on("fault", (fault) => faults.push(fault.code));
  const held = assert.rejects(call.hold(), (fault) => fault.code === "bad_answer");
  await settle();
  const { negotiation } = gateway.last("call.hold");
  await gateway.agree();
  const description = { type: "answer", sdp: "bad" };
  await gateway.tell({ type: "call.description", call: call.id, description, negotiation });
  await held;
  assert.deepEqual(faults, ["bad_answer"]);
  assert.equal(pc().signalingState, "stable");
  assert.equal(call.state, "established");
});

test("asked for an offer, it makes one", async () => {
  const { call, gateway } = await inCall();
  await gateway.tell({ type: "call.offer_requested", call: call.id });
  assert.equal(gateway.last("call.description").description.type, "offer");
});

test("an offer that a phone refuses is rejected with what it said", async () => {
  const { call, gateway } = await inCall();
  const held = call.hold();
  await settle();
  const { negotiation } = gateway.last("call.hold");
  await gateway.agree();
  const sip = { status: 488, reason: "Not Acceptable Here" };
  const description = { type: "rollback" };
  const code = "not_acceptable";
  await gateway.tell({ type: "call.description", call: call.id, description, negotiation, code, sip });
  await assert.rejects(held, (fault) => fault.sip.status === 488 && /488 Not/.test(fault.message));
});

test("the second at a word rolls back and answers", async () => {
  const { client, gateway, pc } = await connected();
  const call = client.call("join:tea");
  await settle();
  await gateway.agree();
  await gateway.tell(
    {
      type: "call.description",
      call: call.id,
      description: { type: "rollback" },
      negotiation: 1,
      code: "glare",
    },
    { type: "call.description", call: call.id, description: OFFER, negotiation: 1 },
  );
  const answer = gateway.last("call.description");
  assert.deepEqual([answer.description.type, answer.negotiation], ["answer", 1]);
  await gateway.tell({ type: "call.accepted", call: call.id });
  assert.equal(call.state, "established");
  assert.equal(gateway.all("call.create").length, 1);
  assert.deepEqual(pc().log, ["local offer", "rollback local", "remote offer", "local answer"]);
});

test("candidates wait for the description of their generation", async () => {
  const { call, gateway, pc } = await inCall();
  const next = { candidate: "candidate:2", sdpMid: "0", usernameFragment: "next" };
  await gateway.tell({ type: "call.candidate", call: call.id, candidate: next });
  assert.deepEqual(pc().candidates, []);
  const sdp = OFFER.sdp.replace("them", "next");
  await gateway.tell({
    type: "call.description",
    call: call.id,
    description: { type: "offer", sdp },
    negotiation: 1,
  });
  assert.deepEqual(pc().candidates, [next]);
});

test("ICE is restarted when the way fails, and again after pauses that grow", async () => {
  const { gateway, pc, clock } = await inCall();
  const fail = async () => {
    pc().iceConnectionState = "failed";
    pc().oniceconnectionstatechange();
    await clock.pass(0);
  };
  await fail();
  assert.equal(gateway.all("call.description").length, 1);
  await gateway.tell({
    type: "call.description",
    call: gateway.last("call.description").call,
    description: ANSWER,
    negotiation: 2,
  });
  const tries = () => pc().log.filter((entry) => entry === "restartIce").length;
  await clock.pass(1_900);
  assert.equal(tries(), 1);
  await clock.pass(200);
  assert.equal(tries(), 2);
  const { call, negotiation } = gateway.last("call.description");
  await gateway.tell({ type: "call.description", call, description: ANSWER, negotiation });
  await clock.pass(3_800);
  assert.equal(tries(), 2);
  await clock.pass(300);
  assert.equal(tries(), 3);
});

test("a way that is quiet for a moment is left alone; another network is not", async () => {
  const { gateway, pc, clock, window } = await inCall();
  pc().iceConnectionState = "disconnected";
  pc().oniceconnectionstatechange();
  await clock.pass(1000);
  pc().iceConnectionState = "connected";
  pc().oniceconnectionstatechange();
  await clock.pass(10_000);
  assert.equal(gateway.all("call.description").length, 0);
  window.dispatchEvent(new Event("online"));
  await clock.pass(1000);
  assert.equal(gateway.all("call.description").length, 1);
});

test("an offer that is refused is not made again and again", async () => {
  const { call, gateway, pc, clock } = await inCall();
  const offers = () => gateway.all("call.description").filter((f) => f.description.type === "offer");
  const before = offers().length;
  // As browsers do: whatever was refused is still needed after the rollback.
  const rollBack = pc().setLocalDescription.bind(pc());
  pc().setLocalDescription = async (description) => {
    await rollBack(description);
    if (description?.type === "rollback") queueMicrotask(() => pc().onnegotiationneeded?.());
  };
  call.on("fault", () => {});
  pc().onnegotiationneeded();
  for (let seconds = 0; seconds < 15; seconds += 1) {
    await settle();
    if (offers().some((frame) => !frame.replied)) {
      await gateway.refuse("call.description", "bad_description");
    }
    await clock.pass(1_000);
  }
  assert.equal(offers().length - before, 3);
});
