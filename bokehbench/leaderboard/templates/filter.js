// Which rows, tables and columns are shown. Plots follow: the event "filter" tells them which methods are hidden.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const form = $("filter");
  if (!form) return;

  // --------------------------------------------------------------------------------------------------- rows

  const ROWS = ".board-table > tbody:not(.fold)";

  const wanted = () => ({
    text: $("filter-text").value.trim().toLocaleLowerCase(),
    board: $("filter-board").value,
    category: $("filter-category").value,
    status: $("filter-status").value,
    noTruth: $("filter-truth").checked,
    papers: $("filter-papers")?.checked ?? true,
  });
  const passes = (body, want) => {
    const { method, status, category, truth } = body.dataset;
    if (!method.toLocaleLowerCase().includes(want.text)) return false;
    if (want.category && category !== want.category) return false;
    if (want.status && status !== want.status) return false;
    if (want.noTruth && truth !== undefined) return false;
    return status !== "reported" || want.papers;
  };
  // What papers print by level alone is folded under one row, until somebody looks for it.
  const foldPapers = (board, want) => {
    const found = want.text !== "" || want.status === "reported" || want.category === "reported";
    board.querySelector(".board-table").classList.toggle("papers-found", found);
    const fold = board.querySelector(".fold");
    if (fold) fold.hidden = found || !board.querySelector(".by-level:not([hidden])");
  };
  const filterBoard = (board, want) => {
    board.hidden = want.board !== "" && board.dataset.board !== want.board;
    const counts = { shown: 0, of: 0 };
    for (const body of board.querySelectorAll(ROWS)) {
      body.hidden = !passes(body, want);
      if (board.hidden) continue;
      counts.of += 1;
      counts.shown += !body.hidden;
    }
    board.classList.toggle("no-papers", !want.papers);
    foldPapers(board, want);
    const named = want.text && ((node) => !node.dataset.method.toLocaleLowerCase().includes(want.text));
    for (const row of board.querySelectorAll(".beside [data-method], .aside [data-method]")) row.hidden = Boolean(named && named(row));
    const asides = { ".aside.stale": ["", "stale"], ".aside.incomplete": ["", "incomplete"] };
    for (const [selector, statuses] of Object.entries(asides)) {
      const aside = board.querySelector(selector);
      if (!aside) continue;
      const rows = [...aside.querySelectorAll("[data-method]")];
      aside.hidden = !statuses.includes(want.status) || rows.every((row) => row.hidden);
    }
    board.querySelector(".none").hidden = board.querySelectorAll(`${ROWS}:not([hidden])`).length > 0;
    return counts;
  };
  const hiddenMethods = (want) => {
    const hidden = new Map(); // method -> hidden in all tables
    for (const body of document.querySelectorAll(ROWS)) {
      const { method } = body.dataset;
      hidden.set(method, body.hidden && (hidden.get(method) ?? true));
    }
    return { board: want.board, methods: new Set([...hidden].filter(([, is]) => is).map(([method]) => method)) };
  };
  const filter = () => {
    const want = wanted();
    const total = { shown: 0, of: 0 };
    for (const board of document.querySelectorAll(".board")) {
      const counts = filterBoard(board, want);
      total.shown += counts.shown;
      total.of += counts.of;
    }
    for (const tracks of document.querySelectorAll("details.tracks")) {
      tracks.hidden = !tracks.querySelector(".board:not([hidden])");
      if (want.board && !tracks.hidden) tracks.open = true;
    }
    $("filter-count").textContent = total.shown === total.of ? "" : `${total.shown} of ${total.of} rows`;
    document.dispatchEvent(new CustomEvent("filter", { detail: hiddenMethods(want) }));
  };

  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("reset", () => setTimeout(filter)); // after the fields have their first values again
  form.addEventListener("submit", (event) => event.preventDefault());
  filter(); // a browser may bring back what was typed before a reload

  // ------------------------------------------------------------------------------------------------ columns

  const showColumns = (menu) => {
    const boxes = [...menu.querySelectorAll("input[value]:not(.all)")];
    const hide = boxes.filter((box) => !box.checked).map((box) => box.value).join(" ");
    for (const table of menu.closest(".board").querySelectorAll("table[data-hide]")) table.dataset.hide = hide;
    for (const group of menu.querySelectorAll("fieldset")) {
      const own = [...group.querySelectorAll("input:not(.all)")];
      const checked = own.filter((box) => box.checked).length;
      const all = group.querySelector(".all");
      all.checked = checked === own.length;
      all.indeterminate = checked > 0 && checked < own.length;
    }
  };
  for (const menu of document.querySelectorAll("details.menu")) {
    showColumns(menu);
    menu.addEventListener("change", (event) => {
      const all = event.target.closest(".all");
      if (all) for (const box of all.closest("fieldset").querySelectorAll("input:not(.all)")) box.checked = all.checked;
      showColumns(menu);
    });
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  }
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
})();
