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
