// htmx replaces a part of the page. If the answer does not have that part, as an error page of a row that a colleague
// deleted, the page stays as it is, and a notice says so. Without script the error page itself loads.
"use strict";

const saidBefore = () => document.querySelector("#notices [data-not-updated]");

const say = () => {
  const words = document.getElementById("not-updated").content.cloneNode(true);
  document.getElementById("notices").replaceChildren(words);
};

// A form that is answered with its errors has the part, whatever the status.
const hasPart = ({ select, response }, tasks) =>
  select ? tasks.some(({ type, fragment }) => type === "main" && fragment.childElementCount) : response.status < 400;

// What is saved in the background has `none`: its form says on the next button whether it was saved.
document.addEventListener("htmx:before:swap", (event) => {
  const { ctx, tasks } = event.detail;
  if (ctx.swap === "none") return;
  if (hasPart(ctx, tasks)) {
    saidBefore()?.remove();
    return;
  }
  event.preventDefault();
  say();
});

// No answer: no network, or one that takes longer than a minute.
document.addEventListener("htmx:error", (event) => {
  if (event.detail.ctx && event.detail.ctx.swap !== "none") say();
});
