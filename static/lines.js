// Ticks in the list of lines: a count, all at once, a range with Shift, Space on the line that has the focus.
"use strict";

const ticks = () => [...document.querySelectorAll("#rows .c-tick input")];
let last = null; // the tick that was set before, for ranges

function count() {
  const all = ticks();
  const some = all.filter((tick) => tick.checked).length;
  const bar = document.getElementById("bulk-bar");
  const head = document.getElementById("tick-all");
  if (!bar || !head) return;
  head.hidden = false;
  head.checked = some > 0 && some === all.length;
  head.indeterminate = some > 0 && some < all.length;
  bar.classList.toggle("some", some > 0);
  const said = `${some} ticked:`;
  const place = document.getElementById("ticked");
  if (place.textContent !== said) place.textContent = said;
}

document.addEventListener("click", (event) => {
  if (event.target.id === "tick-all") {
    for (const tick of ticks()) tick.checked = event.target.checked;
  } else if (event.target.closest("#rows .c-tick input")) {
    const all = ticks();
    const [from, to] = [all.indexOf(last), all.indexOf(event.target)].sort((a, b) => a - b);
    if (event.shiftKey && from >= 0) for (const tick of all.slice(from, to + 1)) tick.checked = event.target.checked;
    last = event.target;
  }
  count();
});
document.addEventListener("keydown", (event) => {
  const row =
    [" ", "x"].includes(event.key) &&
    !event.ctrlKey &&
    !event.metaKey &&
    event.target.closest("#rows .c-iccid a")?.closest("tr");
  if (!row) return;
  event.preventDefault();
  const tick = row.querySelector(".c-tick input");
  if (tick) tick.checked = !tick.checked;
  count();
});
// What was chosen in the sheet of a phone is seen once the sheet is away.
document.getElementById("filters").addEventListener("submit", () => {
  const sheet = document.getElementById("filter-sheet");
  if (sheet.matches(":popover-open")) sheet.hidePopover();
});
document.addEventListener("htmx:afterSettle", count);
count();
