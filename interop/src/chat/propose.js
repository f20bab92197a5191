// Jingle Message Initiation (XEP-0353 0.8.0), which the library does not have: who proposes, rings,
// proceeds, rejects and retracts. It reads and writes messages as text, and knows nothing of media.

const JMI = 'urn:xmpp:jingle-message:0';
const JINGLE = 'urn:xmpp:jingle:1';
const RTP = 'urn:xmpp:jingle:apps:rtp:1';
const CARBONS = 'urn:xmpp:carbons:2';

const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const bare = (jid) => jid.split('/')[0];
const child = (element, namespace, name) => [...element.children]
  .find((c) => c.namespaceURI === namespace && (!name || c.localName === name));

/** Reads what a `reason` says: `{ condition, text }`. */
function reasonOf(element) {
  const reason = child(element, JINGLE, 'reason');
  if (!reason) return {};
  const all = [...reason.children];
  return {
    condition: all.find((c) => c.localName !== 'text')?.localName,
    text: all.find((c) => c.localName === 'text')?.textContent,
  };
}

/** Sends and reads the messages of one account's resource. */
export class Proposals {
  /** `write` sends text; `own` gives the full address; `on` is called with what came. */
  constructor(write, own, on) {
    Object.assign(this, { write, own, on });
  }

  /** Sends one: `{ to, action, sid, media, reason }`. */
  send({ to, action, sid, media = [], reason, more = '' }) {
    const descriptions = media.map((m) => `<description xmlns="${RTP}" media="${m}"/>`).join('');
    const why = reason ? `<reason xmlns="${JINGLE}"><${reason}/></reason>` : '';
    this.write(`<message xmlns="jabber:client" to="${escape(to)}" type="chat" `
      + `id="jm-${action}-${escape(sid)}"><${action} xmlns="${JMI}" id="${escape(sid)}">`
      + `${descriptions}${why}${more}</${action}><store xmlns="urn:xmpp:hints"/></message>`);
  }

  /** Takes a stanza that came; says whether it was one of these. */
  take(xml) {
    if (!xml.startsWith('<message') || (!xml.includes(JMI) && !xml.includes('jm-propose-'))) {
      return false;
    }
    const message = new DOMParser().parseFromString(xml, 'text/xml').documentElement;
    const from = message.getAttribute('from') ?? '';
    for (const name of ['sent', 'received']) {
      const carbon = child(message, CARBONS, name);
      if (!carbon) continue;
      // Anybody can write such an element; only our own server's counts.
      if (from !== bare(this.own())) return true;
      const inner = carbon.querySelector('message');
      return inner ? this.#read(inner, name) : true;
    }
    return this.#read(message, null);
  }

  #read(message, carbon) {
    const element = child(message, JMI);
    const told = {
      from: message.getAttribute('from'), to: message.getAttribute('to'), carbon,
      action: element?.localName, sid: element?.getAttribute('id'),
    };
    if (message.getAttribute('type') === 'error') {
      const error = child(message, 'jabber:client', 'error');
      const sid = /^jm-propose-(.*)$/.exec(message.getAttribute('id') ?? '')?.[1];
      if (!sid) return true;
      this.on({ ...told, action: 'error', sid, condition: error?.firstElementChild?.localName });
      return true;
    }
    if (!element) return false;
    const media = [...element.children].filter((c) => c.localName === 'description');
    this.on({
      ...told,
      media: media.map((c) => c.getAttribute('media')),
      ...reasonOf(element),
      tieBreak: !!child(element, JMI, 'tie-break') || !!element.querySelector('tie-break'),
    });
    return true;
  }
}
