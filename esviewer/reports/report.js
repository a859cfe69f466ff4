"use strict";
/* Tables sort by a click on a title and are filtered by a line above them. Without script they are plain tables. */
(() => {
  const FILTERED_FROM = 8;
  const order = new Intl.Collator("en", { numeric: true });
  const severities = ["error", "warning", "note"];

  const valueOf = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
    const rank = cell.classList.contains("severity") ? severities.indexOf(cell.textContent) : -1;
    return rank < 0 ? cell.textContent : rank;
  };
  const isAbsent = (value) => value === "–";
  const compare = (a, b, turn) => {
    if (isAbsent(a) || isAbsent(b)) return isAbsent(a) - isAbsent(b);
    if (typeof a === "number" && typeof b === "number") return turn * (a - b);
    return turn * order.compare(String(a), String(b));
  };

  const sortBy = (table, title, column) => {
    const turn = title.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    title.setAttribute("aria-sort", turn > 0 ? "ascending" : "descending");
    const body = table.tBodies[0];
    const rows = Array.from(body.rows, (row) => [valueOf(row, column), row]);
    rows.sort((a, b) => compare(a[0], b[0], turn));
    body.append(...rows.map((pair) => pair[1]));
  };

  const addFilter = (table) => {
    const line = document.createElement("input");
    const told = document.createElement("output");
    const rows = Array.from(table.tBodies[0].rows, (row) => [row.textContent.toLowerCase(), row]);
    line.type = "search";
    line.placeholder = "Filter";
    line.setAttribute("aria-label", `Filter: ${table.caption.textContent}`);
    line.addEventListener("input", () => {
      const words = line.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const [text, row] of rows) {
        row.hidden = !words.every((word) => text.includes(word));
        shown += !row.hidden;
      }
      told.textContent = words.length ? `${shown} of ${rows.length}` : "";
    });
    const bar = document.createElement("div");
    bar.className = "filter";
    bar.append(line, told);
    table.parentElement.before(bar);
  };

  for (const table of document.querySelectorAll("table")) {
    const count = table.tBodies[0].rows.length;
    if (count > 1) {
      Array.from(table.tHead.rows[0].cells).forEach((title, column) => {
        const button = document.createElement("button");
        button.type = "button";
        button.append(...title.childNodes);
        button.addEventListener("click", () => sortBy(table, title, column));
        title.append(button);
      });
    }
    if (count >= FILTERED_FROM) addFilter(table);
  }
})();
