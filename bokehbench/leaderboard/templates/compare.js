// The picture comparison. One state, one `draw`; the address holds the state: #benchmark=…&case=…&show=A,B&view=…
"use strict";
(() => {
  const data = window.BOKEHBENCH;
  const $ = (id) => document.getElementById(id);
  const FIXED = { _target: "ground truth", _image: "all-in-focus input", _disparity: "disparity" };
  const MAX_PANES = 4;
  const MAX_ZOOM = 32;
  const state = { board: null, item: null, show: [], view: "slider", error: false, zoom: 1, x: 0.5, y: 0.5, flip: 0, split: 50 };
  if (!data?.benchmarks.length) return;

  const make = (tag, properties = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  };

  // ------------------------------------------------------------------------------------------ what is shown

  const sources = () => {
    const rows = state.board.methods.filter((m) => m.label in state.item.scores).map((m) => m.label);
    return ["_target", ...(state.item.image ? ["_image"] : []), ...(state.item.disparity ? ["_disparity"] : []), ...rows];
  };
  const caption = (source) => FIXED[source] ?? source;
  const address = (source) => {
    if (source in FIXED) return `${state.item.folder}/${source}.png`;
    const file = state.board.methods.find((m) => m.label === source).file;
    return `${state.item.folder}/${file}${state.error ? ".error" : ""}.png`;
  };
  const score = (source, index) => state.item.scores[source]?.[index] ?? null;
  const print = (metric, value) => (value === null ? "n/a" : value.toFixed(metric.decimals));

  const setBoard = (id) => {
    state.board = data.benchmarks.find((board) => board.id === id) ?? data.benchmarks[0];
    // The strongest blur shows most.
    state.item = state.board.cases.reduce((best, item) => (item.K > best.K ? item : best));
    $("benchmark").value = state.board.id;
    $("case").replaceChildren(...state.board.cases.map((item) => make("option", { value: item.key, textContent: item.key })));
    fillFilm();
  };
  const setCase = (key) => {
    state.item = state.board.cases.find((item) => item.key === key) ?? state.item;
    const known = sources();
    state.show = state.show.filter((source) => known.includes(source));
    const ranked = state.board.methods.filter((m) => !m.oracle && known.includes(m.label)).map((m) => m.label);
    for (const source of [...ranked, ...known]) {
      if (state.show.length >= 2) break;
      if (!state.show.includes(source)) state.show.push(source);
    }
  };
  const step = (by) => {
    const cases = state.board.cases;
    setCase(cases[(cases.indexOf(state.item) + by + cases.length) % cases.length].key);
    changed();
  };

  // ---------------------------------------------------------------------------------------------- drawing

  const fillFilm = () => {
    $("film").replaceChildren(
      ...state.board.cases.map((item) => {
        const image = make("img", { src: `${item.folder}/_thumb.jpg`, alt: "", loading: "lazy", decoding: "async", width: 96, height: Math.max(1, Math.round((96 * item.size[1]) / item.size[0])) });
        const button = make("button", { type: "button", title: item.key }, image, make("span", { textContent: item.level }));
        button.dataset.case = item.key;
        button.setAttribute("aria-label", `Case ${item.key}`);
        return button;
      }),
    );
  };

  const frame = (...inner) => {
    const node = make("div", { className: "frame" }, ...inner);
    node.style.aspectRatio = `${state.item.size[0]} / ${state.item.size[1]}`;
    return node;
  };
  const picture = (source) =>
    make("img", { src: address(source), alt: `${caption(source)}, ${state.item.key}`, draggable: false, decoding: "async" });
  const badge = (index) => make("span", { className: `badge b${index}`, textContent: "ABCD"[index] });

  const drawViewer = () => {
    const viewer = $("viewer");
    viewer.dataset.mode = state.view;
    viewer.dataset.panes = state.show.length;
    if (state.view === "slider") {
      const clip = make("div", { className: "clip" }, picture(state.show[1]));
      viewer.replaceChildren(frame(picture(state.show[0]), clip, make("div", { className: "divider" }), badge(0), badge(1)));
    } else if (state.view === "flip") {
      state.flip = Math.min(state.flip, state.show.length - 1);
      const images = state.show.map(picture);
      images.forEach((image, index) => (image.hidden = index !== state.flip));
      viewer.replaceChildren(frame(...images, badge(state.flip)));
    } else {
      viewer.replaceChildren(...state.show.map((source, index) => frame(picture(source), badge(index))));
    }
    drawZoom();
  };

  const drawZoom = () => {
    const half = 0.5 / state.zoom;
    const inside = (v) => Math.min(1 - half, Math.max(half, v));
    [state.x, state.y] = [inside(state.x), inside(state.y)];
    const style = $("viewer").style;
    style.setProperty("--zoom", state.zoom);
    style.setProperty("--x", `${(0.5 - state.x * state.zoom) * 100}%`);
    style.setProperty("--y", `${(0.5 - state.y * state.zoom) * 100}%`);
    style.setProperty("--split", `${state.split}%`);
    const shown = $("viewer").querySelector(".frame")?.clientWidth ?? 1;
    // Zoomed in, pixels are shown as pixels once each is at least two of the screen's.
    $("viewer").classList.toggle("pixels", state.zoom > 1 && (shown * state.zoom) / state.item.size[0] >= 2);
    $("viewer").classList.toggle("zoomed", state.zoom > 1);
    $("fit").textContent = state.zoom === 1 ? "fit" : `${state.zoom.toFixed(state.zoom < 10 ? 1 : 0)}×`;
  };

  const drawPanes = () => {
    const used = state.view === "slider" ? state.show.slice(0, 2) : state.show;
    const panes = used.map((source, index) => {
      const select = make("select", {}, ...sources().map((s) => make("option", { value: s, textContent: caption(s) })));
      select.value = source;
      select.dataset.pane = index;
      select.setAttribute("aria-label", `Picture ${"ABCD"[index]}`);
      const metric = state.board.metrics[0];
      const value = metric ? score(source, 0) : null;
      const text = value === null ? "" : `${metric.name} ${print(metric, value)}${metric.unit ? " " + metric.unit : ""}`;
      const pane = make("div", { className: "pane" }, badge(index), select, make("span", { className: "score", textContent: text }));
      if (used.length > 2) {
        const close = make("button", { type: "button", className: "quiet", textContent: "×" });
        close.dataset.remove = index;
        close.setAttribute("aria-label", `Remove picture ${"ABCD"[index]}`);
        pane.append(close);
      }
      return pane;
    });
    if (state.view !== "slider" && state.show.length < MAX_PANES)
      panes.push(make("button", { type: "button", className: "quiet", id: "add", textContent: "+ picture" }));
    $("panes").replaceChildren(...panes);
  };

  const drawScores = () => {
    const metrics = state.board.metrics;
    const heads = ["this case", ...metrics.map((m) => `${m.name} ${m.arrow}`)];
    $("scores").tHead.replaceChildren(make("tr", {}, ...heads.map((text) => make("th", { scope: "col", textContent: text }))));
    const ranked = state.board.methods.filter((m) => m.label in state.item.scores);
    const best = metrics.map((metric, index) => {
      const values = ranked.filter((m) => !m.oracle).map((m) => score(m.label, index)).filter((v) => v !== null);
      return values.length > 1 ? print(metric, metric.up ? Math.max(...values) : Math.min(...values)) : null;
    });
    const rows = ranked.map((method) => {
      const button = make("button", { type: "button", className: "quiet", textContent: method.label, title: "Show as the last picture" });
      button.dataset.show = method.label;
      const name = make("th", { scope: "row" }, button);
      if (method.oracle) name.append(make("span", { className: "tag", textContent: "oracle" }));
      const cells = metrics.map((metric, index) => {
        const text = print(metric, score(method.label, index));
        return make("td", { textContent: text, className: !method.oracle && text === best[index] ? "best" : "" });
      });
      const row = make("tr", {}, name, ...cells);
      row.classList.toggle("shown", state.show.includes(method.label));
      return row;
    });
    $("scores").tBodies[0].replaceChildren(...rows);
  };

  const draw = () => {
    const item = state.item;
    $("case").value = item.key;
    const noise = item.noise === null ? "" : `, noise of the target ${item.noise.toFixed(1)} dB`;
    $("about").textContent = `${item.key}: scene ${item.scene}, ${item.level}, ${item.K === null ? "K searched" : `K = ${+item.K.toPrecision(4)} px`}, focus at disparity ${+item.focus.toPrecision(3)}, ${item.size[0]} × ${item.size[1]}${noise}`;
    for (const button of document.querySelectorAll("[data-view][aria-pressed]")) button.setAttribute("aria-pressed", String(button.dataset.view === state.view));
    $("error").setAttribute("aria-pressed", String(state.error));
    $("legend").hidden = !state.error;
    $("split").hidden = state.view !== "slider";
    for (const button of $("film").children) {
      const current = button.dataset.case === item.key;
      button.setAttribute("aria-current", String(current));
      // Scrolls the strip only, never the page.
      if (current) $("film").scrollLeft = button.offsetLeft - $("film").offsetLeft - $("film").clientWidth / 2 + button.clientWidth / 2;
    }
    $("compare").style.setProperty("--aspect", item.size[0] / item.size[1]);
    drawPanes();
    drawViewer();
    drawScores();
    $("link").href = hash();
  };

  // ---------------------------------------------------------------------------------------------- address

  const hash = () => {
    const parts = { benchmark: state.board.id, case: state.item.key, show: state.show.map(encodeURIComponent).join(","), view: state.view };
    if (state.error) parts.error = "1";
    if (state.zoom > 1) parts.zoom = [state.zoom, state.x, state.y].map((v) => +v.toFixed(4)).join(",");
    return "#" + Object.entries(parts).map(([k, v]) => `${k}=${k === "show" || k === "zoom" ? v : encodeURIComponent(v)}`).join("&");
  };
  const text = (raw) => {
    try {
      return decodeURIComponent(raw);
    } catch {
      return raw; // a damaged link still opens the page
    }
  };
  const read = () => {
    const parts = Object.fromEntries(location.hash.slice(1).split("&").map((part) => part.split("=", 2)).filter((part) => part.length === 2));
    if (!("case" in parts)) return false;
    setBoard(text(parts.benchmark ?? ""));
    state.show = (parts.show ?? "").split(",").filter(Boolean).map(text).slice(0, MAX_PANES);
    state.view = ["slider", "side", "flip"].includes(parts.view) ? parts.view : "slider";
    state.error = parts.error === "1";
    const zoom = (parts.zoom ?? "").split(",").map(Number);
    [state.zoom, state.x, state.y] = zoom.length === 3 && zoom.every(Number.isFinite) ? [Math.min(MAX_ZOOM, Math.max(1, zoom[0])), zoom[1], zoom[2]] : [1, 0.5, 0.5];
    setCase(text(parts.case));
    return true;
  };
  const changed = () => {
    draw();
    remember();
  };
  const remember = () => {
    $("link").href = hash();
    history.replaceState(null, "", hash());
  };

  // ---------------------------------------------------------------------------------------------- hands

  const zoomTo = (zoom, at = { x: state.x, y: state.y }) => {
    const next = Math.min(MAX_ZOOM, Math.max(1, zoom));
    // The point under the hand stays there.
    state.x = at.x + (state.x - at.x) * (state.zoom / next);
    state.y = at.y + (state.y - at.y) * (state.zoom / next);
    state.zoom = next;
    drawZoom();
    remember();
  };
  const pointAt = (event) => {
    const box = (event.target.closest(".frame") ?? $("viewer").querySelector(".frame")).getBoundingClientRect();
    const [u, v] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    return { u, v, box, x: state.x + (u - 0.5) / state.zoom, y: state.y + (v - 0.5) / state.zoom };
  };

  const pointers = new Map();
  let drag = null;
  const onDown = (event) => {
    if (event.button !== 0 || !event.target.closest(".frame")) return;
    pointers.set(event.pointerId, event);
    $("viewer").setPointerCapture(event.pointerId);
    const { u, box } = pointAt(event);
    const onDivider = state.view === "slider" && (state.zoom === 1 || Math.abs(u * 100 - state.split) * box.width < 2000);
    drag = { box, onDivider, moved: false, gap: gap() };
    if (onDivider) moveDivider(event);
  };
  const gap = () => {
    const [a, b] = [...pointers.values()];
    return b ? Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) : 0;
  };
  const moveDivider = (event) => {
    state.split = Math.min(100, Math.max(0, ((event.clientX - drag.box.left) / drag.box.width) * 100));
    $("split").value = state.split;
    drawZoom();
  };
  const onMove = (event) => {
    const before = pointers.get(event.pointerId);
    if (!before || !drag) return;
    pointers.set(event.pointerId, event);
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    drag.moved ||= Math.abs(dx) + Math.abs(dy) > 1;
    if (pointers.size === 2) {
      const now = gap();
      if (drag.gap) zoomTo((state.zoom * now) / drag.gap);
      drag.gap = now;
    } else if (drag.onDivider) moveDivider(event);
    else {
      state.x -= dx / drag.box.width / state.zoom;
      state.y -= dy / drag.box.height / state.zoom;
      drawZoom();
    }
  };
  const onUp = (event) => {
    if (!pointers.delete(event.pointerId) || !drag) return;
    if (event.type === "pointerup" && state.view === "flip" && !drag.moved) flip(state.flip + 1);
    else if (drag.moved) remember();
    if (!pointers.size) drag = null;
  };
  const flip = (index) => {
    state.flip = index % state.show.length;
    drawViewer();
  };

  const viewer = $("viewer");
  viewer.addEventListener("pointerdown", onDown);
  viewer.addEventListener("pointermove", onMove);
  viewer.addEventListener("pointerup", onUp);
  viewer.addEventListener("pointercancel", onUp);
  viewer.addEventListener("dblclick", (event) => state.view !== "flip" && zoomTo(state.zoom > 1 ? 1 : 4, pointAt(event)));
  viewer.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // the plain wheel scrolls the page
      event.preventDefault();
      zoomTo(state.zoom * Math.exp(-event.deltaY / 200), pointAt(event));
    },
    { passive: false },
  );
  viewer.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (move && state.zoom > 1) {
      state.x += (0.1 * move[0]) / state.zoom;
      state.y += (0.1 * move[1]) / state.zoom;
      drawZoom();
      remember();
    } else if (event.key === "+" || event.key === "=") zoomTo(state.zoom * 1.5);
    else if (event.key === "-") zoomTo(state.zoom / 1.5);
    else if (event.key === "0") zoomTo(1);
    else if (event.key === "[") step(-1);
    else if (event.key === "]") step(1);
    else if (event.key === " " && state.view === "flip") flip(state.flip + 1);
    else if (/^[1-4]$/.test(event.key) && state.view === "flip" && +event.key <= state.show.length) flip(+event.key - 1);
    else return;
    event.preventDefault();
  });

  $("benchmark").addEventListener("change", (event) => {
    setBoard(event.target.value);
    setCase(state.item.key);
    changed();
  });
  $("case").addEventListener("change", (event) => {
    setCase(event.target.value);
    changed();
  });
  $("previous").addEventListener("click", () => step(-1));
  $("next").addEventListener("click", () => step(1));
  $("in").addEventListener("click", () => zoomTo(state.zoom * 1.5));
  $("out").addEventListener("click", () => zoomTo(state.zoom / 1.5));
  $("fit").addEventListener("click", () => zoomTo(1));
  $("error").addEventListener("click", () => {
    state.error = !state.error;
    changed();
  });
  $("split").addEventListener("input", (event) => {
    state.split = Number(event.target.value);
    drawZoom();
  });
  $("link").addEventListener("click", (event) => {
    event.preventDefault();
    remember();
    navigator.clipboard?.writeText(location.href).then(() => {
      $("link").textContent = "Link copied";
      setTimeout(() => ($("link").textContent = "Link to this view"), 1500);
    }, () => {});
  });
  for (const button of document.querySelectorAll(".tools [data-view]"))
    button.addEventListener("click", () => {
      state.view = button.dataset.view;
      changed();
    });
  $("panes").addEventListener("change", (event) => {
    state.show[Number(event.target.dataset.pane)] = event.target.value;
    changed();
  });
  $("panes").addEventListener("click", (event) => {
    const remove = event.target.closest("[data-remove]");
    if (remove) state.show.splice(Number(remove.dataset.remove), 1);
    else if (event.target.id === "add") state.show.push(sources().find((s) => !state.show.includes(s)) ?? sources()[0]);
    else return;
    changed();
  });
  $("film").addEventListener("click", (event) => {
    const button = event.target.closest("[data-case]");
    if (!button) return;
    setCase(button.dataset.case);
    changed();
  });
  $("scores").addEventListener("click", (event) => {
    const button = event.target.closest("[data-show]");
    if (!button) return;
    const last = state.view === "slider" ? 1 : state.show.length - 1;
    state.show[last] = button.dataset.show;
    changed();
  });
  const open = () => {
    if (!read()) return;
    draw();
    $("compare").scrollIntoView();
  };
  window.addEventListener("hashchange", open);
  window.addEventListener("resize", drawZoom);

  $("benchmark").replaceChildren(...data.benchmarks.map((board) => make("option", { value: board.id, textContent: board.title })));
  setBoard("");
  state.show = ["_image"];
  setCase(state.item.key);
  draw();
  open();
})();
