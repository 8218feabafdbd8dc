// Every page works without this. With it, GOV.UK's components and sortable tables come alive, and
// what a page marks as live is looked at again by itself.
import { initAll, createAll, isSupported } from "./vendor/govuk-frontend.min.js";
import { SortableTable } from "./vendor/moj-sortable-table.mjs";

const EVERY_MS = 15000;

// The place that has the focus, so that it has it again when its surroundings were replaced.
function focused(within) {
  const active = document.activeElement;
  if (!active || !within.contains(active)) return null;
  const all = [...within.querySelectorAll("a[href], [tabindex]")];
  return all.indexOf(active);
}

function summaryOf(place) {
  const found = place.querySelector("[data-live-summary]");
  return found ? found.textContent : "";
}

// Replace what has changed; say aloud only what the summary says anew.
function show(place, text) {
  const fresh = new DOMParser().parseFromString(text, "text/html").body;
  if (fresh.innerHTML.trim() === place.innerHTML.trim()) return;
  const before = summaryOf(place);
  const at = focused(place);
  place.replaceChildren(...fresh.childNodes);
  if (at !== null && at >= 0) {
    const found = place.querySelectorAll("a[href], [tabindex]")[at];
    if (found) found.focus({ preventScroll: true });
  }
  const told = document.querySelector("[data-live-told]");
  if (told && summaryOf(place) !== before) told.textContent = summaryOf(place);
}

// Look once; whether to look again. Whoever was signed out meanwhile keeps the page as it was.
async function look(place) {
  if (document.hidden) return true;
  try {
    const answer = await fetch(place.dataset.live, { redirect: "manual", cache: "no-store" });
    if (answer.type === "opaqueredirect" || answer.status === 404) return false;
    if (answer.ok) show(place, await answer.text());
  } catch {
    // The gateway is being restarted, or the line is down: the next look may find it again.
  }
  return true;
}

function keepLooking(place) {
  setTimeout(async () => {
    if (await look(place)) keepLooking(place);
  }, EVERY_MS);
}

if (isSupported()) {
  initAll();
  createAll(SortableTable);
}

// A page that waits for news looks for it, and goes there once it has come. It stops in time: looking
// keeps a session alive, and nobody may be in front of it any more.
const WAITING = 'data-module="gateway-waiting"';
const LOOKS = 240;

async function lookForNews(left) {
  let shown = WAITING;
  try {
    const answer = await fetch(window.location.href, { cache: "no-store" });
    shown = answer.ok ? await answer.text() : WAITING;
    if (!shown.includes(WAITING)) {
      window.location.replace(answer.url);
      return;
    }
  } catch {
    // The network, or the gateway, is away for a moment.
  }
  if (left > 0) {
    setTimeout(lookForNews, left > LOOKS - 20 ? 500 : 2500, left - 1);
  }
}

if (document.querySelector(`[${WAITING}]`)) {
  setTimeout(lookForNews, 500, LOOKS);
}
document.querySelectorAll("[data-live]").forEach(keepLooking);
