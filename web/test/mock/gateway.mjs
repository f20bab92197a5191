// A gateway for tests: crosspoint.v1 between browsers, nothing else. Two pages are bridged as two
// legs would be: offers are numbered, the one that comes second loses, sessions survive sockets.
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { randomUUID } from "node:crypto";
import { WebSocketServer } from "ws";

const types = { html: "text/html", js: "text/javascript", css: "text/css" };
const policy = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

export class MockGateway {
  sessions = new Map();
  calls = new Map();
  waiting = new Map();
  seen = [];
  /** Other things to serve, by path: not the gateway's own, so without its policy. */
  pages = {};

  /** `token`: what a hello must carry, if anything; names the user before a colon. */
  constructor({ dist, token } = {}) {
    this.dist = dist;
    this.token = token;
    this.http = createServer((request, response) => this.serve(request, response));
    this.sockets = new WebSocketServer({ server: this.http, path: "/ws" });
    this.sockets.on("connection", (socket, request) => this.connected(socket, request));
  }

  listen(port = 0) {
    return new Promise((resolve) => {
      this.http.listen(port, "127.0.0.1", () => resolve(this.http.address().port));
    });
  }

  close() {
    for (const client of this.sockets.clients) client.terminate();
    this.http.close();
    this.http.closeAllConnections();
  }

  /** Loses every socket, or those of one user, without a word. */
  cut(user) {
    for (const session of this.sessions.values()) {
      if (user === undefined || session.user === user) session.socket?.terminate();
    }
  }

