"use strict";
(() => {
  const WIDTH = 1000, HEIGHT = 720, LEAST_SCALE = 0.62, FIRST_ROWS = 25;
  const OPTIONS = {
    displaylogo: false,
    scrollZoom: false,
    showSendToCloud: false,
    plotlyServerURL: "",
    toImageButtonOptions: { format: "svg" },
  };
  const root = document.documentElement;
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const shown = new Map();

  // A figure is kept once, in light colors, with the few values that dark ones change.
  function colored(figure, mode) {
    const copy = structuredClone({ data: figure.data, layout: figure.layout });
    if (mode === "dark") {
      for (const [path, value] of figure.dark) {
        const last = path[path.length - 1];
        path.slice(0, -1).reduce((node, key) => node[key], copy)[last] = value;
      }
    }
    return copy;
  }

  function draw(id, mode) {
    if (shown.get(id) === mode) return;
    const place = document.getElementById(id);
    const { data, layout } = colored(figures[id], mode);
    Plotly.react(place, data, layout, OPTIONS);
    place.dataset.drawn = mode;
    shown.set(id, mode);
  }

  function fit() {
    for (const frame of document.querySelectorAll(".fit")) {
      const scale = Math.min(1, Math.max(LEAST_SCALE, frame.parentElement.clientWidth / WIDTH));
      frame.style.width = `${WIDTH * scale}px`;
      frame.style.height = `${HEIGHT * scale}px`;
      frame.firstElementChild.style.transform = scale === 1 ? "" : `scale(${scale})`;
    }
  }

  let mode = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const themeButton = document.getElementById("theme");

  function setMode(chosen) {
    mode = chosen;
    root.dataset.theme = mode;
    themeButton.setAttribute("aria-pressed", String(mode === "dark"));
    for (const id of shown.keys()) draw(id, mode);
  }

  // Figures far down the page wait until they are near, so that the page is there at once.
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      draw(entry.target.id, mode);
      watch.unobserve(entry.target);
    }
  }, { rootMargin: "800px" });

  themeButton.addEventListener("click", () => setMode(mode === "dark" ? "light" : "dark"));
  document.getElementById("print").addEventListener("click", () => print());
  addEventListener("resize", fit);
  addEventListener("beforeprint", () => { for (const id in figures) draw(id, "light"); });
  addEventListener("afterprint", () => { for (const id in figures) draw(id, mode); });
  setMode(mode);
  fit();
  for (const id in figures) watch.observe(document.getElementById(id));

  const table = document.getElementById("ranked");
  if (!table) return;
  const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];

  function valueOf(row, column) {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent.trim().toLowerCase() : Number(cell.dataset.value);
  }

  function sortBy(column) {
    const head = heads[column], numeric = rows[0].cells[column].dataset.value !== undefined;
    const before = head.getAttribute("aria-sort");
    const ascending = before === null ? !numeric : before === "descending";
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const sorted = rows.map((row) => [valueOf(row, column), row]);
    sorted.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (ascending ? 1 : -1));
    body.append(...sorted.map(([, row]) => row));
    filter();
  }

  const search = document.getElementById("search"), found = document.getElementById("found");
  const more = document.getElementById("more");
  let most = FIRST_ROWS;

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let n = 0;
    for (const row of body.rows) {
      const text = row.textContent.toLowerCase();
      const matches = words.every((word) => text.includes(word));
      n += matches ? 1 : 0;
      row.hidden = !matches || n > most;
    }
    found.textContent = `${n.toLocaleString("en")} of ${rows.length.toLocaleString("en")} clusters`;
    more.hidden = n <= most;
    more.textContent = `Show all ${n.toLocaleString("en")}`;
  }

  heads.forEach((head, column) => head.firstElementChild.addEventListener("click", () => sortBy(column)));
  search.addEventListener("input", filter);
  more.addEventListener("click", () => { most = Infinity; filter(); });
  filter();
})();
