#!/usr/bin/env python3
"""A chat user who does what no client should, by slixmpp: one scenario a run.

    misbehave.py SCENARIO --jid mallory@xmpp.test/bad --password … --port 5222 --to alice@x.test

Each line on standard output is a JSON object with `event`: `online`, `sent`, `reply` (to an iq of
ours: `step`, `type`, `condition`, `jingle`), `jingle` (a request that came: `action`, `sid`,
`reason`), `jmi` (`action`, `sid`, `reason`), `message`, `note`, and at last `end`, or `lost` when
the stream broke. Nothing here has media: what matters is what comes back, and what goes on.
"""

import argparse
import asyncio
import json
import sys
import uuid
import xml.etree.ElementTree as ET
from xml.sax.saxutils import quoteattr

import slixmpp
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

CLIENT = 'jabber:client'
STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'
JINGLE = 'urn:xmpp:jingle:1'
ERRORS = 'urn:xmpp:jingle:errors:1'
JMI = 'urn:xmpp:jingle-message:0'
RTP = 'urn:xmpp:jingle:apps:rtp:1'
ICE = 'urn:xmpp:jingle:transports:ice-udp:1'
DTLS = 'urn:xmpp:jingle:apps:dtls:0'
CARBONS = 'urn:xmpp:carbons:2'
PRINT = ':'.join(f'{(i * 7 + 160) % 256:02X}' for i in range(32))
REPLY = 8

ACTIONS = [
    'content-accept', 'content-add', 'content-modify', 'content-reject', 'content-remove',
    'description-info', 'security-info', 'session-accept', 'session-info', 'transport-accept',
    'transport-info', 'transport-reject', 'transport-replace', 'no-such-action',
]


def local(tag):
    return tag.split('}')[-1]


def description(more=''):
    return (f'<description xmlns="{RTP}" media="audio"><rtcp-mux/>'
            '<payload-type id="111" name="opus" clockrate="48000" channels="2"/>'
            f'<payload-type id="0" name="PCMU" clockrate="8000"/>{more}</description>')


def candidate(number, port=40_000):
    return (f'<candidate component="1" foundation="{number % 250}" generation="0" id="c{number}"'
            f' ip="127.0.0.1" network="0" port="{port + number % 20_000}" priority="2122260223"'
            ' protocol="udp" type="host"/>')


def transport(ufrag='bad1', pwd='0123456789abcdefghijklmn', setup='actpass', text=PRINT, inner='',
              hash_='sha-256'):
    return (f'<transport xmlns="{ICE}" ufrag="{ufrag}" pwd="{pwd}">'
            f'<fingerprint xmlns="{DTLS}" hash="{hash_}" setup="{setup}">{text}</fingerprint>'
            f'{inner}</transport>')


def content(inner=None, name='0', creator='initiator', more=''):
    inner = description() + transport() if inner is None else inner
    return f'<content creator="{creator}" name="{name}" senders="both"{more}>{inner}</content>'


