// Hands: mouse, fingers and keys on the pictures. What they change is the state; `changed` says so to the rest.
"use strict";
Compare.hands = (changed) => {
  const { state, view } = Compare;
  const $ = (id) => document.getElementById(id);
  const viewer = $("viewer");
  const GRIP = 22; // pixels of the page from the divider that still take hold of it, when zoomed in

  // ------------------------------------------------------------------------------------------ zoom

  const zoomTo = (zoom, at = { x: state.x, y: state.y }) => {
    const next = Math.min(Compare.MAX_ZOOM, Math.max(1, zoom));
    // The point under the hand stays there.
    state.x = at.x + (state.x - at.x) * (state.zoom / next);
    state.y = at.y + (state.y - at.y) * (state.zoom / next);
    state.zoom = next;
    view.repaint();
    changed("zoom");
  };
  const pan = (dx, dy) => {
    const half = 0.5 / state.zoom;
    const inside = (v) => Math.min(1 - half, Math.max(half, v));
    [state.x, state.y] = [inside(state.x + dx / state.zoom), inside(state.y + dy / state.zoom)];
    view.repaint();
    changed("zoom");
  };
  const native = () => {
    const ratio = window.devicePixelRatio || 1;
    zoomTo(state.item.size[0] / ((view.frameNode()?.clientWidth ?? 1) * ratio));
  };
  const moveDivider = (percent) => {
    state.split = Math.min(100, Math.max(0, percent));
    view.repaint();
    changed("zoom");
  };
  const flip = (index) => {
    state.flip = (index + state.show.length) % state.show.length;
    view.repaint();
    changed("zoom");
  };

  // ------------------------------------------------------------------------------------------ pointers

  const pointAt = (event) => {
    const frame = document.elementFromPoint(event.clientX, event.clientY)?.closest("#viewer .frame") ?? event.target.closest?.(".frame") ?? view.frameNode();
    const box = frame.getBoundingClientRect();
    const [u, v] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    return { u, v, box, x: state.x + (u - 0.5) / state.zoom, y: state.y + (v - 0.5) / state.zoom };
  };
  const pointers = new Map();
  let drag = null;
  const gap = () => {
    const [a, b] = [...pointers.values()];
    return b ? { size: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY), middle: { clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2, target: a.target } } : null;
  };

  viewer.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.target.closest(".frame")) return;
    pointers.set(event.pointerId, event);
    viewer.setPointerCapture(event.pointerId);
    viewer.focus({ preventScroll: true });
    const { u, box, x, y } = pointAt(event);
    const near = Math.abs((u * 100 - state.split) / 100) * box.width <= GRIP;
    drag = { box, moved: false, pinched: pointers.size > 1, gap: gap(), divider: state.view === "slider" && pointers.size === 1 && (near || state.zoom === 1) };
    view.setProbe({ x, y });
  });
  viewer.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType !== "touch" && event.target.closest(".frame")) view.setProbe(pointAt(event));
      return;
    }
    pointers.set(event.pointerId, event);
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    drag.moved ||= Math.abs(dx) + Math.abs(dy) > 1;
    if (pointers.size === 2) {
      const now = gap();
      drag.pinched = true;
      if (drag.gap?.size) zoomTo((state.zoom * now.size) / drag.gap.size, pointAt(now.middle));
      drag.gap = now;
    } else if (drag.pinched) return; // the last finger of two lifts: nothing jumps
    else if (drag.divider) moveDivider((100 * (event.clientX - drag.box.left)) / drag.box.width);
    else pan(-dx / drag.box.width, -dy / drag.box.height);
  });
  const end = (event) => {
    if (!pointers.delete(event.pointerId) || !drag) return;
    const click = event.type === "pointerup" && !drag.moved && !drag.pinched;
    if (click && state.view === "flip") flip(state.flip + 1);
    if (click && drag.divider) moveDivider((100 * (event.clientX - drag.box.left)) / drag.box.width);
    if (!pointers.size) drag = null;
  };
  viewer.addEventListener("pointerup", end);
  viewer.addEventListener("pointercancel", end);
  viewer.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && !pointers.size && view.setProbe(null));
  viewer.addEventListener("dblclick", (event) => event.target.closest(".frame") && state.view === "grid" && zoomTo(state.zoom > 1 ? 1 : 4, pointAt(event)));
  viewer.addEventListener(
    "wheel",
    (event) => {
      // The plain wheel scrolls the page until the pictures have been clicked, or are zoomed in.
      const ours = event.ctrlKey || event.metaKey || viewer.contains(document.activeElement) || document.fullscreenElement;
      const next = Math.min(Compare.MAX_ZOOM, Math.max(1, state.zoom * Math.exp(-event.deltaY / 300)));
      if (!ours || !event.target.closest(".frame") || (next === state.zoom && !event.ctrlKey)) return;
      event.preventDefault();
      zoomTo(next, pointAt(event));
    },
    { passive: false },
  );

  // ------------------------------------------------------------------------------------------ keys

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const arrow = (event) => {
    const [dx, dy] = ARROWS[event.key];
    const at = view.probe() ?? { x: state.x, y: state.y };
    if (event.shiftKey) {
      const inside = (v) => Math.min(1 - 1e-6, Math.max(0, v));
      view.setProbe({ x: inside(at.x + dx / state.item.size[0]), y: inside(at.y + dy / state.item.size[1]) });
    } else if (state.zoom > 1) {
      pan(0.1 * dx, 0.1 * dy);
      view.setProbe({ x: state.x, y: state.y });
    } else if (state.view === "slider" && dx) moveDivider(state.split + 2 * dx);
    else return false;
    return true;
  };
  const onPictures = (event) => {
    if (event.key in ARROWS) return arrow(event);
    if (event.key === " " && state.view === "flip") return flip(state.flip + 1), true;
    return false;
  };
  const click = (id) => () => $(id).click();
  const KEYS = {
    "+": () => zoomTo(state.zoom * 1.5),
    "=": () => zoomTo(state.zoom * 1.5),
    "-": () => zoomTo(state.zoom / 1.5),
    0: () => zoomTo(1),
    n: native,
    ",": () => moveDivider(state.split - 2),
    ".": () => moveDivider(state.split + 2),
    "[": click("previous"),
    "]": click("next"),
    s: () => changed("view", { view: "slider" }),
    f: () => changed("view", { view: "flip" }),
    g: () => changed("view", { view: "grid" }),
    x: click("swap"),
    w: click("window"),
    e: () => changed("look", { map: { picture: "error", error: "signed", signed: "picture" }[state.map] }),
    o: () => changed("look", { overlay: { none: "coc", coc: "plane", plane: "disparity", disparity: "none" }[state.overlay] }),
  };
  // `b` shows the next picture as long as it is held; in the slider, B all over.
  let held = null;
  const hold = () => {
    if (held || state.show.length < 2 || state.view === "grid") return;
    held = { flip: state.flip, split: state.split };
    if (state.view === "flip") flip(state.flip + 1);
    else moveDivider(0);
  };
  const letGo = () => {
    if (!held) return;
    Object.assign(state, held);
    held = null;
    view.repaint();
    changed("zoom");
  };
  $("compare").addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, input, [role=listbox], dialog")) return;
    const digit = /^[1-9]$/.test(event.key) && state.view === "flip" && Number(event.key) <= state.show.length;
    if (event.key === "b") hold();
    else if (digit) flip(Number(event.key) - 1);
    else if (Object.hasOwn(KEYS, event.key)) KEYS[event.key]();
    else if (event.target !== viewer || !onPictures(event)) return;
    event.preventDefault();
  });
  document.addEventListener("keyup", (event) => event.key === "b" && letGo());
  window.addEventListener("blur", letGo);
  const button = $("hold");
  button.addEventListener("pointerdown", hold);
  for (const type of ["pointerup", "pointerleave", "pointercancel"]) button.addEventListener(type, letGo);
  button.addEventListener("keydown", (event) => [" ", "Enter"].includes(event.key) && !event.repeat && hold());
  button.addEventListener("keyup", letGo);

  $("in").addEventListener("click", KEYS["+"]);
  $("out").addEventListener("click", KEYS["-"]);
  $("fit").addEventListener("click", KEYS[0]);
  $("native").addEventListener("click", native);
  $("split").addEventListener("input", (event) => moveDivider(Number(event.target.value)));
};
