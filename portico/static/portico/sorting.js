// Moves a row of a list by dragging its grip. The drop sends the row's own form `Move up` or `Move down` with the new
// place, so that a keyboard, a phone and a page without script do the same with the buttons.
"use strict";

// The row that is dragged.
let moved = null;

const rowsBeside = (row) => [...row.parentElement.querySelectorAll(":scope > [data-sorted]")];

const isAfter = (event, row) => {
  const { top, height } = row.getBoundingClientRect();
  return event.clientY > top + height / 2;
};

const clear = () => document.querySelectorAll("[data-drop]").forEach((row) => row.removeAttribute("data-drop"));

// Returns the row under the pointer, if the dragged one can be dropped beside it.
const targetOf = (event) => {
  const row = event.target.closest?.("[data-sorted]");
  return moved && row && row !== moved && row.parentElement === moved.parentElement ? row : null;
};

document.addEventListener("dragstart", (event) => {
  const grip = event.target.closest?.("[data-grip]");
  if (!grip) return;
  moved = grip.closest("[data-sorted]");
  // Firefox drags nothing without data.
  event.dataTransfer.setData("text/plain", "");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setDragImage(moved, 0, 0);
});

document.addEventListener("dragover", (event) => {
  const row = targetOf(event);
  clear();
  if (!row) return;
  event.preventDefault();
  row.dataset.drop = isAfter(event, row) ? "after" : "before";
});

document.addEventListener("drop", (event) => {
  const row = targetOf(event);
  if (!row) return;
  event.preventDefault();
  const others = rowsBeside(moved).filter((each) => each !== moved);
  const form = moved.querySelector("form:has([name=place])");
  const { place } = form.elements;
  const ofButton = place.value;
  place.value = others.indexOf(row) + (isAfter(event, row) ? 1 : 0);
  // The browser and htmx read the fields before this returns; after that they are the button's again, in case it fails.
  form.requestSubmit();
  place.value = ofButton;
});

document.addEventListener("dragend", () => {
  clear();
  moved = null;
});
