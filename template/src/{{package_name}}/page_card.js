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

// ---- The start

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
