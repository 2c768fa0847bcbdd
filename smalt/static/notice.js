// Notices, toasts and confirmations. A problem says what happened, what was kept, what to do.
import { h, icon, tool } from "./dom.js";
import { Problem } from "./api.js";

/** A notice for a problem, in place. */
export function notice(error) {
  const facts = (error instanceof Problem ? error : new Problem({})).facts;
  const signin = facts.status === 401 && h("a", { href: `/signin?next=${encodeURIComponent(location.pathname)}` }, "Sign in");
  return h(
    "div",
    { class: "notice bad", role: "alert" },
    icon("warn"),
    h(
      "div",
      {},
      h("p", {}, h("strong", {}, facts.happened)),
      (facts.kept || facts.todo || signin) && h("p", {}, [facts.kept, facts.todo].filter(Boolean).join(" "), " ", signin),
    ),
  );
}

/** @type {HTMLElement | null} */
let toasts = null;

/** Shows a notice at the corner; problems stay until dismissed, sentences leave after a while. `what`: a sentence or an error. */
export function toast(what) {
  toasts ??= document.body.appendChild(h("div", { class: "toasts", role: "region", "aria-label": "Notices", "aria-live": "polite" }));
  const said = typeof what === "string";
  const box = said ? h("div", { class: "notice" }, icon("tick"), h("p", {}, what)) : notice(what);
  const close = () => box.remove();
  box.append(tool("cross", "Dismiss", close));
  toasts.append(box);
  if (said) setTimeout(close, 6000);
}

/** Asks before something that cannot be undone. */
export function confirmed(words) {
  return new Promise((resolve) => {
    const dialog = h(
      "dialog",
      { "aria-labelledby": "confirm-title" },
      h("h2", { id: "confirm-title" }, words.title),
      h("p", {}, words.text),
      h(
        "form",
        { method: "dialog", class: "choices" },
        h("button", { value: "no", autofocus: true }, "Keep"),
        h("button", { value: "yes", class: "danger" }, words.act),
      ),
    );
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
