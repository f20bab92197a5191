// The connection, against a gateway that is the test itself: hello, resume, order, what is sent
// again, when it does not come back, and which tab owns a session.
import assert from "node:assert/strict";
import test from "node:test";
import { FakeLocks, FakeStore, WELCOME, fakeChannels, settle, tab } from "./fakes.mjs";
import { load } from "./load.mjs";

const { Connection } = await load("connection");

async function open(options = {}) {
  const rig = tab(options);
  const seen = [];
  const connection = new Connection(
    { url: "ws://gateway/ws", capabilities: async () => ["trickle"], ...options.connect },
    rig.environment,
  );
  connection.on("event", (event) => seen.push(event.seq));
  const ready = [];
  connection.on("ready", (detail) => ready.push(detail));
  const states = [];
  connection.on("state", (detail) => states.push(detail));
  const opened = connection.open();
  await rig.clock.pass(options.patience ?? 1000);
  await opened;
  return { ...rig, connection, seen, ready, states };
}

const ringing = (seq) => ({ type: "call.ringing", call: "c", seq });

test("the first frame is hello, with subprotocol, token and what the browser can", async () => {
  const { sockets } = await open({ connect: { token: "secret", client: "test/1" } });
  const [socket] = sockets;
  assert.equal(socket.protocol, "crosspoint.v1");
  socket.onopen({});
  assert.deepEqual(socket.sent, [
    { type: "hello", capabilities: ["trickle"], token: "secret", client: "test/1" },
  ]);
});

test("it is connected when sync has come, not before", async () => {
  const { connection, sockets } = await open();
  sockets[0].onopen({});
  sockets[0].say(WELCOME);
  assert.equal(connection.state, "connecting");
  sockets[0].say({ type: "sync", up_to: 0, calls: [] });
  assert.equal(connection.state, "connected");
});

test("a request resolves with its result and rejects with its error", async () => {
  const { connection, sockets } = await open();
  await sockets[0].welcome();
  const good = connection.request({ type: "call.ring", call: "c" });
  const bad = connection.request({ type: "call.end", call: "d" });
  const [{ id: first }, { id: second }] = sockets[0].sent.slice(-2);
  assert.notEqual(first, second);
  sockets[0].say({
    type: "error",
    id: second,
    code: "unknown_call",
    retry: "never",
    message: "gone",
  });
  sockets[0].say({ type: "result", id: first, call: "c" });
  assert.equal((await good).call, "c");
  await assert.rejects(bad, { code: "unknown_call", retry: "never" });
});

test("after a lost socket it resumes from the last event and asks again, same id", async () => {
  const { connection, sockets, clock, seen } = await open();
  await sockets[0].welcome();
  sockets[0].say(ringing(1), ringing(2));
  const request = connection.request({ type: "call.end", call: "c" });
  const { id } = sockets[0].of("call.end")[0];
  sockets[0].lose();
  assert.equal(connection.state, "reconnecting");
  await clock.pass(1000);
  sockets[1].onopen({});
  assert.deepEqual(sockets[1].sent[0].resume, { session: "s-1", seq: 2 });
  await sockets[1].welcome({ resumed: true, next_seq: 3 }, { events: [ringing(3)] });
  assert.equal(sockets[1].of("call.end")[0].id, id);
  sockets[1].say({ type: "result", id });
  await request;
  assert.deepEqual(seen, [1, 2], "what was missed is told with `ready`");
});

test("missed events are told before sync, together, and not twice", async () => {
  const { sockets, clock, ready, seen } = await open();
  await sockets[0].welcome();
  sockets[0].say(ringing(1));
  sockets[0].lose();
  await clock.pass(1000);
  await sockets[1].welcome({ resumed: true, next_seq: 1 }, { events: [ringing(1), ringing(2)] });
  assert.deepEqual(
    ready[1].missed.map(({ seq }) => seq),
    [2],
  );
  sockets[1].say(ringing(2), ringing(3));
  assert.deepEqual(seen, [1, 3]);
});

test("a gap in the events makes it resume from before the gap", async () => {
  const { sockets, clock, seen } = await open();
  await sockets[0].welcome();
  sockets[0].say(ringing(1), ringing(3));
  await clock.pass(1000);
  sockets[1].onopen({});
  assert.deepEqual(sockets[1].sent[0].resume, { session: "s-1", seq: 1 });
  assert.deepEqual(seen, [1]);
});

