// Passkeys exist only with script: the browser signs our question, and the form carries the answer.
// <form data-passkey="get|create" data-question="/office/…"> holds a field `passkey`; what needs a browser
// that knows passkeys is `hidden` until here.
"use strict";

const knowsPasskeys = Boolean(window.PublicKeyCredential?.parseRequestOptionsFromJSON);

const answerOf = async (form) => {
  const token = form.elements.csrfmiddlewaretoken.value;
  const answer = await fetch(form.dataset.question, { method: "POST", headers: { "X-CSRFToken": token } });
  if (!answer.ok || answer.redirected) throw new Error(`The question was answered ${answer.status}.`);
  const { publicKey } = await answer.json();
  const credential = form.dataset.passkey === "create"
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey) });
  return JSON.stringify(credential);
};

const ask = async (form) => {
  const trouble = form.querySelector("[data-passkey-trouble]");
  trouble.hidden = true;
  try {
    form.elements.passkey.value = await answerOf(form);
  } catch {
    // Called off, timed out, or no such passkey on this device: the person may try again.
    trouble.hidden = false;
    return;
  }
  form.submit();
};

if (knowsPasskeys) {
  for (const part of document.querySelectorAll("[data-needs-passkeys], form[data-passkey]")) part.hidden = false;
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-passkey]")) return;
    event.preventDefault();
    ask(event.target);
  });
}
