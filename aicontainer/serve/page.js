"use strict";
// the examples name the address under which this page was found
for (const code of document.querySelectorAll("code")) {
  code.textContent = code.textContent.replaceAll("http://localhost:8080", location.origin);
}

const form = document.querySelector("form");
const inputs = form ? [...form.querySelectorAll("input")] : [];
const answer = document.querySelector("output");
const spoken = document.querySelector("#spoken");

function mark(input) {
  const value = input.valueAsNumber;
  const far = value < Number(input.dataset.low) || value > Number(input.dataset.high);
  const hint = document.getElementById(input.getAttribute("aria-describedby"));
  hint.classList.toggle("far", far);
  hint.textContent = input.dataset.hint + (far ? ": this value is outside" : "");
}

function tell(kind, ...texts) {
  answer.replaceChildren(...texts.map((text, place) => {
    const part = document.createElement(place === 0 ? kind : "div");
    part.textContent = text;
    return part;
  }));
  if (kind === "p") answer.firstChild.className = "bad";
}

function blame(path) {
  for (const input of inputs) {
    const faulty = path === "rows[0]." + input.name;
    input.setAttribute("aria-invalid", String(faulty));
    if (faulty) input.focus();
  }
}

async function ask(event) {
  event.preventDefault();
  // an empty field goes out as null: the server says what it thinks of that
  const row = Object.fromEntries(inputs.map((input) => [input.name, input.value === "" ? null : Number(input.value)]));
  const body = JSON.stringify({ rows: [row] });
  try {
    const response = await fetch("/predict", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    const text = await response.text();
    spoken.textContent = "POST /predict\n" + body + "\n\n" + response.status + "\n" + text;
    const said = JSON.parse(text);
    blame(said.path);
    if (!response.ok) return tell("p", said.error);
    const value = String(Number(said.predictions[0].toPrecision(6)));
    tell("strong", said.unit ? `${value} (${said.unit})` : value, "score " + said.scores[0] + ", version " + said.version);
  } catch (error) {
    tell("p", "no answer from the server: " + error.message);
  }
}

for (const input of inputs) {
  input.addEventListener("input", () => mark(input));
}
if (form) form.addEventListener("submit", ask);
