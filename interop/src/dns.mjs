// A DNS server of the lab: knows the SRV and A records that a case gives it, and nothing else.

import dgram from 'node:dgram';
import { Cannot, ownNetwork } from './lab.mjs';

const TYPES = { A: 1, SRV: 33 };

/** A name as DNS writes it: each label behind its length. */
function name(text) {
  const labels = text.split('.').filter(Boolean)
    .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([...labels, Buffer.from([0])]);
}

function readName(bytes, start) {
  const labels = [];
  let at = start;
  while (bytes[at] > 0) {
    labels.push(bytes.toString('latin1', at + 1, at + 1 + bytes[at]));
    at += 1 + bytes[at];
  }
  return { text: labels.join('.').toLowerCase(), end: at + 1 };
}

function number(...values) {
  const out = Buffer.alloc(values.length * 2);
  values.forEach((value, i) => out.writeUInt16BE(value, i * 2));
  return out;
}

/** What follows the name in an answer. */
function record({ type, ttl = 60, ...value }) {
  const data = type === 'A' ? Buffer.from(value.address.split('.').map(Number))
    : Buffer.concat([number(value.priority, value.weight ?? 0, value.port), name(value.target)]);
  return Buffer.concat([number(TYPES[type], 1, 0, ttl, data.length), data]);
}

/** A running server on port 53 of loopback, where the lab's resolv.conf sends everybody. */
export class Dns {
  /** `records` are lists of `{ type, … }` by name; what is not there does not exist. */
  static async start(ctx, records) {
    if (!ownNetwork) throw new Cannot('a DNS server needs a network of its own (in-lab.sh)');
    const own = new Dns();
    Object.assign(own, { records, asked: [] });
    const socket = dgram.createSocket('udp4');
    socket.on('message', (bytes, from) => {
      const { text, end } = readName(bytes, 12);
      const type = bytes.readUInt16BE(end);
      const known = Object.entries(TYPES).find(([, code]) => code === type)?.[0] ?? String(type);
      own.asked.push(`${known} ${text}`);
      const there = own.records[text];
      const found = (there ?? []).filter((r) => r.type === known);
      ctx.note(`DNS: ${known} ${text}: ${there ? found.length : 'no such name'}`);
      // A response with authority and the code 3 for a name that is not there (RFC 1035 §4.1.1).
      const head = number(bytes.readUInt16BE(0), there ? 0x8580 : 0x8583, 1, found.length, 0, 0);
      const question = bytes.subarray(12, end + 4);
      const answers = found.map((r) => Buffer.concat([Buffer.from([0xc0, 12]), record(r)]));
      socket.send(Buffer.concat([head, question, ...answers]), from.port, from.address);
    });
    await new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(53, '127.0.0.1', resolve);
    });
    ctx.defer(() => socket.close());
    return own;
  }
}
