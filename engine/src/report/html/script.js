
(() => {
"use strict";
const one = (what, from = document) => from.querySelector(what);
const all = (what, from = document) => [...from.querySelectorAll(what)];
document.documentElement.classList.add("js");

// Parts of the report.
const tabs = all("[role=tab]");
const show = (tab, focus) => {
  for (const other of tabs) {
    const is = other === tab;
    other.setAttribute("aria-selected", String(is));
    other.tabIndex = is ? 0 : -1;
    const panel = document.getElementById(other.getAttribute("aria-controls"));
    panel.setAttribute("role", "tabpanel");
    panel.hidden = !is;
  }
  if (focus) tab.focus();
};
one(".tabs").hidden = false;
tabs.forEach((tab, n) => {
  tab.addEventListener("click", () => show(tab));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    show(tabs[(n + step + tabs.length) % tabs.length], true);
  });
});
show(tabs[0]);

// Walking through the cases.
const cases = all(".case");
const where = one(".where");
let now = -1;
const mark = (n) => {
  if (cases[now]) cases[now].classList.remove("now");
  now = n;
  if (cases[now]) cases[now].classList.add("now");
  where.textContent = now < 0 ? `${cases.length} ${cases.length === 1 ? "case" : "cases"}` : `${now + 1} / ${cases.length}`;
};
const go = (n) => {
  if (!cases.length) return;
  show(tabs[0]);
  mark(Math.min(Math.max(n, 0), cases.length - 1));
  cases[now].focus({ preventScroll: true });
  cases[now].scrollIntoView({ block: "start" });
};
cases.forEach((article, n) => article.addEventListener("focusin", () => { if (n !== now) mark(n); }));
const named = () => {
  const n = cases.findIndex((article) => `#${article.id}` === location.hash);
  if (n >= 0) go(n);
};
addEventListener("hashchange", named);
mark(-1);
one(".bar[role]").hidden = cases.length === 0;

// Feedback: kept in this browser, saved as a file.
const key = `skill-feedback-${document.body.dataset.record}`;
const boxes = all("textarea[data-run]");
let said = {};
try { said = JSON.parse(localStorage.getItem(key)) || {}; } catch { said = {}; }
const written = one(".how-many");
const count = () => {
  const n = boxes.filter((box) => box.value.trim()).length;
  written.textContent = n ? ` (${n})` : "";
};
for (const box of boxes) {
  const before = said[box.dataset.run];
  if (before && typeof before.feedback === "string") box.value = before.feedback;
  box.addEventListener("input", () => {
    said[box.dataset.run] = { feedback: box.value, timestamp: new Date().toISOString() };
    try { localStorage.setItem(key, JSON.stringify(said)); } catch { /* it still can be saved as a file */ }
    count();
  });
}
count();
const download = () => {
  const reviews = boxes.map((box) => ({
    run_id: box.dataset.run,
    feedback: box.value,
    timestamp: (said[box.dataset.run] || {}).timestamp || new Date().toISOString(),
  }));
  const text = JSON.stringify({ reviews, status: "complete" }, null, 2) + "\n";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = "feedback.json";
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};

// Keys and buttons.
const help = one(".help");
const fold = () => {
  const runs = cases[now] ? all(".run", cases[now]) : [];
  const open = runs.some((run) => !run.open);
  for (const run of runs) run.open = open;
};
const say = () => {
  const box = cases[now] && one("textarea", cases[now]);
  if (box) box.focus();
};
const actions = { previous: () => go(now - 1), next: () => go(now + 1), save: download, help: () => help.showModal() };
for (const button of all("[data-do]")) button.addEventListener("click", () => actions[button.dataset.do]());
const keys = {
  ArrowRight: actions.next, j: actions.next, ArrowLeft: actions.previous, k: actions.previous, o: fold, f: say, "?": actions.help,
  1: () => show(tabs[0], true), 2: () => show(tabs[1], true), 3: () => show(tabs[2], true),
};
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  const typing = event.target instanceof Element && event.target.closest("textarea, input, select");
  if (typing) {
    if (event.key === "Escape") cases[now] ? cases[now].focus() : typing.blur();
    return;
  }
  const scrolls = event.target instanceof Element && event.target.closest("pre, .scroll");
  if (scrolls && event.key.startsWith("Arrow")) return;
  const action = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined;
  if (action) {
    event.preventDefault();
    action();
  }
});

// On paper everything is open.
addEventListener("beforeprint", () => { for (const fold of all("details")) fold.open = true; });
named();
})();
