// The lines of a draft invoice: a chosen service fills in its name and price, the amounts follow what is typed, Enter
// adds a line, and the button of a service one for it. Without script the server does all of it when the form is sent.
"use strict";

const lines = document.getElementById("lines");
const { services: known, currency, digits: places, most } = lines.dataset;
const services = JSON.parse(known);
const digits = Number(places);
const format = new Intl.NumberFormat("en-US", {
  style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: digits,
});
// A comma followed by three digits separates thousands, as on the server.
const AMOUNT = new RegExp(`^([\\d.,]*?)(?:\\.(\\d{0,${digits}})|,(\\d{0,${Math.min(digits, 2)}}))?$`);
const TOO_MANY_DECIMALS = new RegExp(`^\\d*\\.\\d{${digits + 1},}$`);

const fieldOf = (line, name) => line.querySelector(`[name$="-${name}"]`);

// Returns a typed amount in minor units; 0 for what the server would refuse.
const minorOf = (text) => {
  const bare = text.replace(/[^\d.,()\-−]/g, "");
  const unsigned = bare.replace(/[()\-−]/g, "");
  if (TOO_MANY_DECIMALS.test(unsigned)) return 0;
  const [, whole = "", part = "", afterComma = ""] = AMOUNT.exec(unsigned) ?? [];
  const minor = Number(whole.replace(/\D/g, "") + (part || afterComma).padEnd(digits, "0"));
  return /[(\-−]/.test(bare) ? -minor : minor;
};

const formatted = (minor) => (minor < 0 ? "−" : "") + format.format(Math.abs(minor) / 10 ** digits);

const addUp = () => {
  let total = 0;
  for (const line of lines.querySelectorAll("fieldset")) {
    const quantity = fieldOf(line, "quantity").value.replace(/[\s,]/g, "") || "1";
    const amount = minorOf(fieldOf(line, "price").value) * (/^\d+$/.test(quantity) ? Number(quantity) : 0);
    line.querySelector("[data-sum]").textContent = formatted(amount);
    total += amount;
  }
  lines.querySelector("[data-total]").textContent = formatted(total);
};

// Replaces what is empty or came from another service, never what was typed.
const fillIn = (line, service) => {
  for (const name of ["label", "price"]) {
    const field = fieldOf(line, name);
    if (!field.value || Object.values(services).some((each) => each[name] === field.value)) field.value = service[name];
  }
};

const newLine = () => {
  const count = lines.querySelector("[name$=TOTAL_FORMS]");
  const position = Number(count.value);
  const place = document.createElement("template");
  place.innerHTML = document.getElementById("new-line").innerHTML
    .replaceAll("__prefix__", position).replaceAll("__number__", position + 1);
  const line = place.content.querySelector("fieldset");
  lines.querySelector(".lines-edit").append(line);
  count.value = position + 1;
  if (position + 1 >= Number(most)) for (const button of lines.querySelectorAll("[name=add]")) button.remove();
  return line;
};

const addLine = () => {
  const line = newLine();
  (fieldOf(line, "item") ?? fieldOf(line, "label")).focus();
};

// Fills in the first line on which nothing is charged yet, or adds one.
const addService = (ref) => {
  const isEmpty = (line) => ["item", "label", "price"].every((name) => !fieldOf(line, name).value);
  const item = fieldOf([...lines.querySelectorAll("fieldset")].find(isEmpty) ?? newLine(), "item");
  item.value = ref;
  item.dispatchEvent(new Event("input", { bubbles: true }));
};

lines.addEventListener("input", (event) => {
  const service = event.target.name.endsWith("-item") && services[event.target.value];
  if (service) fillIn(event.target.closest("fieldset"), service);
  addUp();
});

lines.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing || !event.target.matches("input, select")) return;
  event.preventDefault();
  if (lines.querySelector("[name=add]")) addLine();
});

lines.addEventListener("click", (event) => {
  const add = event.target.closest("[name=add]");
  if (!add) return;
  event.preventDefault();
  if (add.value in services) addService(add.value);
  else addLine();
});
