// What page.html does: draws the form, asks the model, shows the answer and the card.
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

// ---- Asking

const TROUBLE = {
  403: "This key may not use the model.",
  404: "There is no model at this address any more.",
  413: "The service finds this request too large.",
  429: "Too many questions in a short time. Wait a moment, then press Predict again.",
  502: "The service is not there just now: it may be starting. Try again in a moment.",
  503: "The service is busy or just starting. Try again in a moment.",
  504: "The service took too long to answer. Try again in a moment.",
};

async function ask() {
  const button = find("predict");
  if (button.ariaDisabled === "true") return;
  for (const control of controls.values()) complain(control, control.validationMessage);
  const wrong = [...controls.values()].find((control) => !control.validity.valid);
  if (wrong) return wrong.focus();
  button.ariaDisabled = "true";
  const body = question();
  const headers = { "Content-Type": "application/json", ...(key && { Authorization: `Bearer ${key}` }) };
  try {
    const signal = AbortSignal.timeout(30_000);
    const answer = await fetch(here + "predict", { method: "POST", headers, body, signal });
    if (answer.ok) show((await answer.json()).predictions[0]);
    else if (answer.status === 400) refused(await answer.json());
    else if (answer.status === 401) askForKey();
    else fail(TROUBLE[answer.status] ?? `The service failed (${answer.status}). Its log says why.`);
  } catch (error) {
    if (error.name === "TimeoutError") fail(TROUBLE[504]);
    else if (error.name === "SyntaxError") fail("What came back is not an answer of this model.");
    else fail("The service cannot be reached. Is it running, and is your network on?");
  } finally {
    button.ariaDisabled = "false";
    if (question() !== body) changed(); // while the answer was under way
  }
}

// A 400 names the fields: {"detail": [{"loc": ["rows", 0, "lines"], "msg": "Input should be…"}]}
function refused({ detail = [], error = "" }) {
  const named = detail.map(({ loc, msg }) => [controls.get(loc.find((part) => controls.has(part))), msg]);
  const [first] = named.filter(([control]) => control);
  const why = first ? "See what it says beside the field." : (detail[0]?.msg ?? error);
  fail(`The service does not take this row. ${why}`);
  for (const [control, message] of named) if (control) complain(control, message);
  first?.[0].focus();
}

// ---- The key, where the service asks for one

const slot = `key of ${here}`;
let key = "";

function keep(value) {
  key = value;
  try {
    sessionStorage.setItem(slot, key);
  } catch {
    // Storage is forbidden: the key is lost with the page.
  }
  find("forget").hidden = !key;
  changed();
}

function askForKey() {
  fail(key ? "The service does not know this key." : "This service asks for a key.");
  keep("");
  find("unlock").hidden = false;
  find("key").focus();
}

function useKey() {
  const { value, validity } = find("key");
  complain(find("key"), validity.valid ? "" : "A key has letters, digits and signs, and no spaces.");
  if (!validity.valid) return find("key").focus();
  keep(value);
  find("unlock").reset();
  find("unlock").hidden = true;
  find("predict").focus();
  ask();
}

// ---- The answer

const words = (value) => (typeof value === "boolean" ? (value ? "yes" : "no") : String(value));
const number = (value) => value.toLocaleString("en", { maximumSignificantDigits: 4 });

function percent(share) {
  if (share > 0.999 && share < 1) return "over 99.9\u00a0%";
  if (share < 0.001 && share > 0) return "under 0.1\u00a0%";
  const digits = share > 0.01 && share < 0.99 ? 0 : 1;
  return `${(100 * share).toFixed(digits).replace(".0", "")}\u00a0%`;
}

function say(...content) {
  find("answer").classList.remove("old");
  find("answer").replaceChildren(...content);
  find("result").scrollIntoView({ block: "nearest" });
}

const paragraph = (style, text) => make("p", { class: style }, text);
const fail = (text) => say(paragraph("bad", text));
const ends = (left, right) =>
  make("div", { class: "ends small" }, make("span", {}, left), make("span", {}, right));

// Lengths are set as properties: the page's policy forbids style attributes.
function bar(share, { from = 0, mark, style = "bar" }) {
  const whole = make(
    "div",
    { class: style, "aria-hidden": true },
    make("i", {}),
    ...(mark === undefined ? [] : [make("b", {})]),
  );
  for (const [name, value] of Object.entries({ share, from, mark }))
    whole.style.setProperty(`--${name}`, `${100 * value}%`);
  return whole;
}

