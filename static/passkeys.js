// What became of asking for a passkey, in words: without this the page would say nothing.
"use strict";

const WORDS = {
  NotAllowedError: "No passkey was given: it was cancelled, took too long, or this device has none for this page.",
  InvalidStateError: "This device has its passkey here already.",
  SecurityError: "Passkeys work at this page's own address over https only.",
};

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const said = document.getElementById("passkey-said");
  said.textContent =
    WORDS[event.detail.exception?.name] ?? "The passkey could not be used. Load the page again and try once more.";
  said.hidden = false;
});
