// Drawing: captions, frames and the pictures in them, all with one zoom; the legend; values under the pointer.
"use strict";
Compare.view = (() => {
  const { state, caption, pixels } = Compare;
  const $ = (id) => document.getElementById(id);
  const NEAREST_FROM = 2; // zoomed in, pixels are shown as pixels once each is this many of the page's
  const NAMES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

  const make = (tag, properties = {}, ...children) => {
    const { data = {}, label, ...plain } = properties;
    const node = Object.assign(document.createElement(tag), plain);
    Object.assign(node.dataset, data);
    if (label) node.setAttribute("aria-label", label);
    node.append(...children);
    return node;
  };
  const options = (pairs, chosen) =>
    pairs.map(([value, textContent]) => make("option", { value, textContent, selected: value === chosen }));

  // ------------------------------------------------------------------------------------------ frames

  let frames = []; // {node, canvas, source, layers}: what is on the page now
  let turn = 0; // counts views, so that what arrives late for an earlier one is not drawn
  let probe = null; // the point that is read, in shares of the picture

  const badge = (index) => make("span", { className: `badge b${index}`, textContent: NAMES[index] });
  const canvas = (source) => {
    const node = make("canvas", { label: `${caption(source)}, ${state.item.key}` });
    node.setAttribute("role", "img");
    return node;
  };
  const frameOf = (shown, ...more) => {
    const node = make("div", { className: "frame" });
    node.style.aspectRatio = `${state.item.size[0]} / ${state.item.size[1]}`;
    for (const source of shown) {
      const on = canvas(source);
      node.append(on);
      frames.push({ node, canvas: on, source, layers: null });
    }
    node.append(...more, make("i", { className: "probe", hidden: true }), make("p", { className: "trouble", hidden: true }));
    return node;
  };

  const captionOf = (source, index, removable) => {
    const select = make("select", { id: `pane-${index}`, data: { pane: index }, label: `Picture ${NAMES[index]}` }, ...options(Compare.sources().map((s) => [s, caption(s)]), source));
    const metric = state.board.metrics[0];
    const value = metric ? Compare.score(state.item, source, 0) : null;
    const text = value === null ? "" : `${metric.name} ${Compare.print(metric, value)}${metric.unit ? " " + metric.unit : ""}`;
    const save = make("button", { type: "button", className: "quiet", id: `save-${index}`, textContent: "⤓", title: "Save as PNG", data: { save: index }, label: `Save picture ${NAMES[index]}` });
    const node = make("div", { className: "caption" }, badge(index), select, make("span", { className: "score", textContent: text }), save);
    if (removable) node.append(make("button", { type: "button", className: "quiet", id: `remove-${index}`, textContent: "×", data: { remove: index }, label: `Remove picture ${NAMES[index]}` }));
    return make("div", { className: "pane" }, node, make("p", { className: "reading", data: { values: index } }));
  };

  const shownSources = () => (state.view === "slider" ? state.show.slice(0, 2) : state.show);
  const build = () => {
    const focused = document.activeElement?.id;
    const removable = state.view !== "slider" && state.show.length > 2;
    const captions = shownSources().map((source, index) => captionOf(source, index, removable));
    frames = [];
    const viewer = $("viewer");
    viewer.dataset.view = state.view;
    viewer.dataset.panes = captions.length;
    if (state.view === "grid") {
      $("panes").replaceChildren();
      viewer.replaceChildren(...captions.map((head, index) => (head.append(frameOf([state.show[index]])), head)));
    } else {
      $("panes").replaceChildren(...captions);
      const slider = state.view === "slider";
      viewer.replaceChildren(slider ? frameOf(shownSources(), make("div", { className: "divider" }), badge(0), badge(1)) : frameOf(state.show, badge(state.flip)));
    }
    // What had the focus has been made anew.
    if (focused && document.activeElement?.id !== focused) $(focused)?.focus({ preventScroll: true });
    watch();
  };

  // ------------------------------------------------------------------------------------------ layers

  const layersOf = async (source) => {
    const { item, map, overlay, against } = state;
    // What errors are measured against has none: it is shown as it is.
    const plain = map === "picture" || source === against || Compare.isDisparity(source) || source === "_reference";
    const base = await (plain ? pixels.picture(item, source) : pixels.errorMap(item, source, against, map));
    const where = overlay === "disparity" && item.pictures._disparity ? "_disparity" : Compare.trueMap();
    if (overlay === "none" || !where) return { base };
    const K = Compare.radiusScale(source);
    if (K === null && overlay !== "disparity") return { base };
    return { base, over: await pixels.overlays[overlay](item, where, K) };
  };
  // Frames are filled when they come near the screen, and not before.
  const seen = new IntersectionObserver((entries) => entries.forEach((entry) => entry.isIntersecting && fill(entry.target)), { rootMargin: "300px" });
  let busy = 0; // frames that are being filled; only when none is, pictures may be forgotten
  const watch = () => {
    turn += 1;
    $("viewer").dataset.ready = "false";
    seen.disconnect();
    for (const node of new Set(frames.map((frame) => frame.node))) seen.observe(node);
  };
  const fillOne = async (frame, mine) => {
    let [layers, trouble] = [{}, ""];
    try {
      layers = await layersOf(frame.source);
    } catch (error) {
      trouble = `${caption(frame.source)}: ${error.message}`;
    }
    if (mine !== turn) return;
    frame.layers = layers;
    if (trouble) Object.assign(frame.node.querySelector(".trouble"), { textContent: trouble, hidden: false });
    repaint();
  };
  const fill = async (node) => {
    const mine = turn;
    busy += 1;
    await Promise.all(frames.filter((one) => one.node === node && !one.layers).map((frame) => fillOne(frame, mine)));
    busy -= 1;
    if (mine !== turn) return;
    node.dataset.filled = "true";
    drawLegend();
    drawValues();
    if (busy) return;
    pixels.release(new Set(frames.flatMap(({ layers }) => [layers?.base?.key, layers?.over?.key])));
    $("viewer").dataset.ready = "true";
  };
  // The same pictures; what is laid over them or made of them has changed.
  const refill = () => {
    for (const frame of frames) {
      frame.layers = null;
      frame.node.querySelector(".trouble").hidden = true;
    }
    watch();
  };

  // ------------------------------------------------------------------------------------------ painting

  const scaleOf = (node) => (node.clientWidth * state.zoom) / state.item.size[0];
  const paint = ({ node, canvas: on, layers }) => {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(node.clientWidth * ratio), Math.round(node.clientHeight * ratio)];
    if (on.width !== width || on.height !== height) Object.assign(on, { width, height });
    const pen = on.getContext("2d");
    pen.clearRect(0, 0, width, height);
    if (!layers?.base) return;
    const nearest = state.zoom > 1 && scaleOf(node) >= NEAREST_FROM;
    node.classList.toggle("nearest", nearest);
    pen.imageSmoothingEnabled = !nearest;
    pen.imageSmoothingQuality = "high";
    const lay = (layer, opacity) => {
      const [w, h] = [layer.width / state.zoom, layer.height / state.zoom];
      pen.globalAlpha = opacity;
      pen.drawImage(layer.bitmap, state.x * layer.width - w / 2, state.y * layer.height - h / 2, w, h, 0, 0, width, height);
    };
    lay(layers.base, 1);
    if (layers.over) lay(layers.over, state.opacity);
    pen.globalAlpha = 1;
  };
  let asked = false;
  const repaint = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      const half = 0.5 / state.zoom;
      [state.x, state.y] = [state.x, state.y].map((v) => Math.min(1 - half, Math.max(half, v)));
      frames.forEach(paint);
      $("viewer").classList.toggle("zoomed", state.zoom > 1);
      $("viewer").style.setProperty("--split", `${state.split}%`);
      $("split").value = state.split;
      frames.forEach(({ canvas: on }, index) => (on.hidden = state.view === "flip" && index !== state.flip));
      if (state.view === "flip") $("viewer").querySelector(".badge")?.replaceWith(badge(state.flip));
      const percent = frames.length ? Math.round(100 * scaleOf(frames[0].node)) : 100;
      $("fit").textContent = state.zoom === 1 ? "fit" : `${percent} %`;
      drawProbe();
    });
  };
  new ResizeObserver(repaint).observe($("viewer"));

  // ------------------------------------------------------------------------------------------ legend

  const scale = (name, ticks) => [
    make("i", { style: `background: ${pixels.gradient(name)}` }),
    make("div", {}, ...ticks.map((textContent) => make("span", { textContent }))),
  ];
  const drawLegend = () => {
    const parts = [];
    const entry = (name, ticks, text) => parts.push(make("div", { className: "key", data: { scale: name } }, make("div", { className: "scale" }, ...(ticks.length ? scale(name, ticks) : [])), make("p", { className: "muted", textContent: text })));
    const limit = pixels.ERROR_SCALE;
    const against = `against the ${caption(state.against)}`;
    if (state.map === "error") entry("error", [0, 4, 16, 36, `${limit}+`], `mean absolute error of the channels ${against}, 8-bit units, the same scale everywhere`);
    if (state.map === "signed") entry("signed", [`−${limit}`, -16, 0, 16, limit].map((t) => String(t).replace("-", "−")), `luma ${against}, 8-bit units: blue too dark, orange too bright`);
    const over = frames.find(({ layers }) => layers?.over)?.layers.over;
    if (state.overlay === "coc" && over) entry("coc", [-1, -0.25, 0, 0.25, 1].map((t) => String(+(t * over.limit).toPrecision(3)).replace("-", "−")), "signed defocus in pixels of blur radius: blue behind the focal plane, orange before it");
    if (state.overlay === "plane" && over) entry("plane", [], `yellow outlines what is in focus: circle of confusion of at most ${pixels.SHARP} px`);
    if (state.overlay === "disparity" && over) entry("disparity", [0, 0.5, 1], "disparity, near is 1");
    const wants = state.overlay !== "none" && frames.some(({ layers }) => layers?.base && !layers.over);
    if (wants) entry("none", [], Compare.trueMap() ? "K was searched for each method: no circle of confusion without it" : "this case has no disparity map");
    $("legend").replaceChildren(...parts);
    $("legend").hidden = !parts.length;
  };

  // ------------------------------------------------------------------------------------------ values

  const pixelAt = ({ width, height }) => {
    const inside = (share, size) => Math.min(size - 1, Math.max(0, Math.floor(share * size)));
    return { x: inside(probe.x, width), y: inside(probe.y, height) };
  };
  const known = (source) => (source && frames.find((one) => one.source === source)?.layers ? pixels.picture(state.item, source) : null);
  const valuesOf = async (source) => {
    const layer = await pixels.picture(state.item, source);
    const { x, y } = pixelAt(layer);
    const at = y * layer.width + x;
    if (layer.values) return `${layer.values[at].toFixed(4)}`;
    const rgb = [0, 1, 2].map((c) => layer.rgba[4 * at + c]);
    let text = `RGB ${rgb.join(" ")}`;
    if (source === state.against || source === "_reference") return text;
    const other = await pixels.picture(state.item, state.against);
    if (other.width !== layer.width || other.values) return text;
    const [error, bias] = ["error", "signed"].map((kind) => pixels.measures[kind](layer.rgba, other.rgba, 4 * at));
    return `${text} · error ${error.toFixed(1)} · luma ${bias < 0 ? "−" : "+"}${Math.abs(bias).toFixed(1)}`;
  };
  const positionText = async () => {
    const { x, y } = pixelAt({ width: state.item.size[0], height: state.item.size[1] });
    const parts = [`x ${x}, y ${y}`];
    const source = Compare.trueMap();
    if (source) {
      const map = await pixels.picture(state.item, source);
      const place = pixelAt(map);
      const disparity = map.values[place.y * map.width + place.x];
      parts.push(`${caption(source)} ${disparity.toFixed(4)}`);
      if (state.item.K !== null) {
        const signed = state.item.K * (disparity - state.item.focus);
        const side = Math.abs(signed) < 0.05 ? "" : signed > 0 ? ", before the focal plane" : ", behind the focal plane";
        parts.push(`circle of confusion ${Math.abs(signed).toFixed(2)} px${side}`);
      }
    }
    return parts.join(" · ");
  };
  let values = 0;
  const drawValues = async () => {
    drawProbe();
    const mine = ++values;
    const rows = [...document.querySelectorAll("#compare [data-values]")];
    if (!probe) {
      $("readout").textContent = "";
      for (const row of rows) row.textContent = "";
      return;
    }
    try {
      const filled = rows.filter((row) => known(shownSources()[row.dataset.values]));
      const texts = await Promise.all([positionText(), ...filled.map((row) => valuesOf(shownSources()[row.dataset.values]))]);
      if (mine !== values) return; // the pointer is elsewhere by now
      $("readout").textContent = texts[0];
      filled.forEach((row, index) => (row.textContent = texts[index + 1]));
    } catch (error) {
      $("readout").textContent = error.message;
    }
  };
  const drawProbe = () => {
    for (const { node } of frames) {
      const mark = node.querySelector(".probe");
      const [u, v] = probe ? [0.5 + (probe.x - state.x) * state.zoom, 0.5 + (probe.y - state.y) * state.zoom] : [-1, -1];
      mark.hidden = u < 0 || u > 1 || v < 0 || v > 1;
      mark.style.left = `${100 * u}%`;
      mark.style.top = `${100 * v}%`;
    }
  };
  const setProbe = (point) => {
    probe = point;
    drawValues();
  };

  return {
    make, options, build, refill, repaint, drawLegend, setProbe, drawValues, scaleOf, shownSources,
    probe: () => probe, frame: (index) => frames[index], frameNode: () => frames[0]?.node,
  };
})();
