/** What `tables.ts` is made of: checks of one value each, in the words of the schema. */
/** Whether a value is as expected. */
export type Check = (value: unknown) => boolean;
/** A check for each member of a frame or an object. */
export type Members<F> = {
    [K in Exclude<keyof F, "type">]-?: Check;
};
/** A row for each type of a union of frames. */
export type Table<F extends {
    type: string;
}> = {
    [T in F["type"]]: Members<Extract<F, {
        type: T;
    }>>;
};
/** A check that knows the words it lets through. */
export interface WordCheck<W extends string> {
    (value: unknown): value is W;
    readonly words: readonly W[];
}
export declare const object: (value: unknown) => value is Record<string, unknown>;
export declare const text: Check;
export declare const flag: Check;
export declare const none: Check;
/** A number that counts something, up to `most`. */
export declare const whole: (most?: number) => Check;
/** One of these words. They are keys, so that the compiler sees a word too many or too few. */
export declare function oneOf<W extends string>(words: Record<W, true>): WordCheck<W>;
export declare const anyOf: (...checks: Check[]) => Check;
export declare const list: (check: Check) => Check;
export declare const optional: (check: Check) => Check;
/** The first member that is missing or not as expected. */
export declare function misfit(value: Record<string, unknown>, checks: Record<string, Check>): string | undefined;
/** An object with these members; others are passed over. */
export declare const members: (checks: Record<string, Check>) => Check;
