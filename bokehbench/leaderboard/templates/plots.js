// The plots: plotly and their data are loaded when one comes into view, and drawn again with the theme.
"use strict";
(() => {
  const figures = [...document.querySelectorAll("[data-plot]")];
  if (!figures.length) return;
  const COLOURS = 6; // --c0 to --c5; with seven markers a pair comes back after 42 methods
  const MARKERS = ["circle", "square", "diamond", "triangle-up", "x", "triangle-down", "star"];
  const DASHES = ["solid", "dash", "dot", "dashdot"];
  // A finger on a plot scrolls the page: there a plot is read, not zoomed.
  const touched = matchMedia("(pointer: coarse)");
  const hidden = { board: "", methods: new Set() };
  const seen = new Set();

  // ------------------------------------------------------------------------------------------------ loading

  const load = (src) =>
    new Promise((done, failed) => {
      const script = Object.assign(document.createElement("script"), { src, onload: done });
      script.onerror = () => failed(new Error(`${src} is missing`));
      document.head.append(script);
    });
  let library = null;
  const ready = () => (library ??= Promise.all([load("assets/plot-data.js"), load("assets/plotly.min.js")]));

  // ------------------------------------------------------------------------------------------------- colours

  const probe = document.createElement("i");
  probe.hidden = true;
  document.body.append(probe);
  const colour = (name) => {
    probe.style.color = `var(--${name})`; // light-dark() is resolved in a colour, not in the variable
    return getComputedStyle(probe).color;
  };
  const style = (index, oracle) => ({
    color: oracle ? colour("muted") : colour(`c${index % COLOURS}`),
    symbol: MARKERS[index % MARKERS.length] + (oracle ? "-open" : ""),
    dash: oracle ? "dot" : DASHES[Math.floor(index / COLOURS) % DASHES.length],
  });

  // ------------------------------------------------------------------------------------------------- drawing

  const chosen = (figure) => [...figure.querySelectorAll("select[data-choice]")].map((select) => select.value);
  const bars = (points, color) => {
    const up = points.high.map((high, i) => (high === null ? 0 : high - points.y[i]));
    const down = points.low.map((low, i) => (low === null ? 0 : points.y[i] - low));
    const any = [...up, ...down].some((length) => length > 0);
    return { type: "data", symmetric: false, array: up, arrayminus: down, visible: any, color, thickness: 1.2, width: 3 };
  };
  const trace = (plot, method, index, points, front) => {
    const { color, symbol, dash } = style(index, method.oracle);
    const ahead = front.includes(method.label);
    return {
      type: "scatter",
      mode: plot.lines ? "lines+markers" : "markers",
      name: method.shown,
      uid: method.label,
      x: points.x,
      y: points.y,
      text: points.text,
      hovertemplate: `<b>${method.shown}</b><br>%{text}<extra></extra>`,
      line: { color, dash, width: 1.8 },
      marker: { color, symbol, size: plot.lines ? 7 : 11, line: { color: ahead ? colour("ink") : color, width: ahead ? 2 : method.oracle ? 1.5 : 0.5 } },
      error_y: bars(points, color),
    };
  };
  // A ceiling far above the methods would make one line of them: it waits in the legend.
  const setAside = (methods, series) => {
    const values = (wanted) => methods.filter((m) => series[m.label] && m.oracle === wanted).flatMap((m) => series[m.label].y);
    const others = values(false);
    const [low, high] = [Math.min(...others), Math.max(...others)];
    const far = values(true).some((y) => y > high + (high - low) || y < low - (high - low));
    return others.length > 0 && far;
  };
  const traces = (plot, key) => {
    const front = plot.front[key] ?? [];
    const { methods } = window.BOKEHBENCH_PLOTS;
    const all = plot.series[key] ?? {};
    const aside = setAside(methods, all);
    const shown = methods.flatMap((method, index) => {
      if (!all[method.label] || hidden.methods.has(method.label)) return [];
      return [{ ...trace(plot, method, index, all[method.label], front), visible: aside && method.oracle ? "legendonly" : true }];
    });
    const ahead = front.filter((label) => all[label] && !hidden.methods.has(label)).map((label) => all[label]);
    if (ahead.length < 2) return shown;
    const line = { color: colour("muted"), dash: "dot", width: 1.5, shape: "hv" };
    const corner = { x: ahead.map((p) => p.x[0]), y: ahead.map((p) => p.y[0]) };
    return [{ type: "scatter", mode: "lines", name: "Pareto front", uid: "front", ...corner, line, hoverinfo: "skip" }, ...shown];
  };
  const xAxis = (axis) => {
    const ends = [axis.ticks.at(0), axis.ticks.at(-1)].map((tick) => Math.log10(tick?.[0]));
    const log = axis.kind === "log" ? { range: [ends[0] - 0.06, ends[1] + 0.06] } : {};
    const ticks = axis.ticks.length ? { tickmode: "array", tickvals: axis.ticks.map((t) => t[0]), ticktext: axis.ticks.map((t) => t[1]) } : {};
    return { title: { text: axis.title, standoff: 8 }, type: axis.kind, automargin: true, fixedrange: touched.matches, ...log, ...ticks };
  };
  const layout = (plot, choices) => {
    const lines = { gridcolor: colour("line"), linecolor: colour("line"), zeroline: false, tickfont: { size: 11 } };
    const axis = plot.x[""] ?? plot.x[choices[1]];
    return {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("ink") },
      margin: { l: 56, r: 12, t: 8, b: 96 },
      xaxis: { ...lines, ...xAxis(axis) },
      yaxis: { ...lines, title: { text: plot.y[choices[0]], standoff: 6 }, automargin: true, fixedrange: touched.matches },
      showlegend: true, // of one method too: nothing else says whose line it is
      legend: { orientation: "h", yref: "container", y: 0, yanchor: "bottom", x: 0, font: { size: 11 } },
      hoverlabel: { bgcolor: colour("card"), bordercolor: colour("line"), font: { color: colour("ink") }, align: "left" },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("muted"), activecolor: colour("accent") },
      hovermode: "closest",
      dragmode: touched.matches ? false : "zoom",
      uirevision: choices.join("|"),
    };
  };
  const config = (figure) => ({
    responsive: true,
    displaylogo: false,
    modeBarButtons: [["toImage", ...(touched.matches ? [] : ["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"])]], // none that sends anything
    toImageButtonOptions: { format: "svg", filename: figure.dataset.plot },
  });
  const draw = async (figure) => {
    const canvas = figure.querySelector(".canvas");
    try {
      await ready();
    } catch (error) {
      canvas.textContent = error.message;
      return;
    }
    const plot = window.BOKEHBENCH_PLOTS.plots[figure.dataset.plot];
    const choices = chosen(figure);
    await window.Plotly.react(canvas, traces(plot, choices.join("|")), layout(plot, choices), config(figure));
    canvas.dataset.drawn = choices.join("|");
    if (figure.querySelector(".values").open) listValues(figure);
  };

  // --------------------------------------------------------------------------------------- numbers in words

  const cell = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });
  const plain = (html) => html.replaceAll("<br>", "; ").replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
  const listValues = (figure) => {
    const plot = window.BOKEHBENCH_PLOTS.plots[figure.dataset.plot];
    const choices = chosen(figure);
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    for (const text of ["method", (plot.x[""] ?? plot.x[choices[1]]).title, "value"]) head.append(cell("th", text));
    const body = table.createTBody();
    for (const [label, points] of Object.entries(plot.series[choices.join("|")] ?? {}))
      points.y.forEach((_, i) => {
        const row = body.insertRow();
        row.append(cell("th", label), cell("td", points.x[i]), cell("td", plain(points.text[i])));
      });
    figure.querySelector(".values .scroll").replaceChildren(table);
  };

  // ------------------------------------------------------------------------------------------------- events

  const again = () => seen.forEach(draw);
  const idle = window.requestIdleCallback ?? ((call) => setTimeout(call, 50));
  const STAY = 150; // ms in view: who only scrolls past loads nothing
  const waiting = new Map();
  const show = (figure) => {
    seen.add(figure);
    watch.unobserve(figure);
    draw(figure);
  };
  const watch = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      clearTimeout(waiting.get(target));
      if (isIntersecting) waiting.set(target, setTimeout(() => show(target), STAY));
    }
  });
  // Not before the page stands: plotly takes longer to read than all the rest together.
  const begin = () => idle(() => figures.forEach((figure) => watch.observe(figure)));
  if (document.readyState === "complete") begin();
  else addEventListener("load", begin);

  for (const figure of figures) {
    figure.addEventListener("change", () => seen.has(figure) && draw(figure));
    figure.querySelector(".values").addEventListener("toggle", async (event) => {
      if (!event.target.open) return;
      await ready();
      listValues(figure);
    });
  }
  document.addEventListener("theme", again);
  touched.addEventListener("change", again);
  document.addEventListener("filter", (event) => {
    Object.assign(hidden, event.detail);
    for (const group of document.querySelectorAll(".plot-group")) group.hidden = hidden.board !== "" && group.dataset.board !== hidden.board;
    again();
  });
})();
