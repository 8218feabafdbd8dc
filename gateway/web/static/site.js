// Every page works without this. With it, GOV.UK's components and sortable tables come alive.
import { initAll, createAll, isSupported } from "./vendor/govuk-frontend.min.js";
import { SortableTable } from "./vendor/moj-sortable-table.mjs";

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
