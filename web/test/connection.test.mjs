// The connection against a gateway made of arrays: resume, fencing, what is sent again.
import assert from 'node:assert/strict';
import test from 'node:test';
import { build } from 'esbuild';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const made = await build({ entryPoints: [path.join(root, 'src/connection.ts')], bundle: true, format: 'esm', write: false });
const { Connection } = await import(`data:text/javascript;base64,${Buffer.from(made.outputFiles[0].text).toString('base64')}`);

class Socket {
  static all = [];
  constructor(url, protocol) { Object.assign(this, { url, protocol, sent: [] }); Socket.all.push(this); queueMicrotask(() => this.onopen?.()); }
  send(text) { this.sent.push(JSON.parse(text)); }
  close() {}
  say(frame) { this.onmessage({ data: JSON.stringify(frame) }); }
  lose(code, reason = '') { this.onclose({ code, reason }); }
}

const tick = (ms = 5) => new Promise((resolve) => setTimeout(resolve, ms));

function storage() {
  const kept = new Map();
  return { kept, getItem: (k) => kept.get(k) ?? null, setItem: (k, v) => kept.set(k, v), removeItem: (k) => kept.delete(k) };
}

function open(options = {}) {
  Socket.all = [];
  const seen = [];
  const connection = new Connection(
    { url: 'ws://x/ws', capabilities: ['trickle'], webSocket: Socket, ...options },
    { welcome() {}, sync() {}, event: (e) => seen.push(e.seq), state: (s) => seen.push(s) },
  );
  connection.open();
  return { connection, seen };
}

function welcome(socket, extra = {}) {
  socket.say({ type: 'welcome', session: 's-1', resumed: false, next_seq: 1, user: 'a', accounts: [], ice_servers: [], limits: {}, grace: {}, heartbeat_ms: 60000, gateway: 'g', ...extra });
}

test('says hello with its subprotocol and is open after sync', async (t) => {
  const { connection, seen } = open({ token: () => 'secret' });
  await tick();
  const [socket] = Socket.all;
  assert.equal(socket.protocol, 'crosspoint.v1');
  assert.deepEqual(socket.sent[0].token, 'secret');
  welcome(socket);
  assert.notEqual(connection.state, 'open');
  socket.say({ type: 'sync', up_to: 0, calls: [] });
  assert.equal(connection.state, 'open');
  assert.deepEqual(seen.at(-1), 'open');
  t.after(() => connection.close());
});

test('resumes after a loss, sends again what had no reply, ignores what it has seen', async (t) => {
  const { connection, seen } = open();
  await tick();
  const [first] = Socket.all;
  welcome(first);
  first.say({ type: 'sync', up_to: 0, calls: [] });
  const reply = connection.request({ type: 'call.end', call: 'c' });
  first.say({ type: 'call.ringing', seq: 1, call: 'c' });
  first.lose(1006);
  await tick(700);
  const second = Socket.all[1];
  assert.deepEqual(second.sent[0].resume, { session: 's-1', seq: 1 });
  welcome(second, { resumed: true, next_seq: 2 });
  second.say({ type: 'call.ringing', seq: 1, call: 'c' });
  second.say({ type: 'call.ringing', seq: 2, call: 'c' });
  second.say({ type: 'sync', up_to: 2, calls: [] });
  const again = second.sent.find((frame) => frame.type === 'call.end');
  assert.equal(again.id, first.sent.find((frame) => frame.type === 'call.end').id);
  second.say({ type: 'result', id: again.id });
  await reply;
  assert.deepEqual(seen.filter((one) => typeof one === 'number'), [1, 2]);
  t.after(() => connection.close());
});

test('does not come back after it was superseded or turned away', async () => {
  for (const [code, state] of [[4409, 'superseded'], [4401, 'refused']]) {
    const { connection } = open();
    await tick();
    Socket.all[0].lose(code, 'why');
    await tick(700);
    assert.equal(connection.state, state);
    assert.equal(Socket.all.length, 1);
  }
});

test('a reload finds the session, a duplicated tab does not', async (t) => {
  const place = storage();
  const { connection } = open({ storage: place });
  await tick();
  welcome(Socket.all[0]);
  Socket.all[0].say({ type: 'sync', up_to: 0, calls: [] });
  assert.equal(place.kept.size, 0, 'nothing lies there for a copy of this tab');
  connection.keep();
  const next = open({ storage: place });
  await tick();
  assert.equal(Socket.all[0].sent[0].resume.session, 's-1');
  t.after(() => { connection.close(); next.connection.close(); });
});
