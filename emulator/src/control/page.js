// Polls the log and shows what is new on top. The emulator has cut the secrets; all text goes in as text.
"use strict";

const KEPT = 1000;
const EVERY = 1000;
const element = (id) => document.getElementById(id);
const rows = element("rows");
const filter = element("filter");
let after = 0;
let paused = false;
let epoch = 0;

function time(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString("en-GB");
}

function look(status) {
  if (status === null || status >= 500) return "bad";
  if (status >= 400) return "warn";
  return status >= 300 ? "move" : "";
}

function cell(row, style, text) {
  const made = row.insertCell();
  made.className = style;
  made.textContent = text;
  return made;
}

function show(entry) {
  const row = rows.insertRow(0);
  const what = [entry.query, entry.body].filter(Boolean).join("\n");
  const status = entry.status === null ? "none" : String(entry.status);
  cell(row, "n", entry.n);
  cell(row, "time", time(entry.at));
  const chip = document.createElement("span");
  chip.className = "chip";
  chip.textContent = entry.server;
  row.insertCell().append(chip);
  cell(row, "method", entry.method);
  // Narrow windows have no column for the rest.
  cell(row, "path", entry.path).title = [entry.path, what].filter(Boolean).join("\n");
  cell(row, "what", what);
  cell(row, `status ${look(entry.status)}`, status);
  row.dataset.text = [entry.server, entry.method, entry.path, what, status].join(" ").toLowerCase();
  row.dataset.bad = look(entry.status) === "bad" || look(entry.status) === "warn" ? "1" : "";
  row.hidden = !fits(row);
}

function fits(row) {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  return words.every((word) => row.dataset.text.includes(word));
}

function count() {
  const shown = [...rows.rows].filter((row) => !row.hidden);
  element("shown").textContent =
    shown.length === rows.rows.length ? shown.length : `${shown.length} of ${rows.rows.length}`;
  element("errors").textContent = shown.filter((row) => row.dataset.bad).length;
  const empty = element("empty");
  empty.hidden = shown.length > 0;
  empty.textContent = rows.rows.length > 0 ? "Nothing fits the filter." : "No requests yet. They appear here as they come.";
  rows.parentElement.hidden = shown.length === 0;
}

function state(style, text) {
  const shown = element("state");
  shown.className = `state ${style}`;
  shown.textContent = text;
}

async function get(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function poll() {
  const mine = epoch;
  try {
    const [clock, entries] = await Promise.all([get("clock"), paused ? [] : get(`log?after=${after}`)]);
    element("clock").textContent = new Date(clock.now * 1000).toLocaleString("en-GB");
    if (mine === epoch && !paused) {
      for (const entry of entries) {
        after = entry.n;
        show(entry);
      }
      while (rows.rows.length > KEPT) rows.deleteRow(-1);
      if (entries.length > 0) count();
    }
    state(paused ? "" : "live", paused ? "paused" : "live");
  } catch {
    state("lost", "no answer");
  }
  setTimeout(poll, EVERY);
}

function wipe() {
  rows.replaceChildren();
  count();
}

filter.addEventListener("input", () => {
  for (const row of rows.rows) row.hidden = !fits(row);
  count();
});
element("pause").addEventListener("click", (event) => {
  paused = !paused;
  event.target.setAttribute("aria-pressed", String(paused));
  event.target.textContent = paused ? "Go on" : "Pause";
  state(paused ? "" : "live", paused ? "paused" : "live");
});
element("clear").addEventListener("click", async () => {
  epoch += 1;
  await fetch("log", { method: "DELETE" });
  wipe();
});
rows.addEventListener("click", (event) => {
  if (String(getSelection()) === "") event.target.closest("tr").classList.toggle("open");
});
get(".").then((ready) => {
  element("where").textContent = `portal ${ready.portal} · authorization ${ready.authorization}`;
});
// A filter can be named in the address: /page#crm.lead
filter.value = decodeURIComponent(location.hash.slice(1));
count();
poll();
