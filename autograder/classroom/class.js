// Tables with the class "sortable" are sorted by the column whose heading is pressed; without a script they stay as they
// are.
"use strict";
const letters = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
const shown = (row, column) => row.cells[column]?.textContent.trim() ?? "";

function compare(first, second, numbers) {
  if (!numbers) return letters.compare(first, second);
  return parseFloat(first) - parseFloat(second);
}

function sort(table, heading) {
  const column = heading.cellIndex;
  const numbers = heading.classList.contains("n");
  // Numbers begin with the largest, names with the first letter.
  const next = { ascending: "descending", descending: "ascending" };
  const order = next[heading.getAttribute("aria-sort")] ?? (numbers ? "descending" : "ascending");
  const sign = order === "ascending" ? 1 : -1;
  const empty = (text) => text === "" || (numbers && Number.isNaN(parseFloat(text)));
  const rows = [...table.tBodies[0].rows].map((row) => [shown(row, column), row]);
  // What has no value comes last, in either order.
  rows.sort(([a], [b]) => empty(a) - empty(b) || (empty(a) ? 0 : sign * compare(a, b, numbers)));
  table.tBodies[0].append(...rows.map(([, row]) => row));
  for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", order);
}

for (const table of document.querySelectorAll("table.sortable")) {
  for (const heading of table.tHead.querySelectorAll("th:not(.picture)")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sort(table, heading));
    heading.append(button);
  }
}
