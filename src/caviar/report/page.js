// Draws the figures of the page in the reader's colours: light, dark, or on paper.
(function () {
  "use strict";
  const page = JSON.parse(document.getElementById("figures").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const touch = window.matchMedia("(pointer: coarse)").matches;
  const places = Array.from(document.querySelectorAll("[data-figure]"));
  const logarithmic = {};
  const smoothing = {};
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

  // v ← βv + (1 − β)θ, read as v over its weight 1 − βᵗ. None in x ends a curve; None in y is a gap.
  function smoothed(trace, beta) {
    let v = 0;
    let weight = 0;
    const y = trace.y.map((value, at) => {
      if (trace.x[at] === null) v = weight = 0;
      if (value === null) return null;
      v = beta * v + (1 - beta) * value;
      weight = beta * weight + (1 - beta);
      return v / weight;
    });
    return { ...trace, y };
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
    if (smoothing[key]) figure.data = figure.data.map((trace, at) => (meta.curves[at] ? smoothed(trace, smoothing[key]) : trace));
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

  for (const slider of document.querySelectorAll("[data-smooth]")) {
    const key = slider.dataset.smooth;
    const betas = page.figures[key].layout.meta.betas;
    const said = slider.nextElementSibling;
    slider.addEventListener("input", () => {
      smoothing[key] = betas[slider.valueAsNumber];
      const told = smoothing[key] ? "β " + smoothing[key] + ", about " + Math.round(1 / (1 - smoothing[key])) + " points" : "off";
      said.textContent = told;
      slider.setAttribute("aria-valuetext", told);
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
