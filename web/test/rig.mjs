// A client between a test that is its gateway and a browser that is made of fakes.
import { settle, tab } from "./fakes.mjs";
import { load } from "./load.mjs";

export const { Crosspoint } = await load("index");

export const OFFER = {
  type: "offer",
  sdp: "v=0\r\na=ice-ufrag:them\r\nm=audio 9 X 111\r\na=mid:0\r\n",
};
export const ANSWER = {
  type: "answer",
  sdp: "v=0\r\na=ice-ufrag:them\r\nm=audio 9 X 111\r\na=mid:0\r\n",
};

/** A call whose caller makes his offer when it is accepted. */
export const PROMISED = {
  type: "call.incoming",
  call: "c-1",
  from: { uri: "user:bob" },
  to: "user:alice",
  need: "nothing",
};

/** A connected client; `gateway` is the other end of its socket. */
export async function connected(options = {}, welcome = {}, replay = {}) {
  const rig = tab(options);
  const client = new Crosspoint(rig.environment);
  const heard = { incoming: [], call: [] };
  client.on("incoming", (call) => heard.incoming.push(call));
  client.on("call", (call) => heard.call.push(call));
  const up = client.connect({ url: "ws://gateway/ws", token: "t" });
  await rig.clock.pass(700);
  await rig.sockets[0].welcome(welcome, replay);
  await up;
  let seq = replay.events?.at(-1)?.seq ?? (welcome.next_seq ?? 1) - 1;
  const gateway = {
    get socket() {
      return rig.sockets.at(-1);
    },
    async tell(...events) {
      for (const event of events) this.socket.say({ ...event, seq: (seq += 1) });
      await settle();
    },
    /** Says yes to every request of the types, or to all. */
    async agree(...types) {
      for (const frame of this.socket.sent) {
        if (!frame.id || frame.replied) continue;
        if (types.length > 0 && !types.includes(frame.type)) continue;
        frame.replied = true;
        this.socket.say({ type: "result", id: frame.id });
      }
      await settle();
    },
    async refuse(type, code) {
      const frame = this.socket.of(type).find((one) => one.id && !one.replied);
      frame.replied = true;
      this.socket.say({ type: "error", id: frame.id, code, retry: "never", message: code });
      await settle();
    },
    last: (type) => rig.sockets.at(-1).of(type).at(-1),
    all: (type) => rig.sockets.at(-1).of(type),
  };
  // The first connections were made to find out what the browser can.
  const pc = () => rig.connections.filter((c) => c.configuration.bundlePolicy).at(-1);
  return { ...rig, client, heard, gateway, pc };
}

export async function inCall(options) {
  const rig = await connected(options);
  const call = rig.client.call("1001");
  await settle();
  await rig.gateway.agree();
  await rig.gateway.tell(
    { type: "call.ringing", call: call.id },
    { type: "call.accepted", call: call.id, description: ANSWER, negotiation: 1 },
  );
  return { ...rig, call };
}
