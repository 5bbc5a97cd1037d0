"use strict";
(() => {
  const WIDTH = 1000, HEIGHT = 720, LEAST_SCALE = 0.62;
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
})();
