// Saves a page of a form one second after the last key, by the POST of its buttons, and shows the questions that are
// open after that. Without script every button saves.
"use strict";

const form = document.getElementById("answers");
const state = document.getElementById("saving");
const { opened, place } = form.elements;
const PAUSE = 1000;
const RETRY = 5000;

let timer = 0;
// The save that is on its way; there is only one at a time, so that an older one never arrives last.
let saving = null;

const plan = (delay) => {
  clearTimeout(timer);
  timer = setTimeout(save, delay);
};

// `number.key.turn`: the turn rises with each save, the number is the draft's. See `OpenedPage` on the server.
const takeTurn = () => {
  const [number, key, turn] = opened.value.split(".");
  opened.value = `${number}.${key}.${Number(turn) + 1}`;
};

const show = (answer) => {
  const [, key, turn] = opened.value.split(".");
  opened.value = `${answer.number}.${key}.${turn}`;
  for (const item of form.querySelectorAll("[data-item]")) item.hidden = !answer.open.includes(item.dataset.item);
};

const send = async (keepalive) => {
  takeTurn();
  const sent = { method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "manual", keepalive };
  const response = await fetch(form.action, { ...sent, headers: { "X-Portico-Saving": "1" } });
  if (response.type === "opaqueredirect") {
    state.textContent = form.dataset.signedOut;
    return;
  }
  if (response.status >= 500) throw new Error(response.status);
  const isOurs = response.headers.get("Content-Type")?.startsWith("application/json");
  const answer = isOurs ? await response.json() : { said: form.dataset.failed };
  if (response.ok && isOurs) show(answer);
  state.textContent = answer.said;
};

const save = (keepalive = false) => {
  clearTimeout(timer);
  timer = 0;
  const before = saving ?? Promise.resolve();
  const mine = before.then(() => send(keepalive === true)).catch(() => {
    state.textContent = form.dataset.failed;
    if (!timer) plan(RETRY);
  }).finally(() => {
    if (saving === mine) saving = null;
  });
  saving = mine;
};

form.addEventListener("input", (event) => {
  place.value = event.target.closest("[data-question]")?.dataset.question ?? "";
  plan(PAUSE);
});

form.addEventListener("submit", async (event) => {
  clearTimeout(timer);
  timer = 0;
  if (!saving) {
    takeTurn();
    return;
  }
  event.preventDefault();
  await saving;
  clearTimeout(timer);
  form.requestSubmit(event.submitter);
});

// A phone may end the page once it is in the background.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden" && timer) save(true);
});
