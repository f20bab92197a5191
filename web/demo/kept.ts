/** What the page remembers: the name in the browser, the token in this tab only. */
export class Kept {
  get name(): string {
    return read(() => localStorage, "name") ?? "";
  }

  set name(name: string) {
    write(() => localStorage, "name", name);
  }

  get token(): string | undefined {
    return read(() => sessionStorage, "token") ?? undefined;
  }

  set token(token: string) {
    write(() => sessionStorage, "token", token);
  }
}

// A browser may forbid storage; then the page forgets.

function read(store: () => Storage, key: string): string | undefined {
  try {
    return store().getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

function write(store: () => Storage, key: string, value: string): void {
  try {
    if (value === "") store().removeItem(key);
    else store().setItem(key, value);
  } catch {
    // Forbidden.
  }
}
