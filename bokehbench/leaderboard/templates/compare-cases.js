// The case browser: a strip of thumbnails, of which only those in sight exist; filters and orders.
"use strict";
Compare.cases = (changed) => {
  const { state, view } = Compare;
  const $ = (id) => document.getElementById(id);
  const film = $("film");
  const TILE = 104; // pixels of the page from one thumbnail to the next
  const unique = (values) => [...new Set(values)];
  const names = new Intl.Collator("en", { numeric: true });

  // ------------------------------------------------------------------------------------------ strip

  const label = (item) => {
    const value = state.order ? Compare.rank(item, state.order) : null;
    if (value === null) return item.level;
    const metric = state.board.metrics.find((m) => m.name === state.order.metric);
    return state.order.b ? `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(metric.decimals)}` : Math.abs(value).toFixed(metric.decimals);
  };
  const tile = (item, index) => {
    const image = view.make("img", { src: item.thumb, alt: "", loading: "lazy", decoding: "async" });
    const node = view.make("div", { id: `case-${index}`, title: item.key, data: { index }, label: `${item.key}, ${label(item)}` }, image, view.make("span", { textContent: label(item) }));
    node.setAttribute("role", "option");
    node.setAttribute("aria-selected", String(item === state.item));
    node.setAttribute("aria-posinset", index + 1);
    node.setAttribute("aria-setsize", state.cases.length);
    node.style.left = `${index * TILE}px`;
    return node;
  };
  const drawFilm = () => {
    const first = Math.max(0, Math.floor(film.scrollLeft / TILE) - 4);
    const last = Math.min(state.cases.length, Math.ceil((film.scrollLeft + film.clientWidth) / TILE) + 4);
    $("reel").style.width = `${state.cases.length * TILE}px`;
    $("reel").replaceChildren(...state.cases.slice(first, last).map((item, offset) => tile(item, first + offset)));
  };
  const show = () => {
    const at = state.cases.indexOf(state.item);
    film.setAttribute("aria-activedescendant", at < 0 ? "" : `case-${at}`);
    drawFilm();
    const [left, right] = [at * TILE, (at + 1) * TILE];
    // Scrolls the strip only, never the page.
    if (at >= 0 && (left < film.scrollLeft || right > film.scrollLeft + film.clientWidth)) film.scrollLeft = left - film.clientWidth / 2 + TILE / 2;
  };
  film.addEventListener("scroll", () => requestAnimationFrame(drawFilm), { passive: true });
  new ResizeObserver(drawFilm).observe(film);

  const choose = (index) => {
    Compare.setCase(state.cases[Math.min(state.cases.length - 1, Math.max(0, index))].key);
    changed("case");
  };
  film.addEventListener("click", (event) => {
    const picked = event.target.closest("[data-index]");
    if (picked) choose(Number(picked.dataset.index));
  });
  film.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(film.clientWidth / TILE) - 1);
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page }[event.key];
    if (by) choose(state.cases.indexOf(state.item) + by);
    else if (event.key === "Home") choose(0);
    else if (event.key === "End") choose(state.cases.length - 1);
    else return;
    event.preventDefault();
  });

  // ------------------------------------------------------------------------------------------ filters

  let listed = null; // the cases that the list has: thousands of options are not made anew for each step
  const drawFilters = () => {
    const { board } = state;
    const labels = board.methods.map((m) => [m.label, m.label]);
    const metrics = board.metrics.map((m) => [m.name, m.name]);
    const scenes = unique(board.cases.map((c) => c.scene)).sort(names.compare);
    const levels = unique(board.cases.map((c) => c.level)).sort(names.compare);
    $("scene").replaceChildren(...view.options([["", "all"], ...scenes.map((s) => [s, s])], state.scene));
    $("level").replaceChildren(...view.options([["", "all"], ...levels.map((s) => [s, s])], state.level));
    if (listed !== state.cases) $("case").replaceChildren(...view.options(state.cases.map((c) => [c.key, c.key]), ""));
    listed = state.cases;
    $("case").value = state.item.key;
    $("order-metric").replaceChildren(...view.options([["", "name"], ...metrics], state.order?.metric ?? ""));
    $("order-a").replaceChildren(...view.options(labels, state.order?.a ?? pair()[0]));
    $("order-b").replaceChildren(...view.options([["", "alone"], ...labels.map(([value]) => [value, `against ${value}`])], state.order?.b ?? ""));
    for (const id of ["order-a", "order-b"]) $(id).disabled = !state.order;
    $("reverse").setAttribute("aria-pressed", String(state.reverse));
    for (const id of ["order-says", "order-short"]) $(id).textContent = says();
  };
  // The two methods that are looked at, filled up by the first of the table.
  const pair = () => unique([...state.show.filter(Compare.isMethod), ...Compare.ranked(), ...Compare.methods().map((m) => m.label)]).slice(0, 2);
  const says = () => {
    const [few, all] = [state.cases.length, state.board.cases.length];
    const count = few === all ? `${all} cases` : `${few} of ${all} cases`;
    if (!state.order) return count;
    const { metric, a, b } = state.order;
    const which = b ? `where ${state.reverse ? b : a} beats ${state.reverse ? a : b} by most` : `${state.reverse ? "best" : "worst"} of ${a}`;
    return `${count}, first ${which} (${metric})`;
  };
  const drawDuel = () => {
    const [a, b] = pair();
    const buttons = [["beats", a, b], ["beaten", b, a]];
    for (const [id, winner, loser] of buttons) {
      $(id).hidden = !b || !state.board.metrics.length;
      $(id).textContent = `${winner} beats ${loser}`;
    }
  };

  const reorder = (order, reverse = false) => {
    Compare.setOrder(order, reverse);
    changed("cases");
  };
  const ordered = () => {
    const metric = $("order-metric").value;
    const a = $("order-a").value;
    return metric ? { metric, a, b: $("order-b").value === a ? "" : $("order-b").value } : null;
  };
  for (const id of ["order-metric", "order-a", "order-b"]) $(id).addEventListener("change", () => reorder(ordered(), state.reverse));
  $("reverse").addEventListener("click", () => reorder(state.order, !state.reverse));
  const duel = (turned) => () => {
    const [a, b] = turned ? pair().reverse() : pair();
    state.show = [a, b];
    reorder({ metric: state.order?.metric ?? state.board.metrics[0].name, a, b });
  };
  $("beats").addEventListener("click", duel(false));
  $("beaten").addEventListener("click", duel(true));
  for (const id of ["scene", "level"])
    $(id).addEventListener("change", (event) => {
      Compare.setFilter({ [id]: event.target.value });
      changed("cases");
    });
  $("case").addEventListener("change", (event) => {
    Compare.setCase(event.target.value);
    changed("case");
  });
  for (const [id, by] of [["previous", -1], ["next", 1]])
    $(id).addEventListener("click", () => {
      Compare.step(by);
      changed("case");
    });

  return { show, drawFilters, drawDuel };
};
