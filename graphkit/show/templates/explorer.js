const WIDTH = 1000, HEIGHT = 720, MOST_RINGS = 400;
const OPTIONS = { displaylogo: false, showSendToCloud: false, plotlyServerURL: "", scrollZoom: false };
const VIEWS = [["ring", "Who shares what"], ["evidence", "Account by account"], ["rhythm", "Hours"], ["members", "Members"]];
const NUMBERS = new Set(["accounts", "bits", "events"]);

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null) element.setAttribute(name, value === true ? "" : value);
  }
  // JupyterLab asks the focused element itself: keys that are pressed here are not the notebook's shortcuts
  if (element.tabIndex >= 0) element.setAttribute("data-lm-suppress-shortcuts", "true");
  element.append(...children);
  return element;
}

function stage(name) {
  const plot = make("div", { class: "plot", role: "group", "aria-label": name });
  return { plot, frame: make("div", { class: "frame" }, plot) };
}

// Figures have a size of their own; a narrower place shows them smaller, and hits still land where they should.
function fit({ frame, plot }) {
  const scale = Math.min(1, frame.clientWidth / WIDTH || 1);
  frame.style.height = `${HEIGHT * scale}px`;
  plot.style.transform = scale === 1 ? "" : `scale(${scale})`;
}

function draw(plot, figure) {
  const { data, layout } = JSON.parse(figure);
  return globalThis.Plotly.react(plot, data, layout, OPTIONS);
}