test("a replay that breaks off is asked for again, whole", async () => {
  const { sockets, clock } = await open();
  await sockets[0].welcome();
  sockets[0].lose();
  await clock.pass(1000);
  sockets[1].onopen({});
  sockets[1].say({ ...WELCOME, resumed: true, next_seq: 1 }, ringing(1));
  sockets[1].lose();
  await clock.pass(2000);
  sockets[2].onopen({});
  assert.equal(sockets[2].sent[0].resume.seq, 0);
});

test("after a snapshot the next event is the one after up_to", async () => {
  const { sockets, clock, seen } = await open();
  await sockets[0].welcome();
  sockets[0].lose();
  await clock.pass(1000);
  await sockets[1].welcome({ resumed: "snapshot", next_seq: 41 }, { upTo: 40 });
  sockets[1].say(ringing(41));
  assert.deepEqual(seen, [41]);
});

test("events are acknowledged together, or on the back of a request", async () => {
  const { connection, sockets, clock } = await open();
  await sockets[0].welcome();
  sockets[0].say(ringing(1), ringing(2));
  assert.equal(sockets[0].of("ack").length, 0);
  await clock.pass(500);
  assert.deepEqual(sockets[0].of("ack"), [{ type: "ack", ack: 2 }]);
  sockets[0].say(ringing(3));
  void connection.request({ type: "call.ring", call: "c" });
  assert.equal(sockets[0].of("call.ring")[0].ack, 3);
  await clock.pass(500);
  assert.equal(sockets[0].of("ack").length, 1);
});

test("unknown types and unreadable events are passed over, and still counted", async () => {
  const { sockets, seen } = await open();
  await sockets[0].welcome();
  sockets[0].say(
    { type: "call.tomorrow", seq: 1 },
    { type: "call.ended", seq: 2, call: "c" },
    ringing(3),
  );
  assert.deepEqual(seen, [3]);
  assert.equal(sockets.length, 1);
});

test("a gateway that says nothing to a ping is given up", async () => {
  const { connection, sockets, clock } = await open();
  await sockets[0].welcome();
  await clock.pass(20_000);
  assert.equal(sockets[0].of("ping").length, 1);
  sockets[0].say({ type: "pong" });
  await clock.pass(20_000);
  assert.equal(connection.state, "connected");
  assert.equal(sockets[0].of("ping").length, 2);
  await clock.pass(8_000);
  assert.notEqual(connection.state, "connected");
  assert.ok(sockets[0].closed);
});

test("pings that come faster than the deadline do not push it away", async () => {
  const { connection, sockets, clock } = await open();
  await sockets[0].welcome({ heartbeat_ms: 1_000 });
  await clock.pass(4_000);
  assert.equal(connection.state, "connected");
  await clock.pass(6_000);
  assert.notEqual(connection.state, "connected");
});

test("what is sent into a dead socket does not hide that it is dead", async () => {
  const { connection, sockets, clock } = await open();
  await sockets[0].welcome();
  for (let seq = 1; seq <= 30; seq += 1) {
    connection.request({ type: "call.dtmf", call: "c", digits: `${seq % 10}` }).catch(() => {});
    await clock.pass(1_000);
  }
  assert.notEqual(connection.state, "connected");
});

test("attempts are spaced out more and more, and at once when the network is back", async () => {
  const { sockets, clock, window, states } = await open();
  await sockets[0].welcome();
  for (let attempt = 0; attempt < 8; attempt += 1) {
    const before = sockets.length;
    sockets.at(-1).lose();
    while (sockets.length === before) await clock.pass(250);
  }
  const pauses = states.filter(({ retryInMs }) => retryInMs !== undefined).map((s) => s.retryInMs);
  assert.equal(pauses.length, 8);
  for (let at = 1; at < pauses.length; at += 1) assert.ok(pauses[at] >= pauses[at - 1]);
  assert.ok(pauses[0] <= 200 && pauses.at(-1) <= 15_000 && pauses.at(-1) > 10_000, `${pauses}`);
  sockets.at(-1).lose();
  const before = sockets.length;
  window.dispatchEvent(new Event("online"));
  await settle();
  assert.equal(sockets.length, before + 1);
});

