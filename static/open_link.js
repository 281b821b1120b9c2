// What a mailed link carries after the # goes to us in a form, and out of the address.
"use strict";

const token = location.hash.slice(1);
if (token) {
  history.replaceState(null, "", location.pathname);
  const form = document.getElementById("open-link");
  form.elements.link.value = token;
  form.requestSubmit();
}
