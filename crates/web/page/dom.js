/* Elements of the page. */

/** Returns the element with an id. */
export const at = (id) => document.getElementById(id);

/** Creates an element with properties and children; `data` and `aria` attributes are written with their names. */
export function element(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in node) node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

/** Shows a message in its place with a button for the next step, or removes it if there is no text. */
export function showMessage(place, text, action) {
  const button = action && element("button", { type: "button", onclick: () => action.run() }, action.name);
  const hadFocus = place.contains(document.activeElement);
  const children = text ? [element("p", {}, text), ...(button ? [button] : [])] : [];
  place.replaceChildren(...children);
  place.hidden = !text;
  if (hadFocus) place.closest("section").focus();
}

/** Returns the value of a color of the style sheet. */
export const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Formats seconds as `1.23 s` or `2:05.3`. */
export function clock(seconds) {
  if (seconds < 60) return `${seconds.toFixed(2)} s`;
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(1).padStart(4, "0")}`;
}
