// What page.html does: draws the form, asks the model (page_ask.js), shows the answer and the card.
// The four files are one script: they know each other's names, and page_card.js ends with the start.
"use strict";
const find = (id) => document.getElementById(id);
const facts = JSON.parse(find("facts").textContent);
// The service may lie behind a path: `predict` is beside this page, wherever that is.
const here = location.origin + location.pathname.replace(/\/?$/, "/");
const controls = new Map(); // from a field's name to its input or select
let shown = -1; // which example

// Text goes in as text. Nothing on this page is parsed as HTML, so nothing in the data can act.
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// ---- The form

function draw({ name, label, hint, kind, choices, optional, limits }) {
  const id = `row-${name}`;
  const said = { id, "aria-describedby": `${id}-error ${id}-hint`, autocomplete: "off", ...limits };
  const type = { yesno: "checkbox", number: "number", text: "text" }[kind];
  const control = type ? make("input", { type, ...said }) : make("select", said);
  if (!type && optional) control.append(make("option", { value: "" }, "not known"));
  if (!type)
    control.append(...choices.map((choice, index) => make("option", { value: index }, words(choice))));
  const text = make("label", { for: id }, label);
  const notes = ["error", "hint"].map((what) =>
    make("small", { id: `${id}-${what}`, class: what }, what === "hint" ? hint : ""),
  );
  if (kind === "yesno") find("flags").append(make("div", {}, control, text, ...notes));
  else find("values").append(make("div", {}, text, control, ...notes));
  controls.set(name, control);
}

function read({ name, kind, choices, optional }) {
  const { value, checked } = controls.get(name);
  if (kind === "yesno") return checked;
  if (optional && value === "") return null;
  if (kind === "choice") return choices[value];
  return kind === "number" ? Number(value) : value;
}

function write({ name, kind, choices }, value) {
  const control = controls.get(name);
  if (kind === "yesno") control.checked = value;
  else control.value = kind === "choice" && value !== null ? choices.indexOf(value) : (value ?? "");
  complain(control, "");
}

const question = () =>
  JSON.stringify({ rows: [Object.fromEntries(facts.fields.map((field) => [field.name, read(field)]))] });

function fillIn() {
  shown = (shown + 1) % facts.examples.length;
  for (const field of facts.fields) write(field, facts.examples[shown][field.name]);
  find("which").textContent = `Example ${shown + 1} of ${facts.examples.length} filled in`;
  changed();
}

function changed() {
  find("answer").classList.add("old");
  // In single quotes a shell takes everything as it is, except a single quote.
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const header = key ? ' -H "Authorization: Bearer $API_KEY"' : "";
  find("curl").textContent =
    `curl ${quoted(here + "predict")}${header} -H 'Content-Type: application/json' -d ${quoted(question())}`;
}

function complain(control, message) {
  control.setAttribute("aria-invalid", message !== "");
  find(`${control.id}-error`).textContent = message;
}
