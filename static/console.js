// What the console adds to its pages where there is JavaScript. Without it every page works.
"use strict";

document.documentElement.classList.add("js");

// A live part asks for new numbers only while somebody can see them.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.detail.elt.matches("[data-live], .balance")) event.preventDefault();
});

// What asks again by itself says so: nobody is there for that, and a session ends when nobody is.
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt.matches("[data-live], .balance")) event.detail.headers["X-Live"] = "1";
});

// Morphing keeps what a person opened, ticked or switched, and what our scripts show or have drawn.
const kept = {
  open: "details",
  checked: ".c-tick input",
  hidden: ".copy, .plot",
  disabled: ".series",
  "aria-pressed": ".series",
};
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => !(kept[name] && node.matches(kept[name]));
Idiomorph.defaults.callbacks.beforeNodeRemoved = (node) => !node.classList?.contains("drawn");

// Numbers that stop moving say so.
const stale = document.getElementById("stale");
function noAnswer() {
  if (!stale.hidden) return;
  stale.textContent = `No answer since ${new Date().toISOString().slice(11, 16)} UTC: the numbers below stand still. Trying again.`;
  stale.hidden = false;
}
for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) document.addEventListener(name, noAnswer);
document.addEventListener("htmx:afterOnLoad", () => {
  stale.hidden = true;
});

// Copy an ICCID whole.
function showCopies(root) {
  for (const button of root.querySelectorAll(".copy[hidden]")) button.hidden = false;
}
document.addEventListener("htmx:load", (event) => showCopies(event.target));
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.classList.add("done");
    setTimeout(() => button.classList.remove("done"), 1500);
  }
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  } else if (
    ["ArrowDown", "ArrowUp", "j", "k"].includes(event.key) &&
    !typing &&
    !event.ctrlKey &&
    !event.metaKey &&
    !event.altKey
  ) {
    moveAmongRows(event);
  }
});

// Of tabs that do not fit, the page's own is in sight.
for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
  const tabs = tab.closest(".tabs");
  tabs.scrollLeft = tab.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2;
}

// Up and down go from line to line; j begins with the first.
function moveAmongRows(event) {
  const links = [...document.querySelectorAll("#rows .c-iccid a")];
  const at = links.indexOf(document.activeElement);
  if (at < 0 && !["j", "k"].includes(event.key)) return;
  const next = at < 0 ? links[0] : links[at + (["ArrowDown", "j"].includes(event.key) ? 1 : -1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

// What a person asked for and waits for shows at once: a bar above the page, a busy part, buttons that are not sent twice.
let waiting = 0;
const isOwn = (event) => !event.detail.elt.matches("[data-live], .balance");
function busy(step) {
  waiting = Math.max(0, waiting + step);
  document.documentElement.classList.toggle("busy", waiting > 0);
}
document.addEventListener("htmx:beforeSend", (event) => {
  if (!isOwn(event)) return;
  busy(1);
  event.detail.target.setAttribute("aria-busy", "true");
  hold(event.detail.elt, true);
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (!isOwn(event)) return;
  busy(-1);
  event.detail.target.removeAttribute("aria-busy");
  hold(event.detail.elt, false);
});

// A held button keeps its focus and its value; a second press of it does nothing.
function hold(form, on) {
  if (!form.matches?.("form") || form.method !== "post") return;
  for (const button of [...form.elements].filter((one) => one.type === "submit")) {
    if (on) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
  }
}
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented || form.closest("[hx-post], [hx-get]") === form) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  hold(form, true);
  event.submitter?.classList.add("sending");
  busy(1);
});
// Back from another page, or where the answer was a file, the form may be sent again.
function again() {
  waiting = 0;
  busy(0);
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    hold(form, false);
  }
  for (const button of document.querySelectorAll(".sending")) button.classList.remove("sending");
}
addEventListener("pageshow", again);
addEventListener("focus", again);

// On a phone the console is an app: without a network it says so (views_app.py).
if (matchMedia("(pointer: coarse)").matches) navigator.serviceWorker?.register("/worker.js");
