/** The demo page: a softphone on the client library. */

import { Crosspoint, Ringer, type Call } from '../src/index.js';
import { card, type Card } from './card.js';
import { element, inWords } from './words.js';

const KEYS: [string, string][] = [
  ['1', ''], ['2', 'ABC'], ['3', 'DEF'], ['4', 'GHI'], ['5', 'JKL'], ['6', 'MNO'],
  ['7', 'PQRS'], ['8', 'TUV'], ['9', 'WXYZ'], ['*', ''], ['0', '+'], ['#', ''],
];

const link = element('link');
const dial = element<HTMLFormElement>('dial');
const to = element<HTMLInputElement>('to');
const callButton = element<HTMLButtonElement>('call');
const videoButton = element<HTMLButtonElement>('video');
const problem = element('problem');
const enter = element<HTMLFormElement>('enter');
const ringer = new Ringer();
const cards = new Map<string, Card>();

let token = sessionStorage.getItem('token') ?? '';
const client = new Crosspoint({ token: () => token });
// For tests and for whoever is curious in the console.
Object.assign(window, { crosspoint: client });

for (const [digit, letters] of KEYS) {
  const key = document.createElement('button');
  key.type = 'button';
  key.append(digit);
  const small = document.createElement('small');
  small.textContent = letters;
  key.append(small);
  key.setAttribute('aria-label', digit === '*' ? 'star' : digit === '#' ? 'hash' : digit);
  key.addEventListener('click', () => {
    ringer.key(digit);
    const talking = [...client.calls.values()].find((call) => call.state === 'connected');
    if (talking) void talking.dtmf(digit).catch(complain);
    else to.value += digit;
  });
  element('pad').append(key);
}

element('erase').addEventListener('click', () => {
  to.value = to.value.slice(0, -1);
  to.focus();
});
videoButton.addEventListener('click', () => {
  videoButton.setAttribute('aria-pressed', String(videoButton.getAttribute('aria-pressed') !== 'true'));
});
for (const chip of document.querySelectorAll<HTMLButtonElement>('.chip')) {
  chip.addEventListener('click', () => {
    to.value = chip.dataset.to ?? '';
    to.focus();
  });
}

dial.addEventListener('submit', (event) => {
  event.preventDefault();
  const target = to.value.trim();
  if (!target) return complain(new Error('Write a number or a name first.'));
  problem.hidden = true;
  const video = videoButton.getAttribute('aria-pressed') === 'true';
  void client.call(target, { video }).catch(complain);
});

enter.addEventListener('submit', (event) => {
  event.preventDefault();
  token = element<HTMLInputElement>('token').value.trim();
  sessionStorage.setItem('token', token);
  enter.hidden = true;
  client.connect();
});

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  const running = [...client.calls.values()].filter((call) => call.state !== 'ended');
  const last = running[running.length - 1];
  if (last) void (last.state === 'incoming' ? last.reject() : last.hangUp()).catch(complain);
});

client.addEventListener('state', (event) => {
  const { state, why } = (event as CustomEvent<{ state: string; why: string }>).detail;
  link.dataset.state = state;
  const words: Record<string, string> = {
    connecting: 'connecting…', open: 'connected', closed: 'signed out', refused: 'not signed in',
    superseded: 'open in another tab', waiting: 'reconnecting, calls go on',
  };
  link.textContent = words[state] ?? state;
  link.title = why;
  callButton.disabled = state !== 'open';
  if (state === 'open') element('who').textContent = `You are ${client.user}.`;
  if (state === 'refused') {
    enter.hidden = false;
    element('enter-why').textContent = why ? `This gateway asks for a token: ${why}.` : 'This gateway asks for a token.';
  }
});
client.addEventListener('calls', draw);
callButton.disabled = true;
client.connect();

function complain(error: unknown): void {
  problem.textContent = inWords(error);
  problem.hidden = false;
}

function draw(): void {
  const all = [...client.calls.values()];
  for (const call of all) {
    const known = cards.get(call.id) ?? fresh(call);
    known.draw();
    const place = call.state === 'incoming' ? element('incoming') : element('calls');
    if (known.root.parentElement !== place) place.prepend(known.root);
  }
  for (const [id, known] of cards) {
    if (client.calls.has(id)) continue;
    known.root.remove();
    cards.delete(id);
  }
  if (all.some((call) => call.state === 'incoming')) ringer.start('ring');
  else if (all.some((call) => call.state === 'ringing')) ringer.start('ringback');
  else ringer.stop();
}

function fresh(call: Call): Card {
  const made = card(call, complain, () => client.forget(call));
  cards.set(call.id, made);
  return made;
}