class Peer(slixmpp.ClientXMPP):
    """One login, what it got, and requests that wait for their reply."""

    def __init__(self, options):
        super().__init__(options.jid, options.password)
        self.options = options
        self.waiting = {}
        self.came = []
        self.online = asyncio.Event()
        self.answers = True
        self['feature_mechanisms'].unencrypted_scram = True
        self['feature_mechanisms'].unencrypted_plain = True
        self.add_event_handler('session_start', lambda _: self.online.set())
        self.add_event_handler('failed_auth', lambda _: self.tell('lost', why='not let in'))
        self.add_event_handler('stream_error', lambda e: self.tell('note', text=str(e)[:300]))
        self.add_event_handler('disconnected', lambda _: self.lost())
        for kind in ('iq', 'message', 'presence'):
            self.register_handler(Callback(kind, MatchXPath(f'{{{CLIENT}}}{kind}'), self.take))
        self.over = False

    def tell(self, event, **more):
        print(json.dumps({'event': event, **more}), flush=True)

    def lost(self):
        if not self.over:
            self.tell('lost', why='the stream ended')

    # ---- what comes

    def take(self, stanza):
        xml = stanza.xml
        if local(xml.tag) == 'iq' and xml.get('type') in ('result', 'error'):
            waiting = self.waiting.pop(xml.get('id'), None)
            if waiting and not waiting.done():
                waiting.set_result(xml)
            return
        for child in xml:
            space = child.tag[1:].split('}')[0]
            if space == JINGLE and local(xml.tag) == 'iq':
                self.requested(xml, child)
            elif space == JMI:
                self.note({'event': 'jmi', 'action': local(child.tag), 'sid': child.get('id'),
                           'from': xml.get('from'), 'reason': self.reason(child)})
        if local(xml.tag) == 'message' and xml.get('type') == 'error':
            error = xml.find(f'{{{CLIENT}}}error')
            self.note({'event': 'message', 'type': 'error', 'id': xml.get('id'),
                       **self.condition(error)})

    def requested(self, xml, jingle):
        transports = list(jingle.iter(f'{{{ICE}}}transport'))
        self.note({
            'event': 'jingle', 'action': jingle.get('action'), 'sid': jingle.get('sid'),
            'from': xml.get('from'), 'reason': self.reason(jingle),
            'ufrag': transports[0].get('ufrag') if transports else None,
            'candidates': len(list(jingle.iter(f'{{{ICE}}}candidate'))),
        })
        if self.answers is True:
            self.result(xml.get('id'), xml.get('from'))
        elif self.answers:
            self.answers(xml, jingle)

    def note(self, what):
        self.came.append(what)
        self.tell(**what)

    def reason(self, element):
        reason = element.find(f'{{{JINGLE}}}reason')
        if reason is None:
            return None
        return next((local(c.tag) for c in reason if local(c.tag) != 'text'), None)

    def condition(self, error):
        if error is None:
            return {'condition': None, 'jingle': None}
        names = {c.tag[1:].split('}')[0]: local(c.tag) for c in error if local(c.tag) != 'text'}
        return {'condition': names.get(STANZAS), 'jingle': names.get(ERRORS)}

    # ---- what goes out

    def write(self, xml):
        self.tell('sent', xml=xml if len(xml) < 600 else f'{xml[:500]}… {len(xml)} characters')
        self.send_raw(xml)

    def result(self, id_, to, error=None):
        if error is None:
            self.write(f'<iq type="result" id={quoteattr(id_)} to={quoteattr(to)}/>')
            return
        self.write(f'<iq type="error" id={quoteattr(id_)} to={quoteattr(to)}>'
                   f'<error type="cancel">{error}</error></iq>')

    async def ask(self, step, inner, to=None, id_=None, wait=REPLY):
        """Sends an iq of type set and tells its reply."""
        id_ = id_ or uuid.uuid4().hex[:12]
        to = self.options.to if to is None else to
        future = asyncio.get_event_loop().create_future()
        self.waiting[id_] = future
        self.write(f'<iq type="set" id={quoteattr(id_)} to={quoteattr(to)}>{inner}</iq>')
        try:
            xml = await asyncio.wait_for(future, wait)
        except asyncio.TimeoutError:
            self.tell('reply', step=step, type='none')
            return None
        told = {'step': step, 'type': xml.get('type'), 'from': xml.get('from'),
                **self.condition(xml.find(f'{{{CLIENT}}}error'))}
        self.tell('reply', **told)
        return told

    def jingle(self, action, sid, inner='', initiator=True, more=''):
        who = f' initiator={quoteattr(str(self.boundjid))}' if initiator else ''
        return (f'<jingle xmlns="{JINGLE}" action="{action}" sid={quoteattr(sid)}{who}{more}>'
                f'{inner}</jingle>')

    async def act(self, action, sid, inner='', step=None, **more):
        return await self.ask(step or action, self.jingle(action, sid, inner), **more)

    async def initiate(self, sid, inner=None, step='session-initiate'):
        return await self.act('session-initiate', sid, content() if inner is None else inner, step)

    async def terminate(self, sid, reason='cancel'):
        return await self.act('session-terminate', sid, f'<reason><{reason}/></reason>')

    def message(self, inner, to=None, more=''):
        to = self.options.to if to is None else to
        self.write(f'<message type="chat" to={quoteattr(to)}{more}>{inner}</message>')

    async def wait(self, seconds, **wanted):
        """Waits for something that came and has these members; each is given once."""
        for _ in range(int(seconds * 20)):
            for what in self.came:
                if not what.get('seen') and all(what.get(k) == v for k, v in wanted.items()):
                    what['seen'] = True
                    return what
            await asyncio.sleep(0.05)
        self.tell('note', text=f'nothing like {wanted} came in {seconds} s')
        return None

    async def answered(self, sid):
        """Calls and waits for the answer; who is called has a minute's patience."""
        await self.initiate(sid)
        return await self.wait(15, event='jingle', action='session-accept', sid=sid)


