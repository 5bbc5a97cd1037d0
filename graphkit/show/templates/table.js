"use strict";
(() => {
  const FIRST_ROWS = 25;

  // A table that sorts by its heads, and what stands around it: a search, a count, a button for the rest.
  function setUp(place) {
    const table = place.querySelector("table"), body = table.tBodies[0];
    const rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
    const search = place.querySelector("input"), found = place.querySelector("output");
    const more = place.querySelector("button.more");
    let most = FIRST_ROWS;

    function valueOf(row, column) {
      const cell = row.cells[column];
      return cell.dataset.value === undefined ? cell.textContent.trim().toLowerCase() : Number(cell.dataset.value);
    }

    function sortBy(column) {
      const head = heads[column], numeric = rows.some((row) => row.cells[column].dataset.value !== undefined);
      const before = head.getAttribute("aria-sort");
      const ascending = before === null ? !numeric : before === "descending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      const known = [], unknown = [];
      for (const row of rows) {
        const value = valueOf(row, column);
        (Number.isNaN(value) || (numeric && typeof value === "string") ? unknown : known).push([value, row]);
      }
      known.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (ascending ? 1 : -1));
      body.append(...known.concat(unknown).map(([, row]) => row));
      filter();
    }

    function filter() {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      let n = 0;
      for (const row of body.rows) {
        const text = row.textContent.toLowerCase();
        const matches = words.every((word) => text.includes(word));
        n += matches ? 1 : 0;
        row.hidden = !matches || n > most;
      }
      found.textContent = `${n.toLocaleString("en")} of ${rows.length.toLocaleString("en")} ${place.dataset.rows}`;
      more.hidden = n <= most;
      more.textContent = `Show all ${n.toLocaleString("en")}`;
    }

    heads.forEach((head, column) => head.firstElementChild.addEventListener("click", () => sortBy(column)));
    search.addEventListener("input", filter);
    more.addEventListener("click", () => { most = Infinity; filter(); });
    place.dataset.ready = "";
    filter();
  }

  // a notebook runs this once for each of its tables, whichever are there by then
  for (const place of document.querySelectorAll(".sortable:not([data-ready])")) setUp(place);
})();