test("it does not come back after it was superseded, or at fault", async () => {
  const codes = { 4409: "superseded", 4400: "bad_frame", 4413: "too_large" };
  for (const [code, fault] of Object.entries(codes)) {
    const { connection, sockets, clock, states } = await open();
    await sockets[0].welcome();
    const request = connection.request({ type: "call.ring", call: "c" });
    sockets[0].lose(Number(code));
    await assert.rejects(request, { code: fault });
    await clock.pass(60_000);
    assert.equal(sockets.length, 1, code);
    assert.equal(states.at(-1).fault.code, fault);
  }
});

test("it comes back after a drain, a timeout and a lost network", async () => {
  for (const code of [1001, 1006, 4408, 4503]) {
    const { sockets, clock } = await open();
    await sockets[0].welcome();
    sockets[0].lose(code);
    await clock.pass(1000);
    assert.equal(sockets.length, 2, String(code));
  }
});

test("a token that is not taken is fetched once more; the same one twice is the end", async () => {
  const tokens = ["old", "new"];
  const { connection, sockets, clock } = await open({
    connect: { token: async () => tokens.shift() ?? "new" },
  });
  sockets[0].onopen({});
  sockets[0].lose(4401);
  await clock.pass(1000);
  sockets[1].onopen({});
  assert.equal(sockets[1].sent[0].token, "new");
  sockets[1].lose(4401);
  await clock.pass(60_000);
  assert.equal(connection.state, "closed");
  assert.equal(sockets.length, 2);
  const fixed = await open({ connect: { token: "x" } });
  fixed.sockets[0].lose(4401, "no");
  await fixed.clock.pass(60_000);
  assert.equal(fixed.sockets.length, 1);
  assert.equal(fixed.states.at(-1).fault.code, "not_authenticated");
});

test("a request that is larger than a frame may be is not sent", async () => {
  const { connection, sockets } = await open();
  await sockets[0].welcome();
  const description = { type: "offer", sdp: "x".repeat(5000) };
  const request = connection.request({ type: "call.create", call: "c", to: "1", description });
  await assert.rejects(request, { code: "too_large" });
  assert.equal(sockets[0].of("call.create").length, 0);
});

test("a request that came too soon is made again later, under another id", async () => {
  const { connection, sockets, clock } = await open();
  await sockets[0].welcome();
  const request = connection.request({ type: "call.ring", call: "c" });
  const [{ id }] = sockets[0].of("call.ring");
  sockets[0].say({
    type: "error",
    id,
    code: "rate_limited",
    retry: "after",
    retry_after_ms: 700,
    message: "",
  });
  await clock.pass(700);
  const again = sockets[0].of("call.ring")[1];
  assert.notEqual(again.id, id);
  sockets[0].say({ type: "result", id: again.id });
  await request;
});

test("a reloaded page goes on with its session", async () => {
  const [store, locks] = [new FakeStore(), new FakeLocks()];
  const first = await open({ store, locks });
  await first.sockets[0].welcome();
  first.sockets[0].say(ringing(1));
  locks.held.clear(); // The page is gone, and its locks with it.
  const second = await open({ store, locks, name: "reloaded" });
  second.sockets[0].onopen({});
  assert.deepEqual(second.sockets[0].sent[0].resume, { session: "s-1", seq: 1 });
});

for (const [how, shared] of [
  ["by locks", () => ({ locks: new FakeLocks() })],
  ["by asking the other tabs", () => ({ openChannel: fakeChannels() })],
]) {
  test(`a duplicated tab begins a session of its own: told ${how}`, async () => {
    const [store, common] = [new FakeStore(), shared()];
    const first = await open({ store, ...common, name: "first" });
    await first.sockets[0].welcome();
    await first.clock.pass(1000);
    const copy = store.copy();
    const twin = await open({ store: copy, ...common, name: "twin" });
    twin.sockets[0].onopen({});
    assert.equal(twin.sockets[0].sent[0].resume, undefined);
    await twin.sockets[0].welcome({ session: "s-2" });
    assert.match([...copy.kept.values()].join(""), /s-2/);
    assert.match([...store.kept.values()].join(""), /s-1/);
    assert.equal(first.connection.state, "connected");
  });
}

test("a session that was left is forgotten", async () => {
  const store = new FakeStore();
  const { connection, sockets } = await open({ store });
  await sockets[0].welcome();
  assert.equal(store.kept.size, 1);
  connection.close();
  assert.equal(store.kept.size, 0);
  assert.deepEqual(sockets[0].closed, { code: 1000, reason: "bye" });
});
