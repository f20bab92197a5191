/** Words for people, and small things of the page. */

import { Refused, type Call } from '../src/index.js';

/** An element of the page that is there. */
export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as T;
}

const NEXT: Record<string, string> = {
  not_found: 'The dial plan knows no such number. Check what you wrote, or try “echo”.',
  forbidden: 'You are not allowed to call this.',
  bad_address: 'This is no number or address. Write something like 1001, sip:bob@example.org or user:bob.',
  too_many_calls: 'You have as many calls as you may. End one first.',
  overloaded: 'Too much is going on. Try again in a moment.',
  draining: 'The gateway is being restarted. Try again in a minute.',
};

/** An error in plain words with the next step. */
export function inWords(error: unknown): string {
  if (error instanceof Refused) return NEXT[error.code] ?? error.message;
  if (error instanceof DOMException) {
    if (error.name === 'NotAllowedError') return 'The browser does not let this page use the microphone. Allow it beside the address bar and call again.';
    if (error.name === 'NotFoundError') return 'There is no microphone. Plug one in and call again.';
    if (error.name === 'NotReadableError') return 'Another program uses the microphone. Close it there and call again.';
  }
  return error instanceof Error ? error.message : String(error);
}

/** What a call is doing, in words. */
export function doing(call: Call): string {
  switch (call.state) {
    case 'calling': return 'calling…';
    case 'ringing': return 'it rings there…';
    case 'early': return 'connecting you…';
    case 'incoming': return 'calls you';
    case 'ended': return call.end?.message ?? 'The call has ended.';
    case 'connected': {
      const ice = call.pc?.iceConnectionState;
      if (ice === 'disconnected' || ice === 'failed') return 'the connection is weak, mending it…';
      if (ice === 'new' || ice === 'checking') return 'connecting the sound…';
      if (call.isHeld) return 'on hold';
      if (call.media.some((one) => one.held_there)) return 'you are on hold';
      return call.isMuted ? 'connected, your microphone is off' : 'connected';
    }
  }
}

/** Minutes and seconds. */
export function clock(since: number | undefined): string {
  if (since === undefined) return '';
  const seconds = Math.max(0, Math.floor((Date.now() - since) / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
