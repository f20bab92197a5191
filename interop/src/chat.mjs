// A chat user in Node.js, by the npm package `stanza`: an independent client of XMPP.

import net from 'node:net';
import stanza from 'stanza';
import { until, within } from './lab.mjs';

/** Whether somebody listens on a port. */
export function open(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => { socket.destroy(); resolve(true); });
    socket.once('error', () => resolve(false));
  });
}

/** A user who is logged in. */
export class ChatUser {
  /** Logs `user` in at a server of the lab. */
  static async logIn(ctx, server, user = 'alice') {
    const own = new ChatUser();
    own.client = stanza.createClient({
      jid: `${user}@${server.domain}/lab`,
      password: `pw-${user}`,
      transports: { websocket: server.webSocket, bosh: false },
      autoReconnect: false,
    });
    own.messages = [];
    own.presences = [];
    own.client.on('message', (message) => own.messages.push(message));
    own.client.on('presence', (presence) => own.presences.push(presence));
    own.client.on('subscribed', (presence) => own.presences.push({ ...presence, type: 'subscribed' }));
    const begun = new Promise((resolve, reject) => {
      own.client.once('session:started', resolve);
      own.client.once('auth:failed', () => reject(new Error(`${user} is not let in`)));
      own.client.once('stream:error', (error) => reject(new Error(JSON.stringify(error))));
    });
    own.client.connect();
    await within(15_000, `${user} is logged in`, begun);
    // Who has not asked for the roster is not told of approvals (RFC 6121 §3.1.6).
    await within(5_000, `${user} has the roster`, own.client.getRoster());
    own.client.sendPresence();
    ctx.defer(() => own.client.disconnect());
    return own;
  }

  /** The features that an address says to have. */
  async features(jid) {
    const info = await within(5_000, `${jid} answers disco`, this.client.getDiscoInfo(jid));
    return info.features;
  }

  /** Asks whether an address lives. */
  async ping(jid) {
    await within(5_000, `${jid} answers a ping`, this.client.ping(jid));
  }

  /** The same again and again, as long as it is an error. */
  async pingUntil(jid, ms) {
    await until(ms, `${jid} answers a ping`, async () => {
      await this.ping(jid);
      return true;
    }, 200);
  }
}
