// What a page can only do with script: copying, inserting, waving a suggestion away.
// Everything else works without it; what needs it wears `needs-script` and stays hidden otherwise.
"use strict";

document.documentElement.classList.add("scripted");

const announce = (words) => {
  const place = document.getElementById("notices");
  if (!place) return;
  const line = document.createElement("p");
  line.className = "hidden-text";
  line.textContent = words;
  place.replaceChildren(...place.querySelectorAll(".notice"), line);
};

// <button class="button needs-script" type="button" data-copy="…" data-copied="Copied">
const copy = async (button) => {
  await navigator.clipboard.writeText(button.dataset.copy);
  const words = button.dataset.copied;
  const label = button.querySelector("[data-label]") ?? button;
  const before = label.textContent;
  announce(words);
  if (before === words) return;
  label.textContent = words;
  setTimeout(() => { label.textContent = before; }, 2000);
};

// <button class="chip needs-script" type="button" data-insert="[first name]" data-into="id_message">
const insert = (button) => {
  const field = document.getElementById(button.dataset.into);
  field.setRangeText(button.dataset.insert, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
};

// Consent to the old address is none to a new one: typing another clears `Email ok`, which is then asked again.
document.addEventListener("input", (event) => {
  const row = event.target.closest(".contact-row");
  const okFor = row?.querySelector("input[name$='-ok_for']");
  if (!okFor?.defaultValue || !event.target.name.endsWith("-address")) return;
  const changed = event.target.value.trim().toLowerCase() !== okFor.defaultValue.toLowerCase();
  const box = row.querySelector("input[name$='-email_ok']");
  box.checked = !changed && box.defaultChecked;
  okFor.value = changed ? event.target.value.trim() : okFor.defaultValue;
  const asksAgain = row.querySelector("[data-asks-again]");
  if (asksAgain) asksAgain.hidden = !changed;
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy], [data-insert], [data-dismiss]");
  if (!button) return;
  if (button.dataset.copy) copy(button);
  if (button.dataset.insert) insert(button);
  // <button class="needs-script" type="button" data-dismiss=".did-you-mean">
  if (button.dataset.dismiss) button.closest(button.dataset.dismiss).remove();
});

// <span class="needs-script" data-amount-of="id_amount" data-currency="USD"> repeats the amount of a field on a button.
const repeatAmount = (place) => {
  const text = document.getElementById(place.dataset.amountOf).value.replaceAll(/[\s$]/g, "");
  const isPlain = /^(\d{1,3}(,\d{3})+|\d+)(\.\d+)?$/.test(text);
  const format = new Intl.NumberFormat("en-US", { style: "currency", currency: place.dataset.currency });
  place.textContent = isPlain ? format.format(text.replaceAll(",", "")) : "";
};

document.addEventListener("input", (event) => {
  const place = event.target.id && document.querySelector(`[data-amount-of="${event.target.id}"]`);
  if (place) repeatAmount(place);
});
document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-amount-of]").forEach(repeatAmount));
