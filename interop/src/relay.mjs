// What lies between: a TCP relay whose connections can be cut or fall silent, and a UDP relay that
// loses the datagrams it is told to lose.

import dgram from 'node:dgram';
import net from 'node:net';

/** Relays TCP connections from a port of its own (or from `listen`) to `port` on loopback. */
export class TcpRelay {
  static async start(ctx, port, { listen = 0 } = {}) {
    const own = new TcpRelay();
    own.pairs = new Set();
    own.refusing = false;
    own.taken = 0;
    own.server = net.createServer((near) => {
      if (own.refusing) {
        near.destroy();
        return;
      }
      own.taken += 1;
      const far = net.connect(port, '127.0.0.1');
      const pair = { near, far, silent: false };
      own.pairs.add(pair);
      const pass = (from, to) => {
        from.on('data', (bytes) => {
          if (!pair.silent) to.write(bytes);
        });
        from.on('end', () => { if (!pair.silent) to.end(); });
        from.on('error', () => { if (!pair.silent) to.destroy(); });
        from.on('close', () => {
          if (!pair.silent) to.destroy();
          own.pairs.delete(pair);
        });
      };
      pass(near, far);
      pass(far, near);
    });
    await new Promise((resolve) => own.server.listen(listen, '127.0.0.1', resolve));
    own.port = own.server.address().port;
    own.url = `http://127.0.0.1:${own.port}/`;
    ctx.defer(() => {
      own.server.close();
      for (const { near, far } of own.pairs) {
        near.destroy();
        far.destroy();
      }
    });
    return own;
  }

  /** Resets all connections, both ends at once. */
  cut() {
    for (const { near, far } of this.pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  }

  /** From now on nothing passes on the connections that there are, and neither end is told. */
  silence() {
    for (const pair of this.pairs) pair.silent = true;
  }

  /** Holds back what comes from the far end, or lets it through again; nothing is lost. */
  hold(holding) {
    for (const { far } of this.pairs) {
      if (holding) far.pause();
      else far.resume();
    }
  }

  /** Whether new connections are refused. */
  refuse(refusing) {
    this.refusing = refusing;
  }
}

/** Relays datagrams between whoever sends to its port and `target`, a port of loopback. */
export class UdpRelay {
  /** `loses(text, count)` says whether to lose a datagram; `count` is how often its first line came. */
  static async start(ctx, port, loses) {
    const own = new UdpRelay();
    own.lost = [];
    own.target = port;
    const near = dgram.createSocket('udp4');
    const far = dgram.createSocket('udp4');
    let caller = null;
    const seen = new Map();
    const through = (bytes) => {
      const text = bytes.toString('latin1');
      const cseq = /^CSeq:\s*(.*?)\s*$/im.exec(text)?.[1] ?? '';
      const key = `${text.split('\r\n')[0]} ${cseq}`;
      const count = (seen.get(key) ?? 0) + 1;
      seen.set(key, count);
      if (!loses(text, count)) return true;
      own.lost.push(key);
      ctx.note(`the relay loses ${key}, number ${count}`);
      return false;
    };
    near.on('message', (bytes, from) => {
      caller = from;
      if (through(bytes)) far.send(bytes, own.target, '127.0.0.1');
    });
    far.on('message', (bytes) => {
      if (caller && through(bytes)) near.send(bytes, caller.port, caller.address);
    });
    await Promise.all([near, far].map((socket) => new Promise((resolve) => {
      socket.bind(0, '127.0.0.1', resolve);
    })));
    own.port = near.address().port;
    ctx.defer(() => {
      near.close();
      far.close();
    });
    return own;
  }
}
