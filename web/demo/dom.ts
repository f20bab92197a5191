/** Building elements without a framework, and without inline styles. */

type Child = Node | string | undefined | false;

interface Attributes {
  class?: string;
  type?: string;
  title?: string;
  hidden?: boolean;
  data?: Record<string, string>;
  aria?: Record<string, string>;
  on?: Record<string, (event: Event) => void>;
}

/** An element with attributes and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  const { class: name, hidden, data = {}, aria = {}, on = {}, ...plain } = attributes;
  if (name) element.className = name;
  if (hidden) element.hidden = true;
  for (const [key, value] of Object.entries(plain)) element.setAttribute(key, value);
  for (const [key, value] of Object.entries(data)) element.dataset[key] = value;
  for (const [key, value] of Object.entries(aria)) element.setAttribute(`aria-${key}`, value);
  for (const [key, value] of Object.entries(on)) element.addEventListener(key, value);
  element.append(...children.filter((child): child is Node | string => Boolean(child)));
  return element;
}

/** The element of this id, which `index.html` has. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html lacks #${id}`);
  return element as T;
}

const paths = {
  phone:
    "M6.6 3.5 9 3l2 4.6-2 1.6a12 12 0 0 0 5.8 5.8l1.6-2L21 15l-.5 2.4A3.3 3.3 0 0 1" +
    " 17 20 14.5 14.5 0 0 1 4 7a3.3 3.3 0 0 1 2.6-3.5Z",
  hangUp:
    "M12 9.2c-2 0-3.9.3-5.6 1v3l-3 1.9L1.4 12C4 9.3 7.8 7.7 12 7.700s8 1.6 10.6" +
    " 4.300l-2 3.1-3-1.900v-3c-1.7-.7-3.6-1-5.6-1Z",
  hold: "M8 5v14M16 5v14",
  resume: "M8 5v14l11-7Z",
  mic: "M12 3a3 3 0 0 1 3 3v6a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3ZM5.5 11.500a6.5 6.5 0 0 0 13 0M12 18v3",
  micOff:
    "M12 3a3 3 0 0 1 3 3v6a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3ZM5.5 11.500a6.5 6.5 0 0 0 13 0" +
    "M12 18v3M4 4l16 16",
  keys: "M6 6h.01M12 6h.01M18 6h.01M6 12h.01M12 12h.01M18 12h.01M6 18h.01M12 18h.01M18 18h.01",
  video:
    "M3 7.500A1.5 1.5 0 0 1 4.5 6h9A1.5 1.5 0 0 1 15 7.500v9a1.5 1.5 0 0 1-1.5" +
    " 1.500h-9A1.5 1.5 0 0 1 3 16.500ZM15 10.500l6-3v9l-6-3",
  info: "M12 3.500a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17ZM12 11v5M12 7.800h.01",
  erase:
    "M9 6h10.500A1.5 1.5 0 0 1 21 7.500v9a1.5 1.5 0 0 1-1.5 1.500H9l-6-6ZM12 9.500l5 5" +
    "M17 9.500l-5 5",
  out: "M7 17 17 7M9 7h8v8",
  in: "M17 7 7 17M15 17H7V9",
  sound: "M4 10v4h3.500L12 18V6L7.5 10ZM15.5 9a4 4 0 0 1 0 6M18 6.500a8 8 0 0 1 0 11",
} as const;

export type Icon = keyof typeof paths;

/** A picture for a button that has its name beside it. */
export function icon(name: Icon): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const filled = name === "phone" || name === "hangUp" || name === "resume";
  const attributes = {
    viewBox: "0 0 24 24",
    fill: filled ? "currentColor" : "none",
    stroke: filled ? "none" : "currentColor",
    "stroke-width": name === "keys" ? "3" : "1.8",
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
    "aria-hidden": "true",
    focusable: "false",
  };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", paths[name]);
  svg.append(path);
  return svg;
}

const letters: Record<string, string> = {
  2: "ABC",
  3: "DEF",
  4: "GHI",
  5: "JKL",
  6: "MNO",
  7: "PQRS",
  8: "TUV",
  9: "WXYZ",
  0: "+",
};

/** Twelve keys. */
export function keypad(press: (key: string) => void): HTMLButtonElement[] {
  return [..."123456789*0#"].map((key) =>
    h(
      "button",
      {
        class: "key",
        type: "button",
        data: { key },
        aria: { label: key === "*" ? "star" : key === "#" ? "hash" : key },
        on: { click: () => press(key) },
      },
      key,
      h("small", {}, letters[key] ?? ""),
    ),
  );
}

/** Says a sentence to those who listen to the page. */
export function say(sentence: string): void {
  const said = byId("said");
  // The same sentence twice is said twice.
  said.textContent = said.textContent === sentence ? `${sentence}\u00a0` : sentence;
}

/** `4:07`, `1:02:03`. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, at) => (at === 0 ? `${part}` : `${part}`.padStart(2, "0"))).join(":");
}
