// Keyboard: one table of keys, shown by "?". Single letters can be switched off (WCAG 2.1.4).
import { h } from "./dom.js";

/** @type {Key[]} */
const table = [];
const OFF = "smalt.keys.off";

/** Adds keys. `typing` keys also work inside fields. */
export function bind(...keys) {
  table.push(...keys);
}

const single = () => localStorage.getItem(OFF) === null;

const inField = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName) ||
    (target instanceof HTMLInputElement && !/^(checkbox|radio|button)$/.test(target.type)));

function heard(event) {
  if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const field = inField(event.target);
  for (const key of table) {
    if (!key.run || !key.keys.includes(event.key) || (field && !key.typing)) continue;
    if (event.key.length === 1 && !single()) continue;
    key.run(event);
    return;
  }
}

/** Shows all keys of this page. */
export function listed() {
  const names = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "esc", Enter: "↵" };
  const mac = /Mac|iP/.test(navigator.platform);
  const box = h("input", { type: "checkbox", change: () => (box.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1")) });
  box.checked = single();
  const dialog = h(
    "dialog",
    { "aria-labelledby": "keys-title", close: () => dialog.remove() },
    h("h2", { id: "keys-title" }, "Keys"),
    h(
      "dl",
      { class: "keys" },
      ...table.flatMap((key) => [
        h("dt", {}, ...key.keys.map((name) => h("kbd", {}, names[name] ?? name.replace("Mod", mac ? "⌘" : "Ctrl")))),
        h("dd", {}, key.says),
      ]),
    ),
    h("label", { class: "tick" }, box, "Single-letter keys are on"),
    h("form", { method: "dialog", class: "choices" }, h("button", { autofocus: true }, "Close")),
  );
  document.body.append(dialog);
  dialog.showModal();
}

document.addEventListener("keydown", heard);