function render({ model, el }) {
  const Plotly = globalThis.Plotly;
  const root = make("div", { class: "graphkit-explorer" });
  const overview = stage("Overview: a bubble for each cluster; the list beside it has the same clusters");
  const detail = stage("Picture of what is chosen");
  const told = make("output"), title = make("h3"), message = make("p");
  const list = make("tbody"), members = make("tbody");
  const tabs = make("div", { class: "tabs", role: "group", "aria-label": "Views of the cluster" });
  const memberTable = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Members" },
    make("table", {}, head(["account", "tier", "bits", "events"]), members));

  function head(names) {
    const cell = (name) => make("th", { scope: "col", class: NUMBERS.has(name) && "number" }, name);
    return make("thead", {}, make("tr", {}, ...names.map(cell)));
  }

  function send(name, value) {
    model.set(name, value);
    model.save_changes();
  }

  let waiting = 0;
  function filter() {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      const values = {};
      for (const input of controls.querySelectorAll("input, select")) values[input.name] = input.value;
      send("filters", values);
    }, 200);
  }

  function choose(clusters, changes = {}) {
    const { view = "ring" } = model.get("choice");
    send("choice", { clusters, view, ...changes });
  }

  // With Shift a cluster is added to the choice, or taken out of it.
  function pickRow(id, { shiftKey }) {
    const { clusters = [] } = model.get("choice");
    if (!shiftKey) choose([id]);
    else choose(clusters.includes(id) ? clusters.filter((other) => other !== id) : [...clusters, id]);
  }

  // A list is one stop for Tab; arrows, Home and End go through it.
  function walk(body) {
    body.addEventListener("keydown", (event) => {
      const buttons = [...body.querySelectorAll("button")], at = buttons.indexOf(event.target);
      const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
      if (at < 0 || to === undefined) return;
      event.preventDefault();
      if (buttons[to]) moveStop(buttons, to).focus();
    });
  }

  function moveStop(buttons, to) {
    buttons.forEach((button, at) => { button.tabIndex = at === to ? 0 : -1; });
    return buttons[to];
  }

  function fill(body, rows) {
    const at = [...body.querySelectorAll("button")].indexOf(root.ownerDocument.activeElement);
    body.replaceChildren(...rows);
    const buttons = [...body.querySelectorAll("button")];
    if (!buttons.length) return;
    const stop = moveStop(buttons, Math.min(Math.max(at, 0), buttons.length - 1));
    if (at >= 0) stop.focus();
  }

  const { kinds, verdicts, author } = model.get("options");
  const pick = (name, all) => make("select", { name, onchange: filter }, make("option", { value: "" }, "any"),
    ...all.map(([value, text]) => make("option", { value }, text)));
  const input = (name, attributes) => make("input", { name, oninput: filter, autocomplete: "off", ...attributes });
  const controls = make("div", { class: "controls" },
    make("label", {}, "Search ", input("text", { type: "search", placeholder: "cluster, account, entity" })),
    make("label", {}, "Score from ", input("score", { type: "number", min: 0, max: 1, step: 0.05 })),
    make("label", {}, "Accounts from ", input("size", { type: "number", min: 0, step: 1 })),
    make("label", {}, "Kind ", pick("kind", kinds)),
    make("label", {}, "Seen since ", input("since", { type: "date" })),
    make("label", {}, "Verdict ", pick("verdict", [["none", "none"], ...verdicts.map((name) => [name, name])])),
    told);

  function showList() {
    const { rows, told: words } = model.get("listed");
    told.textContent = words;
    fill(list, rows.map((row) => make("tr", { "data-id": row.id },
      make("th", { scope: "row" }, make("button", { type: "button", onclick: (event) => pickRow(row.id, event) }, row.name)),
      make("td", { class: "number" }, row.accounts),
      make("td", {}, bar(row.score), ` ${row.score.toFixed(2)}`),
      make("td", {}, row.seen), ...(verdicts.length ? [make("td", {}, row.verdict)] : []))));
    showChoice();
    dim();
  }

  // Thousands of bubbles are drawn anew only where a filter changes them.
  let dimmed = "";
  function dim() {
    const { ids, bubbles } = model.get("overview"), { dim: hidden } = model.get("listed");
    if (!ids.length || !overview.plot.data || dimmed === JSON.stringify(hidden)) return;
    dimmed = JSON.stringify(hidden);
    Plotly.restyle(overview.plot, { "marker.opacity": [hidden.map((pale) => (pale ? 0.12 : 1))] }, [bubbles]);
  }

  // What is chosen has a ring around it, and in the list another ground.
  function showChoice() {
    const chosen = new Set(model.get("choice").clusters);
    for (const row of list.children) row.setAttribute("aria-current", String(chosen.has(row.dataset.id)));
    const { ids, bubbles } = model.get("overview"), { plot } = overview;
    if (!ids.length || !plot.data) return;
    const { x, y, marker } = plot.data[bubbles], { color } = plot.layout.font;
    const places = ids.flatMap((id, at) => (chosen.has(id) ? [at] : [])).slice(0, MOST_RINGS);
    const shapes = places.map((at) => {
      const radius = marker.size[at] / 2 + 2, size = { x0: -radius, x1: radius, y0: -radius, y1: radius };
      const pixels = { xsizemode: "pixel", ysizemode: "pixel", xanchor: x[at], yanchor: y[at] };
      return { type: "circle", ...pixels, ...size, line: { width: 3.5, color } };
    });
    const boxed = chosen.size < 2 && plot.layout.selections?.length;
    if (!boxed) Plotly.relayout(plot, { shapes });
    else Plotly.update(plot, { selectedpoints: [null] }, { shapes, selections: [] }, [bubbles]);
  }

  function bar(share) {
    const meter = make("span", { class: "meter", "aria-hidden": "true" }, make("span"));
    meter.firstChild.style.width = `${100 * share}%`;
    return meter;
  }

  const who = make("input", { name: "author", autocomplete: "off", maxlength: 200, size: 16, value: author || "" });
  const note = make("input", { name: "note", autocomplete: "off", maxlength: 10000, size: 34 });
  const standing = make("p"), answer = make("output");
  const review = make("form", { class: "review", "aria-label": "Verdict on the cluster", onsubmit: (event) => {
    event.preventDefault();
    const [cluster] = model.get("choice").clusters;
    answer.textContent = "";
    model.send({ cluster, verdict: event.submitter.value, author: who.value, note: note.value });
  } },
  make("label", {}, "Author ", who), make("label", {}, "Note ", note),
  // hidden from sight and keys; Enter in a field would else give the first verdict
  make("button", { type: "submit", disabled: true, hidden: true }),
  ...verdicts.map((name) => make("button", { type: "submit", value: name }, name)), answer);

  function showAnswer() {
    const { told: words = "", recorded = false } = model.get("answer");
    answer.textContent = words;
    answer.classList.toggle("refused", Boolean(words) && !recorded);
    if (recorded) note.value = "";
  }

  function showDetail() {
    const { title: words, message: text = "", figure, view, members: rows, standing: held } = model.get("detail");
    if (words !== title.textContent) {
      note.value = "";
      answer.textContent = "";
    }
    standing.textContent = held || "";
    standing.hidden = !held;
    review.hidden = held === undefined || author === null;
    title.textContent = words;
    message.textContent = text;
    detail.frame.hidden = !figure;
    memberTable.hidden = !rows;
    const { clusters = [] } = model.get("choice");
    tabs.replaceChildren(...(clusters.length === 1 ? VIEWS : []).map(([name, label]) => make("button",
      { type: "button", "aria-pressed": String(name === view), onclick: () => choose(clusters, { view: name }) }, label)));
    fill(members, (rows || []).map((row, member) => make("tr", {},
      make("th", { scope: "row" },
        make("button", { type: "button", onclick: () => choose(clusters, { view: "members", member }) }, row.name)),
      make("td", {}, row.tier), make("td", { class: "number" }, row.bits), make("td", { class: "number" }, row.events))));
    if (figure) {
      fit(detail);
      draw(detail.plot, figure);
    }
    root.dataset.told = `${clusters.join(" ")} ${view || ""}`.trim();
  }

  let drawn = false;
  async function drawOverview() {
    drawn = true;
    const { figure, ids, bubbles } = model.get("overview");
    await draw(overview.plot, figure);
    const hit = (points) => points.filter((point) => point.curveNumber === bubbles).map((point) => ids[point.pointIndex]);
    overview.plot.on("plotly_click", ({ points }) => { if (hit(points).length) choose(hit(points)); });
    overview.plot.on("plotly_selected", (event) => { if (event && hit(event.points).length) choose(hit(event.points)); });
    showList();
  }

  root.append(controls,
    make("div", { class: "both" }, overview.frame,
      make("div", { class: "scroll list", tabindex: "0", role: "region", "aria-label": "Clusters by score" },
        make("table", {}, head(["cluster", "accounts", "score", "last seen", ...(verdicts.length ? ["verdict"] : [])]), list))),
    make("section", { "aria-live": "polite" }, title, standing, review, tabs, message, detail.frame, memberTable));
  el.append(root);
  // plotly measures letters, which it can only where they are shown
  const resized = new ResizeObserver(() => {
    fit(overview);
    fit(detail);
    if (!drawn) {
      drawOverview();
      showDetail();
    }
  });
  resized.observe(root);
  model.on("change:listed", showList);
  model.on("change:choice", showChoice);
  model.on("change:detail", showDetail);
  model.on("change:answer", showAnswer);
  walk(list);
  walk(members);
  return () => {
    resized.disconnect();
    clearTimeout(waiting);
    for (const { plot } of [overview, detail]) Plotly.purge(plot);
  };
}

export default { render };
