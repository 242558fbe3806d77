// What the comparison shows, as one plain object, and the same as an address. Nothing here touches the page.
"use strict";
window.Compare = (() => {
  const data = window.BOKEHBENCH ?? { benchmarks: [] };
  const FIXED = {
    _target: "ground truth",
    _image: "all-in-focus input",
    _disparity: "disparity",
    _truth: "true disparity",
    _reference: "photograph",
  };
  const CHOICES = {
    view: ["slider", "flip", "grid"],
    map: ["picture", "error", "signed"],
    overlay: ["none", "coc", "plane", "disparity"],
  };
  const MAX_PANES = 24;
  const MAX_ZOOM = 64;

  const start = () => ({
    view: "slider", map: "picture", against: "_target", overlay: "none", opacity: 0.6,
    zoom: 1, x: 0.5, y: 0.5, split: 50, flip: 0,
    scene: "", level: "", order: null, reverse: false,
    missing: [], // what an address names and the page has not, in words
  });
  // board, item: benchmark and case; cases: those of the filter, in order; show: sources of the pictures, A first.
  const state = { board: null, item: null, cases: [], show: [], ...start() };

  // ------------------------------------------------------------------------------------------ pictures

  const caption = (source) => FIXED[source] ?? source;
  const isMethod = (source) => !(source in FIXED);
  const isDisparity = (source) => source === "_disparity" || source === "_truth";
  const methods = () => state.board.methods.filter((m) => m.label in state.item.pictures);
  const sources = () => [...Object.keys(FIXED).filter((s) => s in state.item.pictures), ...methods().map((m) => m.label)];
  const ranked = () => methods().filter((m) => !m.oracle).map((m) => m.label);
  const score = (item, source, index) => item.scores[source]?.[index] ?? null;
  const print = (metric, value) => (value === null ? "n/a" : value.toFixed(metric.decimals));

  // Blur radius in pixels for one unit of disparity. Where K was searched, each method has its own.
  const radiusScale = (source) => state.item.K ?? state.item.Ks?.[source] ?? null;

  // Where the focal plane is cut: the map that the ground truth was made with, else the one that was given.
  const trueMap = () => ["_truth", "_disparity"].find((source) => source in state.item.pictures) ?? null;

  const fillPanes = () => {
    const known = sources();
    state.show = state.show.filter((source) => known.includes(source)).slice(0, MAX_PANES);
    for (const source of [...ranked(), ...known]) {
      if (state.show.length >= Math.min(2, known.length)) break;
      if (!state.show.includes(source)) state.show.push(source);
    }
    if (!known.includes(state.against)) state.against = "_target";
    state.flip = Math.min(state.flip, state.show.length - 1);
  };

  // ------------------------------------------------------------------------------------------ cases

  // Higher comes first: how bad A is, or by how much A is better than B. null where there is no such number.
  const rank = (item, { metric, a, b }) => {
    const index = state.board.metrics.findIndex((m) => m.name === metric);
    const [first, second] = [score(item, a, index), score(item, b, index)];
    if (index < 0 || first === null || (b && second === null)) return null;
    const better = state.board.metrics[index].up ? 1 : -1;
    return b ? better * (first - second) : -better * first;
  };
  const knownOrder = (order) => {
    const labels = state.board.methods.map((m) => m.label);
    const known = order && state.board.metrics.some((m) => m.name === order.metric) && labels.includes(order.a);
    return known ? { ...order, b: labels.includes(order.b) ? order.b : "" } : null;
  };
  const sortCases = () => {
    const { scene, level, order, reverse } = state;
    const kept = state.board.cases.filter((c) => (!scene || c.scene === scene) && (!level || c.level === level));
    const values = new Map(kept.map((item, index) => [item, order ? rank(item, order) : -index]));
    const turn = reverse ? -1 : 1;
    state.cases = kept.sort((p, q) => {
      const [v, w] = [values.get(p), values.get(q)];
      if (v === null || w === null) return (v === null) - (w === null); // without a number: last, either way
      return turn * (w - v);
    });
  };
  // A case of the filter that is most like the one shown: of its scene, then with its focal plane.
  const nearest = () => {
    const unlike = (item) => (item.scene === state.item.scene ? 0 : 1e3) + Math.abs(item.focus - state.item.focus);
    return state.cases.reduce((best, item) => (unlike(item) < unlike(best) ? item : best), state.cases[0]);
  };

  const setBoard = (id) => {
    state.board = data.benchmarks.find((board) => board.id === id) ?? data.benchmarks[0];
    Object.assign(state, { scene: "", level: "", order: null, reverse: false });
    sortCases();
    // The strongest blur shows most.
    state.item = state.cases.reduce((best, item) => (item.K > best.K ? item : best));
    fillPanes();
  };
  const setCase = (key) => {
    state.item = state.board.cases.find((item) => item.key === key) ?? state.item;
    fillPanes();
  };
  const setFilter = (changes) => {
    const before = { scene: state.scene, level: state.level };
    Object.assign(state, changes);
    sortCases();
    if (!state.cases.length) {
      // This scene has no such level: what was asked for last wins.
      Object.assign(state, { scene: "", level: "" }, changes);
      sortCases();
    }
    if (!state.cases.length) Object.assign(state, before), sortCases();
    if (!state.cases.includes(state.item)) setCase(nearest().key);
  };
  const setOrder = (order, reverse = false) => {
    Object.assign(state, { order: knownOrder(order), reverse });
    sortCases();
    setCase(state.cases[0].key);
  };
  const step = (by) => {
    const { cases, item } = state;
    const at = cases.indexOf(item);
    setCase(cases[at < 0 ? 0 : (at + by + cases.length) % cases.length].key);
  };

  // ------------------------------------------------------------------------------------------ address

  const list = (values) => values.map((value) => encodeURIComponent(value ?? "")).join(",");
  const address = () => {
    const plain = start();
    const parts = [["benchmark", list([state.board.id])], ["case", list([state.item.key])], ["show", list(state.show)], ["view", state.view]];
    if (state.map !== plain.map) parts.push(["map", state.map]);
    if (state.against !== plain.against) parts.push(["against", list([state.against])]);
    if (state.overlay !== plain.overlay) parts.push(["overlay", list([state.overlay, +state.opacity.toFixed(2)])]);
    if (state.zoom > 1) parts.push(["zoom", list([state.zoom, state.x, state.y].map((v) => +v.toFixed(4)))]);
    if (state.view === "slider" && state.split !== plain.split) parts.push(["split", +state.split.toFixed(1)]);
    if (state.view === "flip" && state.flip) parts.push(["flip", state.flip + 1]);
    if (state.scene) parts.push(["scene", list([state.scene])]);
    if (state.level) parts.push(["level", list([state.level])]);
    if (state.order) parts.push(["order", list([state.order.metric, state.order.a, ...(state.order.b ? [state.order.b] : [])])]);
    if (state.reverse) parts.push(["reverse", 1]);
    return "#" + parts.map((part) => part.join("=")).join("&");
  };

  const text = (raw) => {
    try {
      return decodeURIComponent(raw);
    } catch {
      return raw; // a damaged link still opens the page
    }
  };
  const missing = (board, key, shown) => {
    const has = (source) => source in FIXED || state.board.methods.some((method) => method.label === source);
    const names = [
      ["benchmark", board, state.board.id === board],
      ["case", key, state.board.cases.some((item) => item.key === key)],
      ...shown.map((source) => ["method", source, has(source)]),
    ];
    return names.filter(([, name, there]) => name && !there).map(([what, name]) => `${what} ${name} is not in this page`);
  };
  // Takes what an address says; false if it is not about the comparison. What it does not say is as at the start.
  const read = (hash) => {
    const parts = new Map(hash.slice(1).split("&").map((part) => [part.split("=", 1)[0], part.slice(part.indexOf("=") + 1)]));
    if (!parts.has("benchmark") && !parts.has("case")) return false;
    const values = (key) => (parts.has(key) ? parts.get(key).split(",").map(text) : []);
    const within = (value, low, high, otherwise) => (value !== undefined && value !== "" && Number.isFinite(+value) ? Math.min(high, Math.max(low, +value)) : otherwise);
    Object.assign(state, start(), { show: values("show").filter(Boolean) });
    for (const [key, allowed] of Object.entries(CHOICES)) if (allowed.includes(values(key)[0])) state[key] = values(key)[0];
    state.against = values("against")[0] ?? state.against;
    state.opacity = within(values("overlay")[1], 0, 1, state.opacity);
    state.zoom = within(values("zoom")[0], 1, MAX_ZOOM, 1);
    [state.x, state.y] = [1, 2].map((index) => within(values("zoom")[index], 0, 1, 0.5));
    state.split = within(values("split")[0], 0, 100, state.split);
    const [shown, flip] = [state.show, within(values("flip")[0], 1, MAX_PANES, 1) - 1];
    setBoard(values("benchmark")[0] ?? "");
    state.missing = missing(values("benchmark")[0], values("case")[0], shown);
    const [metric, a, b] = values("order");
    if (metric) setOrder({ metric, a, b: b ?? "" }, values("reverse")[0] === "1");
    state.show = shown;
    setFilter({ scene: values("scene")[0] ?? "", level: values("level")[0] ?? "" });
    const key = values("case")[0];
    setCase(key ?? (state.order ? state.cases[0].key : state.item.key));
    state.flip = Math.min(Math.trunc(flip), state.show.length - 1);
    return true;
  };

  return {
    data, state, MAX_PANES, MAX_ZOOM, caption, isMethod, isDisparity, methods, sources, ranked, score, print, rank,
    radiusScale, trueMap, setBoard, setCase, setFilter, setOrder, step, address, read,
  };
})();
