// Text messages: sent, told of, received; and what else the gateway tells of no call.
import assert from "node:assert/strict";
import test from "node:test";
import { settle } from "./fakes.mjs";
import { connected } from "./rig.mjs";

test("a message is sent and its delivery told under its id", async () => {
  const { client, gateway } = await connected();
  const deliveries = [];
  client.on("delivery", (delivery) => deliveries.push(delivery));
  const sent = client.sendMessage("xmpp:juliet@example.org", "hello", { account: "desk" });
  const { id, ...frame } = gateway.last("message.send");
  assert.deepEqual(frame, {
    type: "message.send",
    to: "xmpp:juliet@example.org",
    text: "hello",
    account: "desk",
  });
  await gateway.agree();
  assert.equal(await sent, id);
  await gateway.tell({ type: "message.delivered", id });
  await gateway.tell({
    type: "message.failed",
    id: "other",
    cause: "not_found",
    sip: { status: 404, reason: "Not Found" },
    message: "There is nobody at this address.",
  });
  assert.deepEqual(deliveries[0], { id, delivered: true });
  const { words, ...failed } = deliveries[1];
  assert.equal(words.what, "There is nobody at this address.");
  assert.deepEqual(failed, {
    id: "other",
    delivered: false,
    cause: "not_found",
    sip: { status: 404, reason: "Not Found" },
  });
});

test("a message that the gateway does not take is a fault", async () => {
  const { client, gateway } = await connected();
  const sent = client.sendMessage("1001", "hello");
  await gateway.refuse("message.send", "not_found");
  await assert.rejects(sent, { code: "not_found" });
});

test("a message that comes is told, also one that was missed", async () => {
  const { client, gateway } = await connected();
  const messages = [];
  client.on("message", (message) => messages.push(message));
  await gateway.tell({
    type: "message.incoming",
    from: { uri: "sip:1001@pbx.example", display_name: "Desk" },
    to: "user:alice",
    account: "desk",
    text: "hello",
  });
  await gateway.tell({
    type: "message.incoming",
    from: { uri: "user:bob" },
    to: "user:alice",
    text: "hi",
  });
  assert.deepEqual(messages, [
    {
      from: "sip:1001@pbx.example",
      fromName: "Desk",
      to: "user:alice",
      account: "desk",
      text: "hello",
    },
    { from: "user:bob", fromName: undefined, to: "user:alice", account: undefined, text: "hi" },
  ]);
});

test("servers for media that the gateway tells of are those of the next connection", async () => {
  const { client, gateway, pc } = await connected();
  const ice_servers = [{ urls: ["turn:t:3478"], username: "u", credential: "p" }];
  await gateway.tell({ type: "ice.servers", ice_servers });
  client.call("1001");
  await settle();
  assert.deepEqual(pc().configuration.iceServers, ice_servers);
});