# ---- Scenarios ----------------------------------------------------------------------------------

def new_sid():
    return f'bad-{uuid.uuid4().hex[:10]}'


def proposal(sid):
    return (f'<propose xmlns="{JMI}" id="{sid}"><description xmlns="{RTP}" media="audio"/>'
            '</propose>')


async def tried(peer, inner, step, sid=None):
    """Calls with these contents; takes it back where it was taken."""
    sid = new_sid() if sid is None else sid
    told = await peer.initiate(sid, inner, step)
    if told and told['type'] == 'result':
        await peer.terminate(sid)


async def honest(peer):
    """A call as it should be, taken back: can others still call?"""
    sid = new_sid()
    await peer.initiate(sid)
    await peer.terminate(sid)


async def duplicates(peer):
    """The same child twice, everywhere."""
    d, t = description(), transport()
    twice = f'<fingerprint xmlns="{DTLS}" hash="sha-256" setup="actpass">{PRINT}</fingerprint>'
    pcma = '<payload-type id="111" name="PCMA" clockrate="8000"/>'
    for step, inner in [
        ('two descriptions', content(d + d + t)),
        ('two transports', content(d + t + t)),
        ('two contents of a name', content() + content()),
        ('two fingerprints', content(d + transport(inner=twice))),
        ('two payloads of a number', content(description(pcma) + t)),
        ('two rtcp-mux', content(description('<rtcp-mux/>') + t)),
    ]:
        await tried(peer, inner, step)
    sid = new_sid()
    both = peer.jingle('session-initiate', sid, content())
    await peer.ask('two jingles', both + both)
    await peer.act('session-terminate', sid, '<reason><busy/><decline/></reason>'
                   '<reason><success/></reason>', 'two reasons')
    sid = new_sid()
    peer.message(proposal(sid) * 2 + '<thread>1</thread><thread>2</thread>'
                 '<body>a</body><body>b</body>')
    await asyncio.sleep(0.5)
    peer.message(f'<retract xmlns="{JMI}" id="{sid}"/><retract xmlns="{JMI}" id="{sid}"/>')


async def attributes(peer):
    """Attributes of 8 KB and of 500 KB, where anybody may put them."""
    for size in (8_300, 500_000):
        long = 'x' * size
        await tried(peer, content(), f'sid {size}', sid=long)
        await tried(peer, content(name=long), f'name {size}')
        await tried(peer, content(more=f' nobody-knows-this="{long}"'), f'unknown {size}')
        await tried(peer, content(description() + transport(ufrag=long)), f'ufrag {size}')
        peer.message(f'<body>{size}</body>', more=f' id="{long}"')
        peer.message(proposal(long))
        peer.message(f'<retract xmlns="{JMI}" id="{long}"/>')


async def unknown(peer):
    """Every action for a session that nobody has."""
    sid = new_sid()
    for action in ACTIONS + ['session-terminate']:
        await peer.act(action, sid, content())
    for action in ('ringing', 'proceed', 'reject', 'retract', 'accept', 'finish', 'nonsense'):
        peer.message(f'<{action} xmlns="{JMI}" id="{sid}"/>')
    await peer.ask('no sid', f'<jingle xmlns="{JINGLE}" action="session-initiate"/>')
    await peer.ask('no action', f'<jingle xmlns="{JINGLE}" sid="{sid}"/>')
    await tried(peer, content(), 'an empty sid', sid='')
    await tried(peer, '', 'no content')
    await tried(peer, content('', name=''), 'an empty content')
    await tried(peer, content(transport()), 'no description')
    await tried(peer, content(description()), 'no transport')


