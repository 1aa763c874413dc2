// Balances: the button says how many clients are checked, and `Select all` checks those of the page without loading it.
"use strict";

const label = document.getElementById("reminder-count");
const ticks = [...document.querySelectorAll('input[name="client"]')];
const all = document.getElementById("check-all");

const count = () => {
  const ticked = ticks.filter((tick) => tick.checked).length;
  const text = { 0: label.dataset.none, 1: label.dataset.one };
  label.textContent = text[ticked] ?? label.dataset.many.replace("…", ticked);
  all.textContent = ticked === ticks.length ? all.dataset.none : all.dataset.all;
};

for (const tick of ticks) tick.addEventListener("change", count);
all.setAttribute("role", "button");
all.addEventListener("click", (event) => {
  event.preventDefault();
  const check = ticks.some((tick) => !tick.checked);
  for (const tick of ticks) tick.checked = check;
  count();
});
all.addEventListener("keydown", (event) => {
  if (event.key !== " ") return;
  event.preventDefault();
  all.click();
});
// After Back, the browser restores the ticks.
count();
