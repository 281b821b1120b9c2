// Search and commands: Ctrl-K or / from anywhere, results as one types, arrows and Enter; ? shows the keys.
"use strict";

const find = document.getElementById("find");
const place = document.querySelector(".found");
const options = () => [...place.querySelectorAll("a[role=option]")];
let chosen = -1;

function open(on) {
  place.hidden = !on;
  find.setAttribute("aria-expanded", String(on));
  if (!on) choose(-1);
}

function choose(at) {
  const all = options();
  chosen = all.length ? Math.max(-1, Math.min(at, all.length - 1)) : -1;
  for (const [n, one] of all.entries()) one.setAttribute("aria-selected", String(n === chosen));
  if (chosen < 0) find.removeAttribute("aria-activedescendant");
  else {
    find.setAttribute("aria-activedescendant", all[chosen].id);
    all[chosen].scrollIntoView({ block: "nearest" });
  }
}

function ask() {
  find.focus();
  find.select();
  htmx.trigger(find, "palette");
}

find.addEventListener("focus", () => {
  if (options().length) open(true);
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "found" || document.activeElement !== find) return;
  open(true);
  choose(find.value.trim() ? 0 : -1);
});
find.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    choose(chosen + (event.key === "ArrowDown" ? 1 : -1));
  } else if (event.key === "Enter" && !place.hidden && chosen >= 0 && place.dataset.of === find.value) {
    event.preventDefault();
    options()[chosen].click();
  } else if (event.key === "Escape") {
    event.stopPropagation();
    open(false);
  }
});
// What is on show is of these letters: Enter before the answer has come sends the search itself.
document.addEventListener("htmx:beforeSend", (event) => {
  if (event.detail.elt === find) place.dataset.asked = find.value;
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "found") place.dataset.of = place.dataset.asked;
});
document.addEventListener("click", (event) => {
  if (!event.target.closest(".find")) open(false);
});
document.addEventListener("focusin", (event) => {
  if (!event.target.closest(".find")) open(false);
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    ask();
  } else if (event.key === "/" && !typing && plain) {
    event.preventDefault();
    const list = document.getElementById("q");
    if (list) list.focus();
    else ask();
  } else if (event.key === "?" && !typing && plain) {
    event.preventDefault();
    document.getElementById("keys").showModal();
  }
});
