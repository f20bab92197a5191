/**
 * Keeps a session to one tab.
 *
 * `sessionStorage` is copied when a tab is duplicated, so two tabs may find the same session. The
 * tab that holds the session's lock owns it; the copy gets no lock and begins a session of its own.
 * Where there are no locks, the tabs ask each other over a channel.
 */
import type { Environment } from "./environment.js";
/** Ends the ownership. */
export type Release = () => void;
/** Claims a session for this tab. Resolves to undefined where another tab has it. */
export declare function claim(session: string, environment: Environment): Promise<Release | undefined>;
