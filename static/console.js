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
const kept = { open: "details", checked: ".c-tick input", hidden: ".copy, .plot", disabled: ".series", "aria-pressed": ".series" };
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
document.addEventListener("htmx:afterOnLoad", () => { stale.hidden = true; });

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
  } else if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    (document.getElementById("q") ?? document.getElementById("find")).focus();
  } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !typing) {
    moveAmongRows(event);
  }
});

// Of tabs that do not fit, the page's own is in sight.
for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
  const tabs = tab.closest(".tabs");
  tabs.scrollLeft = tab.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2;
}

// Up and down go from line to line.
function moveAmongRows(event) {
  const links = [...document.querySelectorAll("#rows .c-iccid a")];
  const at = links.indexOf(document.activeElement);
  const next = links[at + (event.key === "ArrowDown" ? 1 : -1)];
  if (at < 0 || !next) return;
  event.preventDefault();
  next.focus();
}
