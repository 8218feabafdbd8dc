// Every page works without this. With it, GOV.UK's components and sortable tables come alive.
import { initAll, createAll, isSupported } from "./vendor/govuk-frontend.min.js";
import { SortableTable } from "./vendor/moj-sortable-table.mjs";

if (isSupported()) {
  initAll();
  createAll(SortableTable);
}
