// The picture comparison put together: one state, `draw`, and the address that holds the state.
"use strict";
(() => {
  if (!Compare.data.benchmarks.length) return;
  const { state, view, pixels } = Compare;
  const $ = (id) => document.getElementById(id);

  // ------------------------------------------------------------------------------------------ drawing

  const drawScores = () => {
    const { metrics } = state.board;
    const heads = ["this case", ...metrics.map((m) => `${m.name} ${m.arrow}`)];
    $("scores").tHead.replaceChildren(view.make("tr", {}, ...heads.map((textContent) => view.make("th", { scope: "col", textContent }))));
    const methods = Compare.methods();
    const value = (method, index) => Compare.score(state.item, method.label, index);
    const best = metrics.map((metric, index) => {
      const values = methods.filter((m) => !m.oracle).map((m) => value(m, index)).filter((v) => v !== null);
      return values.length > 1 ? Compare.print(metric, metric.up ? Math.max(...values) : Math.min(...values)) : null;
    });
    const rows = methods.map((method) => {
      const button = view.make("button", { type: "button", className: "quiet", textContent: method.label, title: "Show as the last picture", data: { show: method.label } });
      const name = view.make("th", { scope: "row" }, button);
      if (method.oracle) name.append(view.make("span", { className: "tag", textContent: "oracle" }));
      const cells = metrics.map((metric, index) => {
        const textContent = Compare.print(metric, value(method, index));
        return view.make("td", { textContent, className: !method.oracle && textContent === best[index] ? "best" : "" });
      });
      const row = view.make("tr", {}, name, ...cells);
      row.classList.toggle("shown", view.shownSources().includes(method.label));
      return row;
    });
    $("scores").tBodies[0].replaceChildren(...rows);
  };

  const drawAbout = () => {
    const { key, scene, level, K, focus, size, noise } = state.item;
    const lens = K === null ? "K searched" : `K = ${+K.toPrecision(4)} px`;
    const target = noise === null ? "" : `, noise of the target ${noise.toFixed(1)} dB`;
    $("about").textContent = `${key}: scene ${scene}, ${level}, ${lens}, focus at disparity ${+focus.toPrecision(3)}, ${size[0]} × ${size[1]}${target}`;
  };

  const drawControls = () => {
    $("benchmark").value = state.board.id;
    Object.assign($("missing"), { textContent: state.missing.join("; "), hidden: !state.missing.length });
    for (const button of document.querySelectorAll("#compare [data-choose]")) button.setAttribute("aria-pressed", String(button.dataset.choose === state.view));
    $("map").value = state.map;
    $("overlay").value = state.overlay;
    $("opacity").value = state.opacity;
    $("opacity-label").hidden = state.overlay === "none";
    $("against-label").hidden = state.map === "picture";
    const references = Compare.sources().filter((s) => !Compare.isDisparity(s) && s !== "_reference");
    $("against").replaceChildren(...view.options(references.map((s) => [s, Compare.caption(s)]), state.against));
    $("split").hidden = state.view !== "slider";
    $("hold").hidden = state.view === "grid";
    $("all").hidden = state.view === "slider";
    $("add").hidden = state.view === "slider" || state.show.length >= Math.min(Compare.MAX_PANES, Compare.sources().length);
    $("compare").style.setProperty("--aspect", state.item.size[0] / state.item.size[1]);
    $("link").href = Compare.address();
  };

  const draw = () => {
    drawControls();
    drawAbout();
    cases.drawFilters();
    cases.drawDuel();
    cases.show();
    view.build();
    view.repaint();
    view.drawLegend();
    view.setProbe(null);
    drawScores();
  };

  // ------------------------------------------------------------------------------------------ what changes

  // A new case or view is a step that the back button takes back; a zoom only renews the address.
  let later = 0;
  const remember = (isStep) => {
    clearTimeout(later);
    const address = Compare.address();
    $("link").href = address;
    const save = () => history[isStep ? "pushState" : "replaceState"]({ compare: address }, "", address);
    if (isStep) save();
    else later = setTimeout(save, 150); // browsers refuse hundreds of changes a second
  };
  const changed = (what, changes = {}) => {
    Object.assign(state, changes);
    if (what === "zoom") return remember(false);
    state.missing = [];
    if (what === "look") {
      drawControls();
      view.refill();
      view.drawLegend();
    } else draw();
    remember(address !== Compare.address());
    address = Compare.address();
  };
  let address = "";

  const cases = Compare.cases(changed);
  Compare.hands(changed);

  $("benchmark").addEventListener("change", (event) => {
    Compare.setBoard(event.target.value);
    changed("cases");
  });
  for (const id of ["map", "overlay", "against"]) $(id).addEventListener("change", (event) => changed("look", { [id]: event.target.value }));
  $("opacity").addEventListener("input", (event) => {
    state.opacity = Number(event.target.value);
    view.repaint();
    remember(false);
  });
  for (const button of document.querySelectorAll("#compare [data-choose]")) button.addEventListener("click", () => changed("view", { view: button.dataset.choose }));
  $("swap").addEventListener("click", () => {
    state.show.splice(0, 2, state.show[1], state.show[0]);
    changed("view");
  });
  $("scores").addEventListener("click", (event) => {
    const button = event.target.closest("[data-show]");
    if (!button) return;
    state.show[state.view === "slider" ? 1 : state.show.length - 1] = button.dataset.show;
    changed("view");
  });

  $("compare").addEventListener("change", (event) => {
    if (!event.target.dataset.pane) return;
    state.show[Number(event.target.dataset.pane)] = event.target.value;
    changed("view");
  });
  $("compare").addEventListener("click", (event) => {
    const { remove, save } = event.target.dataset;
    if (save) return savePicture(Number(save));
    if (remove) state.show.splice(Number(remove), 1);
    else if (event.target.id === "add") state.show.push(Compare.sources().find((s) => !state.show.includes(s)));
    else if (event.target.id === "all") state.show = Compare.sources().filter((s) => Compare.isMethod(s) || s === "_target" || s === "_image").slice(0, Compare.MAX_PANES);
    else return;
    state.flip = Math.min(state.flip, state.show.length - 1);
    changed("view");
  });

  // ------------------------------------------------------------------------------------------ out of the page

  // What the frame shows, with its overlay, at the size of the picture: of a plain picture the very pixels.
  const savePicture = (index) => {
    const { source, layers } = view.frame(index);
    if (!layers?.base) return;
    const pen = pixels.context(layers.base.width, layers.base.height);
    pen.drawImage(layers.base.bitmap, 0, 0);
    pen.globalAlpha = state.opacity;
    if (layers.over) pen.drawImage(layers.over.bitmap, 0, 0, layers.base.width, layers.base.height);
    const suffix = (state.map === "picture" ? "" : `_${state.map}`) + (state.overlay === "none" ? "" : `_${state.overlay}`);
    pen.canvas.toBlob((blob) => {
      const href = URL.createObjectURL(blob);
      view.make("a", { href, download: `${state.item.key}_${source.replace(/^_/, "").replace(/[^\w.-]+/g, "-")}${suffix}.png` }).click();
      setTimeout(() => URL.revokeObjectURL(href), 1e4);
    });
  };

  $("link").addEventListener("click", (event) => {
    event.preventDefault();
    clearTimeout(later);
    history.replaceState({ compare: Compare.address() }, "", Compare.address());
    const say = (text) => {
      $("link").textContent = text;
      setTimeout(() => ($("link").textContent = "Copy link"), 2000);
    };
    const copied = navigator.clipboard?.writeText(location.href) ?? Promise.reject();
    copied.then(() => say("Link copied"), () => say("The address bar has it"));
  });
  $("window").hidden = !document.fullscreenEnabled;
  $("window").addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : $("compare").requestFullscreen()));
  $("help").addEventListener("click", () => $("keys").showModal());
  document.addEventListener("keydown", (event) => {
    if (event.key !== "?" || event.target.closest("input:not([type=range]), select, textarea, dialog")) return;
    event.preventDefault();
    $("keys").showModal();
  });

  // ------------------------------------------------------------------------------------------ address

  const open = (hash, scroll) => {
    if (!Compare.read(hash)) return;
    draw();
    address = Compare.address();
    if (scroll) $("compare").scrollIntoView();
  };
  window.addEventListener("popstate", (event) => event.state?.compare && open(event.state.compare, false));
  window.addEventListener("hashchange", () => history.state?.compare || open(location.hash, true));

  $("order").open = matchMedia("(min-width: 40rem)").matches;
  $("benchmark").replaceChildren(...view.options(Compare.data.benchmarks.map((board) => [board.id, board.title])));
  Compare.setBoard("");
  state.show = "_image" in state.item.pictures ? ["_image", ...Compare.ranked().slice(0, 1)] : [];
  Compare.setCase(state.item.key);
  const opened = Compare.read(location.hash);
  draw();
  address = Compare.address();
  history.replaceState({ compare: address }, "");
  if (opened) $("compare").scrollIntoView();
})();
