// Draws the figures of the page in the reader's colours: light, dark, or on paper.
(function () {
  "use strict";
  const page = JSON.parse(document.getElementById("figures").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const touch = window.matchMedia("(pointer: coarse)").matches;
  const places = Array.from(document.querySelectorAll("[data-figure]"));
  const logarithmic = {};
  const PRINTED = { wide: 680, panel: 320 };

  // Colours come as tokens, "@best"; the long arrays of numbers and texts hold none and are not copied.
  const UNTOUCHED = new Set(["x", "y", "z", "text", "ticktext", "tickvals"]);
  function dress(value, palette) {
    if (typeof value === "string") return value[0] === "@" ? palette[value.slice(1)] || value : value;
    if (Array.isArray(value)) return value.map((item) => dress(item, palette));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, UNTOUCHED.has(name) && Array.isArray(item) ? item : dress(item, palette)])
    );
  }

  // An error of 0 has no logarithm; it is drawn at the lower edge.
  function raised(trace, floor) {
    return { ...trace, y: trace.y.map((value) => (value === null ? null : Math.max(value, floor))) };
  }

  function show(place, printed) {
    const key = place.dataset.figure;
    const palette = page.palettes[dark.matches && !printed ? "dark" : "light"];
    const figure = dress(page.figures[key], palette);
    const layout = figure.layout;
    const meta = layout.meta;
    if (key in logarithmic) {
      Object.assign(layout.yaxis, meta.scales[logarithmic[key] ? "log" : "linear"]);
      layout.yaxis.range = layout.yaxis.range.slice();  // Plotly zooms by writing into it
    }
    const data = layout.yaxis.type === "log" ? figure.data.map((trace) => raised(trace, meta.floor)) : figure.data;
    const zooms = key === "curves" && !touch;
    layout.dragmode = zooms ? "zoom" : false;
    for (const axis of [layout.xaxis, layout.yaxis]) axis.fixedrange = !zooms;
    const narrow = place.closest(".panels") ? PRINTED.panel : PRINTED.wide;
    layout.width = printed ? narrow : place.clientWidth;
    // On a narrow page the legend takes one line an entry, and the figure makes room for it.
    if (layout.showlegend && layout.width < 480) layout.height += 20 * figure.data.filter((trace) => trace.showlegend).length;
    if (!place.classList.contains("drawn")) place.textContent = "";
    Plotly.react(place, data, layout, { displayModeBar: false, responsive: false });
    place.classList.add("drawn");
  }

  function showAll(printed) {
    for (const place of places) show(place, printed === true);
  }

  for (const button of document.querySelectorAll("[data-switch]")) {
    const key = button.dataset.switch;
    logarithmic[key] = button.getAttribute("aria-pressed") === "true";
    button.addEventListener("click", () => {
      logarithmic[key] = !logarithmic[key];
      button.setAttribute("aria-pressed", String(logarithmic[key]));
      show(document.getElementById("figure-" + key));
    });
  }

  let width = window.innerWidth;
  let waiting = 0;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    window.clearTimeout(waiting);
    waiting = window.setTimeout(() => showAll(), 120);
  });
  dark.addEventListener("change", () => showAll());

  window.addEventListener("beforeprint", () => showAll(true));
  window.addEventListener("afterprint", () => showAll());

  showAll();
})();
