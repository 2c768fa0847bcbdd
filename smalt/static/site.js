// Every page: the list of keys, the offline line, local times, copy buttons.
import { h, icon } from "./dom.js";
import { bind, listed } from "./keys.js";
import { toast } from "./notice.js";

bind({ keys: ["?"], says: "these keys", run: (event) => (event.preventDefault(), listed()) });

for (const button of document.querySelectorAll("[data-keys]")) button.addEventListener("click", listed);

/** @type {HTMLElement | null} */
let line = null;
function connection() {
  if (!navigator.onLine && !line) {
    line = h("div", { class: "offline", role: "status" }, icon("warn"), "Offline: reading works, asking waits");
    document.body.append(line);
  } else if (navigator.onLine && line) {
    line.remove();
    line = null;
  }
}
addEventListener("online", connection);
addEventListener("offline", connection);
connection();

const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const minute = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.getAttribute("datetime") ?? "");
  if (!Number.isNaN(at.getTime())) time.textContent = (time.hasAttribute("data-minute") ? minute : day).format(at);
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.addEventListener("click", async () => {
    const from = document.getElementById(button.getAttribute("data-copy") ?? "");
    await navigator.clipboard.writeText(from?.textContent?.trim() ?? "");
    toast("Copied.");
  });
}
