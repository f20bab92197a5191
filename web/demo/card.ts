/** One call on the page. */

import type { Call } from '../src/index.js';
import { clock, doing } from './words.js';

export interface Card { root: HTMLElement; draw(): void }

/** Makes the card of a call. */
export function card(call: Call, complain: (error: unknown) => void, forget: () => void): Card {
  const root = document.createElement('article');
  root.className = 'card one';
  const top = make('div', 'top');
  const peer = make('span', 'peer', call.name ? `${call.name} (${call.peer})` : call.peer);
  const time = make('span', 'time');
  top.append(peer, time);
  const words = make('p', 'words');
  words.setAttribute('role', 'status');
  const acts = make('div', 'acts');
  const levels = make('div', 'levels');
  const here = meter('You');
  const there = meter('There');
  levels.append(make('span', '', 'You'), here, make('span', '', 'There'), there);
  const audio = document.createElement('audio');
  audio.autoplay = true;
  audio.srcObject = call.remote;
  const video = document.createElement('video');
  video.autoplay = true;
  video.playsInline = true;
  video.muted = true;
  video.hidden = true;
  video.srcObject = call.remote;
  const details = document.createElement('details');
  const summary = document.createElement('summary');
  summary.textContent = 'Details';
  const list = document.createElement('dl');
  details.append(summary, list);
  root.append(top, words, video, levels, acts, details, audio);

  const act = (text: string, kind: string, work: () => Promise<void> | void) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = text;
    if (kind) button.className = kind;
    button.addEventListener('click', () => {
      button.disabled = true;
      void Promise.resolve(work()).catch(complain).finally(() => { button.disabled = false; });
    });
    return button;
  };
  const answer = act('Answer', 'good', () => call.accept());
  const decline = act('Decline', 'bad', () => call.reject());
  const mute = act('Mute', '', () => call.mute(!call.isMuted));
  const hold = act('Hold', '', () => (call.isHeld ? call.resume() : call.hold()));
  const camera = act('Camera', '', () => (call.hasVideo ? call.removeVideo() : call.addVideo()));
  const hangUp = act('Hang up', 'bad', () => call.hangUp());
  const done = act('Dismiss', 'quiet', forget);
  let shown = '';

  call.addEventListener('track', () => {
    void audio.play().catch(() => undefined);
    video.hidden = call.remote.getVideoTracks().length === 0;
  });
  const stop = new AbortController();
  const timer = setInterval(() => {
    time.textContent = clock(call.state === 'connected' ? call.answeredAt : undefined);
    void measure(call, here, there, details.open ? list : undefined);
    if (call.state === 'ended') {
      clearInterval(timer);
      stop.abort();
    }
  }, 500);

  return {
    root,
    draw() {
      root.dataset.phase = call.state;
      words.textContent = doing(call);
      const set = { incoming: [answer, decline], ended: [done], connected: [mute, hold, camera, hangUp] };
      const wanted = call.state in set ? set[call.state as keyof typeof set] : [hangUp];
      if (shown !== call.state) {
        shown = call.state;
        acts.replaceChildren(...wanted);
        if (call.state === 'incoming') answer.focus();
      }
      levels.hidden = details.hidden = call.state !== 'connected';
      mute.setAttribute('aria-pressed', String(call.isMuted));
      mute.textContent = call.isMuted ? 'Unmute' : 'Mute';
      hold.setAttribute('aria-pressed', String(call.isHeld));
      hold.textContent = call.isHeld ? 'Resume' : 'Hold';
      camera.setAttribute('aria-pressed', String(call.hasVideo));
      video.hidden = call.state !== 'connected' || call.remote.getVideoTracks().every((track) => track.muted);
      if (call.state === 'ended') audio.srcObject = null;
    },
  };
}

async function measure(call: Call, here: HTMLMeterElement, there: HTMLMeterElement, list?: HTMLElement): Promise<void> {
  if (!call.pc || call.state !== 'connected') return;
  const rows: [string, string][] = [];
  const stats = await call.pc.getStats();
  stats.forEach((one: Record<string, unknown>) => {
    if (one.type === 'media-source' && one.kind === 'audio') here.value = Number(one.audioLevel ?? 0);
    if (one.type === 'inbound-rtp' && one.kind === 'audio') {
      there.value = Number(one.audioLevel ?? 0);
      const codec = stats.get(String(one.codecId)) as { mimeType?: string } | undefined;
      rows.push(['Codec', codec?.mimeType ?? ''], ['Received', `${Number(one.packetsReceived)} packets, ${Number(one.packetsLost)} lost`]);
    }
    if (one.type === 'transport' && one.selectedCandidatePairId) {
      const pair = stats.get(String(one.selectedCandidatePairId)) as Record<string, unknown> | undefined;
      const of = (id: unknown) => {
        const candidate = stats.get(String(id)) as Record<string, unknown> | undefined;
        return candidate ? `${String(candidate.address)}:${String(candidate.port)} (${String(candidate.candidateType)})` : '';
      };
      rows.push(['From', of(pair?.localCandidateId)], ['To', of(pair?.remoteCandidateId)], ['Encryption', String(one.srtpCipher ?? '')]);
    }
  });
  if (!list) return;
  list.replaceChildren(...rows.flatMap(([name, value]) => [make('dt', '', name), make('dd', '', value)]));
}

function meter(label: string): HTMLMeterElement {
  const made = document.createElement('meter');
  made.max = 1;
  made.setAttribute('aria-label', `Loudness: ${label}`);
  return made;
}

function make(tag: string, kind: string, text = ''): HTMLElement {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  made.textContent = text;
  return made;
}
