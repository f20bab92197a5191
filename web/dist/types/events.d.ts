/** An `EventTarget` whose events are known to the compiler: each has a `detail`. */
export interface Emitter<Events> {
    /** As `EventTarget.addEventListener`; the `detail` has the type that belongs to the event. */
    addEventListener<K extends keyof Events & string>(type: K, listener: (event: CustomEvent<Events[K]>) => void, options?: AddEventListenerOptions | boolean): void;
    addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: AddEventListenerOptions | boolean): void;
}
export declare class Emitter<Events> extends EventTarget {
    /** Calls `listener` with the `detail` of each event, and returns what ends that. */
    on<K extends keyof Events & string>(type: K, listener: (detail: Events[K]) => void): () => void;
}
