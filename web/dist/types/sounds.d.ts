/** Ring and ringback, made on the spot: no files. Also the level of a stream. */
declare const patterns: {
    /** For the one who is called: two short trills. */
    ring: {
        hertz: [number, number];
        rhythm: number[];
        loud: number;
    };
    /** For the one who calls: a long tone, 440 and 480 Hz. */
    ringback: {
        hertz: [number, number];
        rhythm: number[];
        loud: number;
    };
    busy: {
        hertz: [number, number];
        rhythm: number[];
        loud: number;
    };
};
/** The sounds of a telephone. Browsers let it speak after the first key or click in the page. */
export declare class Sounds {
    #private;
    /** Plays a tone until `quiet()`; another one in its place where one plays. */
    play(name: keyof typeof patterns): void;
    /** The sound of a key, short. */
    key(digit: string): void;
    quiet(): void;
}
/** How loud a stream is, from 0 to 1. */
export declare class Meter {
    #private;
    /** `context` is the page's; one serves all meters. */
    constructor(stream: MediaStream, context: AudioContext);
    /** Silence is 0, full scale is 1; in between as the ear hears it. */
    level(): number;
    close(): void;
}
export {};
