/** The client: one session at a gateway, its accounts, its calls. */
import type { AccountAdd, Cause } from "./frames.js";
import type { SipStatus } from "./frames.js";
import type { Welcome } from "./frames.js";
import type { Account } from "./protocol.js";
import { Call } from "./call.js";
import type { CallOptions } from "./call-types.js";
import type { ConnectionEvents, ConnectionState, Token } from "./connection.js";
import type { Environment } from "./environment.js";
import { Emitter } from "./events.js";
import { Fault } from "./fault.js";
import type { Words } from "./words.js";
/** Where to connect, and as whom. */
export interface ConnectOptions {
    /** `wss://…/ws`. Default: `/ws` of the page's own server. */
    url?: string;
    /** A token, or what fetches one. Absent where the gateway asks for none. */
    token?: Token;
    /** Name and version of the page, for the gateway's log. */
    client?: string;
}
/** A text message that has come. */
export interface Message {
    /** Who wrote it: can be written back to. */
    from: string;
    /** The name to show. */
    fromName: string | undefined;
    /** Whom it was for. */
    to: string;
    /** The account that it was for, where it was one. */
    account: string | undefined;
    text: string;
}
/** What became of a text message of ours. */
export type Delivery = {
    id: string;
    delivered: true;
} | {
    id: string;
    delivered: false;
    cause: Cause;
    words: Words;
    sip: SipStatus | undefined;
};
/** What a client tells. Each event's `detail` has the type given here. */
export interface CrosspointEvents {
    state: ConnectionEvents["state"];
    /** Somebody calls. `detail.accept()` takes the call. */
    incoming: Call;
    /** A call began, of any direction, or was found again after a reload. */
    call: Call;
    /** Somebody has written. */
    message: Message;
    /** What became of a message that `sendMessage` sent; of some nothing is ever known. */
    delivery: Delivery;
    /** How an account stands. */
    account: Account;
    /** The token ends soon, and there is no function to fetch another. */
    tokenexpiring: {
        expiresInMs: number;
    };
    /** Something went wrong that no method reports. */
    fault: Fault;
}
export declare class Crosspoint extends Emitter<CrosspointEvents> {
    #private;
    /** `environment` replaces what is taken from the browser; for tests. */
    constructor(environment?: Partial<Environment>);
    /** How the connection stands. */
    get state(): ConnectionState;
    /** Who the gateway says we are. */
    get user(): string | undefined;
    /** Name and version of the gateway. */
    get gateway(): string | undefined;
    get limits(): Welcome["limits"] | undefined;
    /** The accounts, by name. */
    get accounts(): ReadonlyMap<string, Account>;
    /** The calls that are not over, by id. */
    get calls(): ReadonlyMap<string, Call>;
    /** The calls that are over, by id: the last hundred. */
    get past(): ReadonlyMap<string, Call>;
    /**
     * Connects, and stays connected: comes back by itself, with the calls, after a lost connection
     * and after a reload of the page. Resolves when the gateway has said welcome; rejects with a
     * {@link Fault} when it will not have us.
     */
    connect(options?: ConnectOptions): Promise<void>;
    /**
     * Takes a new connection at once, where the page knows that the old one is of no use. Calls go
     * on, and nothing is lost.
     */
    reconnect(): void;
    /** Ends all calls and leaves. */
    disconnect(): Promise<void>;
    /**
     * Calls `to`: what the dial plan knows, or `user:bob`, `join:word`, `sip:…`, `tel:…`. The call
     * is there at once and tells what becomes of it by its events.
     */
    call(to: string, options?: CallOptions): Call;
    /**
     * Sends a text message to whom a call of `to` would go, and returns its id once it is on its way.
     * What becomes of it is told by `delivery` under that id. Rejects with a {@link Fault} where the
     * gateway does not take it.
     */
    sendMessage(to: string, text: string, options?: {
        account?: string;
    }): Promise<string>;
    /** Registers an account: one that the token names, or one's own where the gateway allows it. */
    addAccount(account: Omit<AccountAdd, "type" | "id" | "ack">): Promise<void>;
    /** Takes an account back that `addAccount` brought. */
    removeAccount(account: string): Promise<void>;
    /** Gives the gateway a newer token on the live connection. */
    refreshToken(token: string): Promise<void>;
}
