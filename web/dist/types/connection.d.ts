/**
 * The WebSocket to the gateway: hello, requests and their replies, events in order, heartbeat,
 * reconnect and resume. Knows nothing of calls.
 *
 * ```text
 *            open()              socket open           welcome           sync
 *   idle ───────────▶ opening ───────────────▶ greeting ───────▶ replaying ───▶ open
 *                        ▲                        │                  │           │
 *                        │ back-off, or `online`  │ socket lost      │           │
 *                     waiting ◀───────────────────┴──────────────────┴───────────┘
 *   any ── close(), or a close code that forbids to come back ──▶ closed
 * ```
 *
 * Requests that have no reply when a socket is lost are sent again, with their ids, on the next.
 */
import type { EventFrame, Result, Sync, Welcome } from "./frames.js";
import type { RequestFrame } from "./protocol.js";
import { Emitter } from "./events.js";
import type { Environment } from "./environment.js";
import { Fault } from "./fault.js";
import { Memory } from "./memory.js";
/** A token, or what fetches one each time it is needed. */
export type Token = string | undefined | (() => Promise<string | undefined>);
/** Where to connect, and as whom. */
export interface ConnectionOptions {
    /** `wss://…/ws`. */
    url: string;
    token?: Token;
    /** What the browser can: `trickle` and, where it takes early answers, `pranswer`. */
    capabilities: () => Promise<string[]>;
    /** Name and version of the page, for the gateway's log. */
    client?: string;
}
/** How the connection stands. */
export type ConnectionState = "idle" | "connecting" | "connected" | "reconnecting" | "closed";
/** What a connection tells. */
export interface ConnectionEvents {
    state: {
        state: ConnectionState;
        fault?: Fault;
        retryInMs?: number;
    };
    /** After a welcome: the events that were missed, in order, then the truth. */
    ready: {
        welcome: Welcome;
        missed: EventFrame[];
        sync: Sync;
    };
    event: EventFrame;
    fault: Fault;
}
export declare class Connection extends Emitter<ConnectionEvents> {
    #private;
    readonly memory: Memory;
    constructor(options: ConnectionOptions, environment: Environment);
    /** How the connection stands. */
    get state(): ConnectionState;
    /** Begins, with the session that this tab had before a reload, where there is one. */
    open(): Promise<void>;
    /** Ends it for good. Calls go on at the gateway until their grace is over, or are ended first. */
    close(): void;
    /** Takes a new socket in place of the one there is; what was missed comes again. */
    reconnect(): void;
    /**
     * Sends a request; resolves with the gateway's `result`, rejects with a {@link Fault}. Waits for
     * the connection where there is none, and is sent again after a lost one.
     */
    request(frame: RequestFrame): Promise<Result>;
}