async def order(peer):
    """What is right in itself, at the wrong time or by the wrong side."""
    sid = new_sid()
    await peer.act('session-accept', sid, content(), 'accept before initiate')
    await peer.initiate(sid)
    await peer.initiate(sid, step='initiate twice')
    for action in ('session-accept', 'content-accept', 'content-reject', 'transport-accept'):
        await peer.act(action, sid, content(), f'{action} while it rings')
    await peer.act('content-modify', sid, '<content creator="initiator" name="0" senders="none"/>',
                   'modify while it rings')
    await peer.act('content-remove', sid, '<content creator="initiator" name="7"/>',
                   'remove what is not there')
    await peer.terminate(sid)
    await peer.act('session-info', sid, '', 'info after the end')
    await peer.terminate(sid)
    # A proposal whose proceed, if one comes, is answered by an accept.
    sid = new_sid()
    peer.message(proposal(sid))
    proceed = await peer.wait(2, event='jmi', action='proceed', sid=sid)
    if proceed:
        await peer.act('session-accept', sid, content(), 'accept instead of initiate',
                       to=proceed['from'])
        await peer.act('transport-info', sid, content(transport()), 'candidates before initiate',
                       to=proceed['from'])
    peer.message(f'<retract xmlns="{JMI}" id="{sid}"/>')
    # One that is taken back, and goes on nevertheless.
    await peer.initiate(sid, step='initiate after retract')
    await peer.terminate(sid)


async def foreign(peer):
    """Somebody else's session: `--sid`."""
    sid = peer.options.sid
    for action in ('session-terminate', 'session-accept', 'transport-info', 'content-modify',
                   'session-info', 'session-initiate'):
        await peer.act(action, sid, content())
    for action in ('retract', 'reject', 'proceed', 'accept', 'finish'):
        peer.message(f'<{action} xmlns="{JMI}" id="{sid}"/>')
    victim = peer.options.victim
    for name in ('sent', 'received'):
        inner = (f'<message xmlns="{CLIENT}" type="chat" from={quoteattr(victim)} '
                 f'to={quoteattr(peer.options.to)}><retract xmlns="{JMI}" id="{sid}"/></message>')
        peer.message(f'<{name} xmlns="{CARBONS}"><forwarded xmlns="urn:xmpp:forward:0">{inner}'
                     f'</forwarded></{name}>')


async def fingerprint(peer):
    """Fingerprints as the examples of the XEPs have them, and worse ones."""
    lower = PRINT.lower()
    for step, text in [
        ('white space around', f'\n      {PRINT}\n    '),
        ('lower case', lower),
    ]:
        sid = new_sid()
        await peer.initiate(sid, content(description() + transport(text=text)), step)
        await peer.wait(1, event='jingle', action='session-info', sid=sid)
        await peer.terminate(sid)
    for step, text in [
        ('white space within', PRINT.replace(':', ': ', 3)),
        ('odd', f'{PRINT}:A'),
        ('short', 'AB:CD'),
        ('not hexadecimal', PRINT.replace('A', 'Z')),
        ('empty', ''),
        ('blank', '   '),
        ('colons', ':::::'),
        ('foreign digits', '١٢:٣٤'),
    ]:
        await tried(peer, content(description() + transport(text=text)), step)
    for step, given in [
        ('an unknown hash', {'hash_': 'sha-9'}),
        ('an unknown setup', {'setup': 'x'}),
        ('holdconn', {'setup': 'holdconn'}),
    ]:
        await tried(peer, content(description() + transport(**given)), step)


async def candidates(peer):
    """Thousands of candidates: in a stanza, and in many."""
    sid = new_sid()
    many = ''.join(candidate(i) for i in range(1_400))
    await peer.initiate(sid, content(description() + transport(inner=many)), 'initiate with 1400')
    more = (f'<content creator="initiator" name="0"><transport xmlns="{ICE}" ufrag="bad1" '
            'pwd="0123456789abcdefghijklmn">%s</transport></content>')
    for start in range(0, 2_000, 100):
        inner = ''.join(candidate(10_000 + start + i) for i in range(100))
        await peer.act('transport-info', sid, more % inner, f'{start}')
    for step, bad in [
        ('no ip', candidate(1).replace(' ip="127.0.0.1"', '')),
        ('port 70000', candidate(1).replace('port="40001"', 'port="70000"')),
        ('a line break', candidate(1).replace('127.0.0.1', '127.0.0.1&#13;&#10;a=evil:1')),
        ('a component', candidate(1).replace('component="1"', 'component="-1"')),
    ]:
        await peer.act('transport-info', sid, more % bad, step)
    await peer.terminate(sid)


