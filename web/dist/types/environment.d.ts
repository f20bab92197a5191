/**
 * What the library takes from the browser. Tests, and pages that run elsewhere, give their own.
 */
/** A running timer. */
export type Timer = ReturnType<typeof setTimeout>;
/** What of `WebSocket` is used. */
export interface Socket {
    onopen: ((event: unknown) => void) | null;
    onmessage: ((event: {
        data: unknown;
    }) => void) | null;
    onclose: ((event: {
        code: number;
        reason: string;
    }) => void) | null;
    onerror: ((event: unknown) => void) | null;
    send(text: string): void;
    close(code?: number, reason?: string): void;
}
/** What of `Storage` is used. */
export type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;
/** What of `LockManager` is used. */
export interface Locks {
    request(name: string, options: {
        ifAvailable?: boolean;
        signal?: AbortSignal;
    }, callback: (lock: unknown) => Promise<void> | void): Promise<unknown>;
}
/** What of `BroadcastChannel` is used. */
export interface Channel {
    onmessage: ((event: {
        data: unknown;
    }) => void) | null;
    postMessage(message: unknown): void;
    close(): void;
}
/** Everything that the library asks of the browser. */
export interface Environment {
    openSocket(url: string, protocol: string): Socket;
    newPeerConnection(configuration: RTCConfiguration): RTCPeerConnection;
    userMedia(constraints: MediaStreamConstraints): Promise<MediaStream>;
    newStream(tracks?: MediaStreamTrack[]): MediaStream;
    /** Of this tab; undefined where a session is not to outlive the page. */
    store: Store | undefined;
    locks: Locks | undefined;
    openChannel: ((name: string) => Channel) | undefined;
    /** Where `online` and `visibilitychange` are heard. */
    window: EventTarget | undefined;
    /** `navigator.connection`, where there is one. */
    network: (EventTarget & {
        type?: string;
    }) | undefined;
    setTimeout(run: () => void, ms: number): Timer;
    clearTimeout(timer: Timer | undefined): void;
    /** From 0 to 1, for back-off. */
    random(): number;
    /** A new id. */
    newId(): string;
    now(): number;
}
/** The browser's own. */
export declare function browser(): Environment;
