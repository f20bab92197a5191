/** What `tables.ts` is made of: checks of one value each, in the words of the schema. */

/** Whether a value is as expected. */
export type Check = (value: unknown) => boolean;

/** A check for each member of a frame or an object. */
export type Members<F> = { [K in Exclude<keyof F, "type">]-?: Check };

/** A row for each type of a union of frames. */
export type Table<F extends { type: string }> = {
  [T in F["type"]]: Members<Extract<F, { type: T }>>;
};

/** A check that knows the words it lets through. */
export interface WordCheck<W extends string> {
  (value: unknown): value is W;
  readonly words: readonly W[];
}

export const object = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
export const text: Check = (value) => typeof value === "string";
export const flag: Check = (value) => typeof value === "boolean";
export const none: Check = (value) => value === null;

/** A number that counts something, up to `most`. */
export const whole =
  (most: number = Number.MAX_SAFE_INTEGER): Check =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most;

/** One of these words. They are keys, so that the compiler sees a word too many or too few. */
export function oneOf<W extends string>(words: Record<W, true>): WordCheck<W> {
  const check = (value: unknown): value is W =>
    typeof value === "string" && Object.hasOwn(words, value);
  return Object.assign(check, { words: Object.keys(words) as W[] });
}

export const anyOf =
  (...checks: Check[]): Check =>
  (value) =>
    checks.some((check) => check(value));
export const list =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
export const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

/** The first member that is missing or not as expected. */
export function misfit(value: Record<string, unknown>, checks: Record<string, Check>) {
  return Object.entries(checks).find(([member, check]) => !check(value[member]))?.[0];
}

/** An object with these members; others are passed over. */
export const members =
  (checks: Record<string, Check>): Check =>
  (value) =>
    object(value) && misfit(value, checks) === undefined;
