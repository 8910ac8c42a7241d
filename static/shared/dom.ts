/** Builds elements. Text is only ever text: nothing in the page parses HTML that was made from data. */

type Child = Node | string | number | null | undefined | false;
type Listeners = { [K in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[K]) => void };

export interface Attributes {
  on?: Listeners;
  [name: string]: string | number | boolean | null | undefined | Listeners;
}

/** An element with attributes (`true` is an empty one, `false` and null are left out), listeners and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") listen(element, value as Listeners);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, String(value));
    }
  }
  append(element, ...children);
  return element;
}

export function append(parent: Node, ...children: Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    parent.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

export function replace(parent: Element, ...children: Child[]): void {
  parent.replaceChildren();
  append(parent, ...children);
}

/**
 * Shows what `fresh` says and leaves alone what says the same already, so that focus, scrolling and screen readers notice
 * only what changed. For views without listeners of their own: those of `fresh` may be lost.
 */
export function settle(place: Element, ...fresh: Node[]): void {
  const old = [...place.childNodes];
  if (old.length !== fresh.length) return place.replaceChildren(...fresh);
  for (const [at, node] of fresh.entries()) settleNode(old[at], node);
}

function settleNode(old: ChildNode, fresh: Node): void {
  if (old.isEqualNode(fresh)) return;
  if (!(old instanceof Element && fresh instanceof Element) || old.tagName !== fresh.tagName) {
    return old.replaceWith(fresh);
  }
  for (const name of old.getAttributeNames()) {
    if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  settle(old, ...fresh.childNodes);
}

function listen(element: HTMLElement, listeners: Listeners): void {
  for (const [type, listener] of Object.entries(listeners)) {
    element.addEventListener(type, listener as EventListener);
  }
}

const SVG = "http://www.w3.org/2000/svg";

/** An icon of 16 x 16 from path data; hidden from screen readers, whose name belongs to the button around it. */
export function icon(path: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  const attributes = { viewBox: "0 0 16 16", width: "16", height: "16", "aria-hidden": "true", fill: "none" };
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
  const line = document.createElementNS(SVG, "path");
  const stroke = { d: path, stroke: "currentColor", "stroke-width": "1.5", "stroke-linecap": "round" };
  for (const [name, value] of Object.entries(stroke)) line.setAttribute(name, value);
  line.setAttribute("stroke-linejoin", "round");
  svg.appendChild(line);
  return svg;
}

export const ICONS = {
  sun:
    "M8 4.8a3.2 3.2 0 1 0 0 6.4 3.2 3.2 0 0 0 0-6.4M8 1v1.2M8 13.8V15M1 8h1.2M13.8 8H15M3 3l.9.9M12.1 12.1l.9.9M13 3l-.9.9M3.9 12.1L3 13",
  moon: "M13.5 9.8A5.8 5.8 0 0 1 6.2 2.5a5.8 5.8 0 1 0 7.3 7.3z",
  system: "M2 3h12v8H2zM6 14h4M8 11v3",
  play: "M5 3.2v9.6l7.6-4.8z",
  plus: "M8 3v10M3 8h10",
  close: "M4 4l8 8M12 4l-8 8",
  table: "M2 3h12v10H2zM2 6.5h12M6.5 6.5V13",
  view:
    "M1.5 8S4 3.8 8 3.8 14.5 8 14.5 8 12 12.2 8 12.2 1.5 8 1.5 8zM8 6.4a1.6 1.6 0 1 0 0 3.2 1.6 1.6 0 0 0 0-3.2",
  chevron: "M6 4l4 4-4 4",
  refresh: "M13 8a5 5 0 1 1-1.5-3.6M13 2v3h-3",
  bars: "M3 13.5v-5M8 13.5v-11M13 13.5v-8",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  copy: "M5.5 5.5h7v8h-7zM10.5 5.5v-3h-7v8h2",
  leave: "M9.5 2.5H3v11h6.5M7 8h7M11.5 5.5L14 8l-2.5 2.5",
  clock: "M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2M8 5v3.2l2.2 1.4",
} as const;

/** An announcement for screen readers that does not move the focus. */
export function announce(text: string): void {
  let region = document.getElementById("announcements");
  if (!region) {
    region = h("div", { id: "announcements", class: "visually-hidden", "aria-live": "polite" });
    document.body.appendChild(region);
  }
  region.textContent = text;
}
