"use strict";
// Everything here works without this script too: it only spares a page load.
const message = document.querySelector("[role=alert]");
const signIn = document.querySelector("form[action='/session']");
const signOut = document.querySelector("form[action='/session/end']");
const ask = document.querySelector("#ask");
if (signIn) {
  signIn.addEventListener("submit", async (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(signIn));
    const headers = { "Content-Type": "application/json", "Accept": "application/json" };
    try {
      const answer = await fetch("/session", { method: "POST", headers, body: JSON.stringify(fields) });
      if (answer.ok) { location.assign(signIn.dataset.next); return; }
      const problem = await answer.json();
      message.textContent = answer.status === 401 ? signIn.dataset.wrong : problem.detail;
    } catch { message.textContent = "The service cannot be reached."; }
    signIn.elements.password.select();
  });
}
if (signOut) {
  signOut.addEventListener("submit", async (event) => {
    event.preventDefault();
    try { await fetch("/session", { method: "DELETE" }); } finally { location.assign("/"); }
  });
}
for (const device of document.querySelectorAll("form[action^='/sessions/']")) {
  device.addEventListener("submit", async (event) => {
    event.preventDefault();
    const path = device.getAttribute("action").replace(/\/end$/, "");
    try { await fetch(path, { method: "DELETE", headers: { "Accept": "application/json" } }); } finally { location.assign("/"); }
  });
}
if (ask) {
  ask.hidden = false;
  ask.addEventListener("click", async () => {
    const shown = document.querySelector("pre");
    const answer = await fetch("/whoami", { headers: { "Accept": "application/json" } });
    shown.textContent = JSON.stringify(await answer.json(), null, 2);
    shown.hidden = false;
  });
}
for (const button of document.querySelectorAll("#keys button")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const headers = { "Accept": "application/json" };
    const shown = button.parentElement.querySelector("small").textContent.split("…")[0];
    try {
      const { keys } = await (await fetch("/keys", { headers })).json();
      const meant = keys.filter((key) => key.prefix === shown && key.name === button.dataset.name);
      if (meant.length === 1) { await fetch(`/keys/${encodeURIComponent(meant[0].id)}`, { method: "DELETE", headers }); }
    } finally { location.assign("/"); }
  });
}
const lines = document.querySelector("#lines");
if (lines) {
  for (const line of lines.querySelectorAll("code")) {
    line.textContent = line.textContent.replaceAll(lines.dataset.site, location.origin);
  }
}
