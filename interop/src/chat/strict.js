// What Conversations throws at, in what a phone of the lab is sent: each is a call lost there.

const DTLS = 'urn:xmpp:jingle:apps:dtls:0';
const SSMA = 'urn:xmpp:jingle:apps:rtp:ssma:0';

/** The faults of a `jingle` element, as sentences; none when Conversations would take it. */
export function faultsOf(jingle) {
  const action = jingle.getAttribute('action');
  const faults = [];
  const all = (name) => [...jingle.getElementsByTagNameNS('*', name)];
  for (const content of all('content')) {
    const name = content.getAttribute('name') ?? '';
    if (!name || name.length > 16 || /\s/.test(name)) faults.push(`the content name "${name}"`);
  }
  for (const candidate of all('candidate')) {
    const protocol = candidate.getAttribute('protocol');
    if (protocol !== 'udp') faults.push(`a candidate for ${protocol}`);
    for (const key of ['component', 'foundation', 'ip', 'port', 'priority', 'type']) {
      if (!candidate.getAttribute(key)) faults.push(`a candidate without ${key}`);
    }
  }
  for (const payload of all('payload-type')) {
    const parameters = [...payload.children].filter((c) => c.localName === 'parameter');
    const nameless = parameters.filter((p) => !p.getAttribute('name'));
    if (nameless.length && parameters.length > 1) faults.push('a nameless parameter beside others');
    for (const p of parameters) {
      const [name, value] = ['name', 'value'].map((key) => p.getAttribute(key) ?? '');
      if (/\s/.test(name + value)) faults.push(`white space in the parameter ${name}=${value}`);
      if (!value) faults.push(`a parameter ${name} without a value`);
    }
    if (!payload.getAttribute('id')) faults.push('a payload without id');
  }
  for (const source of [...jingle.getElementsByTagNameNS(SSMA, 'source')]) {
    for (const p of [...source.children].filter((c) => c.localName === 'parameter')) {
      if (!p.getAttribute('value')) faults.push('a parameter of a source without a value');
    }
  }
  for (const transport of all('transport')) {
    const [ufrag, pwd] = ['ufrag', 'pwd'].map((key) => transport.getAttribute(key) ?? '');
    if (/\s/.test(ufrag + pwd)) faults.push('white space in ICE credentials');
    if (action === 'session-initiate' || action === 'session-accept') {
      if (!ufrag || !pwd) faults.push('no ICE credentials');
      const [print] = transport.getElementsByTagNameNS(DTLS, 'fingerprint');
      if (!print) faults.push('no fingerprint');
      else {
        const setup = print.getAttribute('setup');
        const right = action === 'session-initiate' ? setup === 'actpass'
          : setup === 'active' || setup === 'passive';
        if (!right) faults.push(`setup ${setup} in ${action}`);
        if (!print.getAttribute('hash')) faults.push('a fingerprint without hash');
      }
    }
  }
  return faults.map((fault) => `${action}: ${fault}`);
}
