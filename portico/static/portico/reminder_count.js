// Balances: the button says how many clients are ticked. Without script it says how many were ticked at first.
"use strict";

const label = document.getElementById("reminder-count");
const ticks = [...document.querySelectorAll('input[name="client"]')];

const count = () => {
  const ticked = ticks.filter((tick) => tick.checked).length;
  label.textContent = ticked === 1 ? label.dataset.one : label.dataset.many.replace("…", ticked);
};

for (const tick of ticks) tick.addEventListener("change", count);
// After Back, the browser restores the ticks.
count();