async def both_restart(peer):
    """Waits for a restart in mid-call, and restarts itself before it answers that one."""
    sid = new_sid()
    if not await peer.answered(sid):
        return
    peer.tell('note', text='talking', sid=sid)
    held = asyncio.get_event_loop().create_future()
    first = next(c['ufrag'] for c in peer.came if c.get('action') == 'session-accept')

    def answers(xml, jingle):
        ufrags = [t.get('ufrag') for t in jingle.iter(f'{{{ICE}}}transport')]
        fresh = ufrags and ufrags[0] not in (first, None)
        if fresh and jingle.get('action') == 'transport-info' and not held.done():
            held.set_result((xml.get('id'), xml.get('from'), ufrags[0]))
        else:
            peer.result(xml.get('id'), xml.get('from'))

    peer.answers = answers
    try:
        id_, from_, theirs = await asyncio.wait_for(held, 12)
    except asyncio.TimeoutError:
        peer.tell('note', text='no restart came')
        return
    # The initiator's restart wins: ours goes on, theirs is told of the tie.
    ours = f'<transport xmlns="{ICE}" ufrag="bad2" pwd="nmlkjihgfedcba9876543210"/>'
    asked = asyncio.ensure_future(peer.act(
        'transport-info', sid, f'<content creator="initiator" name="0">{ours}</content>',
        'our restart', to=from_))
    await asyncio.sleep(0.2)
    # Ours is out; whether it is taken is said once it is known what becomes of theirs.
    peer.result(id_, from_, f'<conflict xmlns="{STANZAS}"/><tie-break xmlns="{ERRORS}"/>')
    told = await asked
    for _ in range(60):
        fresh = [c for c in peer.came if c.get('action') == 'transport-info'
                 and c.get('ufrag') not in (first, theirs, None)]
        if fresh:
            peer.tell('note', text='answered', ufrag=fresh[0]['ufrag'],
                      candidates=fresh[0]['candidates'])
            break
        await asyncio.sleep(0.1)
    peer.tell('note', text='restarted', ours=told and told['type'])
    await peer.wait(20, event='jingle', action='session-terminate', sid=sid)


async def flood(peer):
    """Proposals by the hundred, and taken back."""
    all_ = [new_sid() for _ in range(300)]
    head = f'<message type="chat" to={quoteattr(peer.options.to)}>'
    for sid in all_:
        peer.send_raw(f'{head}{proposal(sid)}</message>')
    await asyncio.sleep(1.5)
    for sid in all_:
        peer.send_raw(f'{head}<retract xmlns="{JMI}" id="{sid}"/></message>')
    await asyncio.sleep(1.5)


SCENARIOS = {f.__name__.replace('_', '-'): f for f in (
    honest, duplicates, attributes, unknown, order, foreign, fingerprint, candidates, both_restart,
    flood)}


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('scenario', choices=SCENARIOS)
    parser.add_argument('--jid', required=True)
    parser.add_argument('--password', required=True)
    parser.add_argument('--port', type=int, required=True)
    parser.add_argument('--to', required=True)
    parser.add_argument('--sid', default='')
    parser.add_argument('--victim', default='')
    options = parser.parse_args()
    peer = Peer(options)
    peer.connect(('127.0.0.1', options.port), use_ssl=False, force_starttls=False,
                 disable_starttls=True)
    try:
        await asyncio.wait_for(peer.online.wait(), 15)
    except asyncio.TimeoutError:
        peer.tell('lost', why='no login in 15 s')
        return 1
    peer.send_presence()
    peer.tell('online', jid=str(peer.boundjid))
    await SCENARIOS[options.scenario](peer)
    # Does who was called still answer, and by what?
    ping = '<ping xmlns="urn:xmpp:ping"/>'
    alive = None
    for _ in range(3):
        alive = await peer.ask('ping', ping, wait=3)
        if alive:
            break
    peer.over = True
    peer.tell('end', scenario=options.scenario, alive=bool(alive))
    if options.victim:
        # Its server puts its own address here, or ends the stream.
        peer.send_raw(f'<message type="chat" from={quoteattr(options.victim)} '
                      f'to={quoteattr(options.to)}><retract xmlns="{JMI}" '
                      f'id={quoteattr(options.sid)}/></message>')
        await asyncio.sleep(0.5)
    peer.disconnect()
    await asyncio.sleep(0.2)
    return 0


if __name__ == '__main__':
    sys.exit(asyncio.get_event_loop().run_until_complete(main()))
