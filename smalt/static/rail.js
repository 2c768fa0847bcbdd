// The rail: conversations are added, renamed, deleted, walked with the arrows.
import { h, need, tool } from "./dom.js";
import { call, paths } from "./api.js";
import { confirmed, toast } from "./notice.js";

const rail = document.querySelector(".talks");
const today = rail.querySelector('[data-list="Today"]');

/** Headings and the empty sentence follow what is listed. */
function tidy() {
  for (const list of rail.querySelectorAll("[data-list]")) {
    const heading = rail.querySelector(`[data-group="${list.getAttribute("data-list")}"]`);
    if (heading instanceof HTMLElement) heading.hidden = !list.children.length;
  }
  const none = rail.querySelector(".none");
  if (none instanceof HTMLElement) none.hidden = Boolean(rail.querySelector("[data-talk]"));
}

function tools(item) {
  const title = () => item.querySelector("a")?.textContent ?? "";
  item.append(
    h(
      "span",
      { class: "tools" },
      tool("pen", "Rename", () => rename(item)),
      tool("bin", "Delete", async () => {
        const text = `“${title()}” and its questions and answers are deleted for good. The documents stay.`;
        if (await confirmed({ title: "Delete this conversation?", text, act: "Delete" })) erase(item);
      }),
    ),
  );
}

async function erase(item) {
  const id = item.dataset.talk ?? "";
  try {
    await call("DELETE", paths.conversation(id));
  } catch (error) {
    toast(error);
    return;
  }
  if (need("thread").dataset.conversation === id) {
    location.assign("/");
    return;
  }
  item.remove();
  tidy();
  toast("The conversation was deleted.");
}

function rename(item) {
  const link = item.querySelector("a");
  if (!link || item.querySelector("input")) return;
  const before = link.textContent ?? "";
  const field = h("input", { "aria-label": "Title", maxlength: 200 });
  field.value = before;
  let over = false;
  const done = async (save) => {
    if (over) return;
    over = true;
    const title = field.value.trim();
    field.replaceWith(link);
    link.focus();
    if (!save || !title || title === before) return;
    titled(item, title);
    try {
      await call("PATCH", paths.conversation(item.dataset.talk ?? ""), { json: { title }, keepalive: true });
    } catch (error) {
      titled(item, before);
      toast(error);
    }
  };
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") done(true);
    if (event.key === "Escape") done(false);
  });
  field.addEventListener("blur", () => done(true));
  link.replaceWith(field);
  field.select();
}

function titled(item, title) {
  const link = item.querySelector("a");
  if (link) link.textContent = title;
  if (need("thread").dataset.conversation === item.dataset.talk) {
    need("title").textContent = title;
    document.title = `${title} · Smalt`;
  }
}

/** Adds a new conversation at the top and makes it the current one. */
export function added(talk) {
  for (const old of rail.querySelectorAll("[aria-current]")) old.removeAttribute("aria-current");
  const item = h("li", { "data-talk": talk.id }, h("a", { href: `/c/${talk.id}`, "aria-current": "page" }, talk.title));
  tools(item);
  today.prepend(item);
  tidy();
}

rail.addEventListener("keydown", (event) => {
  const links = [...rail.querySelectorAll("li > a")];
  const now = links.indexOf(document.activeElement);
  if (now < 0) return;
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  const next = links[now + step];
  if (step && next instanceof HTMLElement) {
    event.preventDefault();
    next.focus();
  }
  if (event.key === "F2") rename(links[now].parentElement);
});

for (const item of rail.querySelectorAll("[data-talk]")) tools(item);
