/**
 * Keeps a session to one tab.
 *
 * `sessionStorage` is copied when a tab is duplicated, so two tabs may find the same session. The
 * tab that holds the session's lock owns it; the copy gets no lock and begins a session of its own.
 * Where there are no locks, the tabs ask each other over a channel.
 */
import type { Environment } from "./environment.js";

/** How long a lock may take that the page before a reload is about to give back. */
const LOCK_MS = 600;
/** How long another tab may take to say that the session is its own. */
const ANSWER_MS = 250;

/** Ends the ownership. */
export type Release = () => void;

/** Claims a session for this tab. Resolves to undefined where another tab has it. */
export function claim(session: string, environment: Environment): Promise<Release | undefined> {
  const name = `crosspoint.session.${session}`;
  if (environment.locks) return byLock(name, environment);
  if (environment.openChannel) return byChannel(name, environment);
  return Promise.resolve(() => {}); // Nothing to ask: take it, as the gateway fences the other.
}

function byLock(name: string, environment: Environment): Promise<Release | undefined> {
  return new Promise((resolve) => {
    const patience = new AbortController();
    const timer = environment.setTimeout(() => patience.abort(), LOCK_MS);
    const held = environment.locks?.request(name, { signal: patience.signal }, () => {
      environment.clearTimeout(timer);
      return new Promise<void>((release) => resolve(release));
    });
    held?.catch(() => resolve(undefined)); // Another tab has it.
  });
}

function byChannel(name: string, environment: Environment): Promise<Release | undefined> {
  return new Promise((resolve) => {
    const channel = environment.openChannel?.(name);
    if (!channel) return resolve(() => {});
    const self = environment.newId();
    let mine = false;
    channel.onmessage = ({ data }) => {
      const message = data as { from?: string; says?: string };
      if (message.from === self) return;
      if (message.says === "whose" && mine) channel.postMessage({ from: self, says: "mine" });
      if (message.says === "mine" && !mine) {
        environment.clearTimeout(timer);
        channel.close();
        resolve(undefined);
      }
    };
    channel.postMessage({ from: self, says: "whose" });
    const timer = environment.setTimeout(() => {
      mine = true;
      resolve(() => channel.close());
    }, ANSWER_MS);
  });
}
