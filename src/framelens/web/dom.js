// Elements are only ever built from text, never from markup: what an article or a link holds cannot become part of the page.

export const byId = (id) => document.getElementById(id);

/** A new element: attributes, then children (strings become text). `class` and `style` (custom properties) are as in HTML. */
export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "vars") Object.entries(value).forEach(([property, v]) => node.style.setProperty(property, v));
    else if (key === "on") Object.entries(value).forEach(([event, listener]) => node.addEventListener(event, listener));
    else if (value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

export const plural = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
export const percent = (share) => `${Math.round(100 * share)}%`;
