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
