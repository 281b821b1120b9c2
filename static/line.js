// Counts the characters of a text as it is written, as the network counts them.
"use strict";

for (const field of document.querySelectorAll("[data-count]")) {
  const shown = document.getElementById(field.dataset.count);
  const count = () => {
    shown.value = String(field.value.length);
  };
  field.addEventListener("input", count);
  count();
}