function show({ answer, probability, probabilities, low, high }) {
  if (probabilities) {
    const likeliest = Object.entries(probabilities)
      .sort(([, one], [, other]) => other - one)
      .slice(0, 8);
    const bars = likeliest.flatMap(([name, share]) => [
      ends(name, percent(share)),
      bar(share, { style: name === answer ? "bar" : "bar other" }),
    ]);
    say(paragraph("big", answer), paragraph("", `${percent(probability)} sure`), ...bars);
  } else if (probability !== undefined) {
    const sure = percent(answer ? probability : 1 - probability);
    const mark = facts.threshold ?? 0.5;
    say(
      paragraph("big", answer ? "Yes" : "No"),
      paragraph("", `${sure} sure`),
      bar(probability, { mark }),
      ends(`yes ${percent(probability)}`, `no ${percent(1 - probability)}`),
      paragraph("small", `It says yes from ${percent(mark)} on: the mark on the bar.`),
    );
  } else {
    // The interval takes the middle of the bar, so that it is seen as one.
    const mark = high > low ? 0.2 + (0.6 * (answer - low)) / (high - low) : 0.5;
    say(
      paragraph("big", number(answer)),
      paragraph("", `probably between ${number(low)} and ${number(high)}`),
      bar(0.6, { from: 0.2, mark }),
      ends(`${number(low)}: ${facts.answer.low}`, `${number(high)}: ${facts.answer.high}`),
    );
  }
}

// ---- The model card

function section({ heading, text = [], table: [head, ...body] = [] }) {
  // `names` stand in backquotes: every second part.
  const styled = (each) => each.split("`").map((part, index) => (index % 2 ? make("code", {}, part) : part));
  const paragraphs = [make("h3", {}, heading), ...text.map((each) => make("p", {}, ...styled(each)))];
  if (!head) return paragraphs;
  const isNumber = (cell) => /^[-+±]?\d[\d.,:]*\s?%?$/.test(cell);
  const kinds = head.map((_, column) => {
    const cells = body.map((line) => line[column]);
    return { class: cells.every(isNumber) ? "number" : cells.some((cell) => cell.length > 30) ? "long" : "" };
  });
  const first = head.map((cell, column) => make("th", { scope: "col", ...kinds[column] }, cell));
  const rows = body.map((line) =>
    make("tr", {}, ...line.map((cell, column) => make("td", kinds[column], cell))),
  );
  const table = make("table", {}, make("thead", {}, make("tr", {}, ...first)), make("tbody", {}, ...rows));
  return [
    ...paragraphs,
    make("div", { class: "table", role: "region", tabindex: 0, "aria-label": heading }, table),
  ];
}

function origin({ version, created_at: made, git_commit: commit, git_dirty: dirty }) {
  const parts = [
    version && `version ${version}`,
    made && `made ${made.slice(0, 10)}`,
    commit && `from commit ${commit.slice(0, 7)}`,
  ];
  return `The model: ${parts.filter(Boolean).join(", ")}${dirty ? ", with changes that were not committed" : ""}.`;
}

// A browser gives the clipboard only to a page that came over HTTPS, or from the same machine.
async function copy() {
  getSelection().selectAllChildren(find("curl"));
  const refusal = "Selected: copy it with your keyboard.";
  const copying = navigator.clipboard?.writeText(find("curl").textContent).then(() => "Copied.");
  find("copied").textContent = (await copying?.catch(() => refusal)) ?? refusal;
}

facts.fields.forEach(draw);
if (facts.examples.length) fillIn();
find("example").hidden = !facts.examples.length;
find("card").hidden = !facts.card.length;
find("sections").append(...facts.card.flatMap(section));
find("target").textContent = facts.target;
find("docs").href = here + "docs";
find("model").textContent = origin(facts.model);
try {
  keep(sessionStorage.getItem(slot) ?? "");
} catch {
  keep("");
}
find("answer").classList.remove("old");
find("form").addEventListener("input", ({ target }) => {
  complain(target, "");
  changed();
});
find("form").addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
find("unlock").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey();
});
find("forget").addEventListener("click", () => {
  keep("");
  find("predict").focus();
});
find("example").addEventListener("click", fillIn);
find("copy").addEventListener("click", copy);
