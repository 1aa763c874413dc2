// htmx replaces a part of the page. If the answer does not have that part, as an error page of a row that a colleague
// deleted, the page stays as it is, and a notice says so. Without script the error page itself loads.
"use strict";

const saidBefore = (template) => document.querySelector(`#notices [data-${template}]`);

const say = (template) => {
  const words = document.getElementById(template).content.cloneNode(true);
  document.getElementById("notices").replaceChildren(words);
};

// A form that is answered with its errors has the part, whatever the status.
const hasPart = ({ select, response }, tasks) =>
  select ? tasks.some(({ type, fragment }) => type === "main" && fragment.childElementCount) : response.status < 400;

document.addEventListener("htmx:before:swap", (event) => {
  const { ctx, tasks } = event.detail;
  if (ctx.swap === "none") return;
  if (hasPart(ctx, tasks)) {
    saidBefore("not-updated")?.remove();
    return;
  }
  event.preventDefault();
  say("not-updated");
});

// What is typed is saved in the background, with `none`: the answer is 204, or 422 while a field can't be saved as it
// is, which the form's button then explains.
document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail;
  if (ctx.swap !== "none") return;
  if (ctx.response.status === 204) saidBefore("not-saved")?.remove();
  else if (ctx.response.status !== 422) say("not-saved");
});

// No answer: no network, or one that takes longer than a minute.
document.addEventListener("htmx:error", (event) => {
  const { ctx } = event.detail;
  if (ctx) say(ctx.swap === "none" ? "not-saved" : "not-updated");
});