  serve(request, response) {
    const path = new URL(request.url, "http://x").pathname;
    if (Object.hasOwn(this.pages, path)) {
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
      response.end(this.pages[path]);
      return;
    }
    const name = path === "/" ? "index.html" : path.slice(1);
    if (!/^[a-z]+\.(html|js|css)$/.test(name) || !this.dist) {
      response.writeHead(404).end();
      return;
    }
    try {
      const body = readFileSync(join(this.dist, name));
      const type = `${types[name.split(".").pop()]}; charset=utf-8`;
      response.writeHead(200, { "content-type": type, "content-security-policy": policy });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  }

  connected(socket, request) {
    let session;
    const user = new URL(request.url, "http://x").searchParams.get("as");
    socket.on("message", (data) => {
      const frame = JSON.parse(String(data));
      this.seen.push(frame);
      if (session && session.socket !== socket) return;
      if (!session) {
        session = this.hello(socket, frame, user);
        return;
      }
      if (frame.ack !== undefined) {
        session.ring = session.ring.filter((event) => event.seq > frame.ack);
      }
      this.frame(session, frame);
    });
    socket.on("close", () => {
      if (session?.socket === socket) session.socket = undefined;
    });
  }

  hello(socket, hello, as) {
    const say = (frame) => socket.send(JSON.stringify(frame));
    if (hello.type !== "hello") return void socket.close(4400, "hello first");
    if (this.token && hello.token !== this.token) {
      const code = hello.token ? "token_invalid" : "not_authenticated";
      say({ type: "error", code, retry: "never", message: "no good token" });
      return void socket.close(4401, "not authenticated");
    }
    const old = hello.resume && this.sessions.get(hello.resume.session);
    const session = old ?? {
      name: `s-${randomUUID()}`,
      user: as ?? "anonymous",
      seq: 0,
      ring: [],
      replies: new Map(),
    };
    if (old?.socket) old.socket.close(4409, "superseded");
    session.socket = socket;
    this.sessions.set(session.name, session);
    const from = old ? hello.resume.seq : 0;
    const whole = from === session.seq || session.ring.some(({ seq }) => seq === from + 1);
    const replay = old && whole ? session.ring.filter(({ seq }) => seq > from) : [];
    say({
      type: "welcome",
      session: session.name,
      resumed: old ? (whole ? true : "snapshot") : false,
      next_seq: session.seq + 1 - replay.length,
      user: session.user,
      accounts: [],
      ice_servers: [],
      limits: { frame_bytes: 262144, calls: 20, candidates: 200, frames_per_second: 100, text_bytes: 8192 },
      grace: { ringing_ms: 60000, answered_ms: 300000 },
      heartbeat_ms: 20000,
      gateway: "mock/0.1.0",
    });
    for (const event of replay) say(event);
    const calls = [...this.calls.values()]
      .flatMap((call) => call.legs)
      .filter((leg) => leg.session === session && !leg.over);
    say({ type: "sync", up_to: session.seq, calls: calls.map((leg) => this.info(leg)) });
    return session;
  }

  info(leg) {
    const { call } = leg;
    const state = call.answered
      ? "established"
      : leg === call.a && !call.rings
        ? "calling"
        : "ringing";
    return {
      call: leg.id,
      state,
      direction: leg === call.a ? "outgoing" : "incoming",
      peer: leg === call.a ? call.to : `sip:${call.a.session.user}@crosspoint`,
    };
  }

  event(leg, event) {
    const { session } = leg;
    const numbered = { ...event, call: leg.id, seq: ++session.seq };
    session.ring.push(numbered);
    session.socket?.send(JSON.stringify(numbered));
  }

  frame(session, frame) {
    const reply = (answer) => {
      const full = { ...answer, id: frame.id, ...(frame.call ? { call: frame.call } : {}) };
      if (frame.id === undefined) return;
      session.replies.set(frame.id, full);
      session.socket?.send(JSON.stringify(full));
    };
    if (frame.id !== undefined && session.replies.has(frame.id)) {
      session.socket?.send(JSON.stringify(session.replies.get(frame.id)));
      return;
    }
    const refuse = (code, message = code) =>
      reply({ type: "error", code, retry: "never", message });
    if (frame.type === "ack") return;
    if (frame.type === "ping") return void session.socket?.send(JSON.stringify({ type: "pong" }));
    if (frame.type === "account.remove") return refuse("unknown_account");
    if (frame.type === "message.send") return refuse("not_found");
    if (frame.type === "call.create") {
      reply({ type: "result" });
      return this.create(session, frame);
    }
    const leg = [...this.calls.values()]
      .flatMap(({ legs }) => legs)
      .find(({ id, session: of, over }) => id === frame.call && of === session && !over);
    if (!leg) return refuse("unknown_call");
    const wrong = this.inCall(leg, frame);
    if (wrong) refuse(wrong);
    else reply({ type: "result" });
  }

  create(session, frame) {
    const call = { to: frame.to, answered: false, rings: false, legs: [], offer: undefined };
    const a = { call, session, id: frame.call, number: 0 };
    call.a = a;
    call.legs.push(a);
    this.calls.set(frame.call, call);
    call.offer = { by: a, number: 1, description: frame.description };
    const word = /^join:(.+)/.exec(frame.to)?.[1];
    if (word) return this.join(call, word);
    const user = frame.to.replace(/^user:/, "");
    const there = [...this.sessions.values()].filter(
      (s) => s.user === user && s.socket && s !== session,
    );
    if (there.length === 0) return this.end(call, "not_found", undefined);
    for (const target of there) {
      const b = { call, session: target, id: randomUUID(), number: 1 };
      call.legs.push(b);
      this.event(b, {
        type: "call.incoming",
        from: {
          uri: `sip:${session.user}@crosspoint`,
          ...(frame.display_name ? { display_name: frame.display_name } : {}),
        },
        to: frame.to,
        need: "answer",
        description: frame.description,
        negotiation: 1,
      });
      for (const candidate of a.candidates ?? [])
        this.event(b, { type: "call.candidate", candidate });
    }
  }

  join(call, word) {
    const first = this.waiting.get(word);
    if (!first || first.a.over) return void this.waiting.set(word, call);
    this.waiting.delete(word);
    const second = call.a;
    this.calls.delete(second.id);
    second.call = first;
    second.number = 1;
    first.legs.push(second);
    first.winner = second;
    this.event(second, {
      type: "call.description",
      description: { type: "rollback" },
      negotiation: 1,
    });
    const { description } = first.offer;
    this.event(second, { type: "call.description", description, negotiation: 1 });
    for (const candidate of first.a.candidates ?? []) {
      this.event(second, { type: "call.candidate", candidate });
    }
  }

  inCall(leg, frame) {
    const { call } = leg;
    const other = leg === call.a ? call.winner : call.a;
    switch (frame.type) {
      case "call.ring":
        call.rings = true;
        this.event(call.a, { type: "call.ringing" });
        return undefined;
      case "call.accept":
        if (call.answered) return "bad_state";
        call.winner = leg;
        for (const loser of call.legs.filter((l) => l !== leg && l !== call.a)) {
          loser.over = true;
          this.event(loser, {
            type: "call.ended",
            cause: "answered_elsewhere",
            by: "gateway",
            message: "",
          });
        }
        return this.answered(call, leg, frame.description);
      case "call.reject":
        this.end(call, frame.cause ?? "declined", leg);
        return undefined;
      case "call.end":
        this.end(call, call.answered ? "normal" : "cancelled", leg);
        return undefined;
      case "call.candidate": {
        const candidate = frame.candidate ?? { candidate: "" };
        const to = other ? [other] : call.legs.filter((l) => l !== leg);
        if (to.length === 0) leg.candidates = [...(leg.candidates ?? []), candidate];
        for (const one of to) this.event(one, { type: "call.candidate", candidate });
        return undefined;
      }
      case "call.dtmf":
        for (const digit of frame.digits) {
          this.event(other, { type: "call.dtmf", digit, duration_ms: frame.duration_ms ?? 160 });
        }
        return undefined;
      case "call.description":
      case "call.hold":
      case "call.resume":
        return this.describe(leg, other, frame);
      default:
        return "unsupported";
    }
  }

  answered(call, leg, description) {
    call.answered = true;
    this.event(call.a, { type: "call.accepted", description, negotiation: call.offer.number });
    call.offer = undefined;
    this.event(leg, { type: "call.accepted" });
    this.media(call, "sendrecv");
    return undefined;
  }

  describe(leg, other, { description, negotiation }) {
    const { call } = leg;
    if (description.type === "rollback") {
      if (!call.offer) return "bad_state";
      const { by, number } = call.offer;
      const withdrawn = by === leg;
      call.offer = undefined;
      this.event(withdrawn ? other : by, {
        type: "call.description",
        description,
        negotiation: withdrawn ? other.number : number,
        code: withdrawn ? "withdrawn" : "not_acceptable",
      });
      return undefined;
    }
    if (description.type === "answer") {
      if (!call.answered) return this.answered(call, leg, description);
      if (!call.offer || call.offer.by === leg) return "bad_state";
      const { by, number, direction } = call.offer;
      call.offer = undefined;
      this.event(by, { type: "call.description", description, negotiation: number });
      this.media(call, direction, by);
      return undefined;
    }
    if (call.offer) {
      this.event(leg, {
        type: "call.description",
        description: { type: "rollback" },
        negotiation,
        code: "glare",
      });
      return undefined;
    }
    const direction = /a=(sendrecv|sendonly|recvonly|inactive)/.exec(description.sdp)?.[1];
    call.offer = { by: leg, number: negotiation, description, direction };
    other.number += 1;
    this.event(other, { type: "call.description", description, negotiation: other.number });
    return undefined;
  }

  media(call, direction, by = call.a) {
    const holds = direction === "sendonly" || direction === "inactive";
    for (const leg of [call.a, call.winner]) {
      const here = leg === by && holds;
      const there = leg !== by && holds;
      const media = { mid: "0", kind: "audio", held_here: here, held_there: there };
      this.event(leg, {
        type: "call.media",
        media: [{ ...media, sending: !there && !here, receiving: !here }],
      });
    }
  }

  end(call, cause, by) {
    for (const leg of call.legs.filter(({ over }) => !over)) {
      leg.over = true;
      const who = by === undefined ? "gateway" : leg === by ? "local" : "remote";
      this.event(leg, { type: "call.ended", cause, by: who, message: cause });
    }
    this.calls.delete(call.a.id);
  }
}
