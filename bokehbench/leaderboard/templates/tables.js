// Sorting and unfolding. A method is one <tbody>, so its levels, papers' values and scenes move with it.
"use strict";
(() => {
  const FIRST_METRIC = 2; // the method and its dot come before
  const MOST = 60; // scenes shown before one asks for the others
  const loaded = new Map(); // table id -> promise of its scenes

  const make = (tag, properties = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  };

  // ------------------------------------------------------------------------------------------------ sorting

  const value = (body, column) => (body.matches(".fold, .by-level") ? "" : (body.rows[0].cells[column]?.dataset.value ?? ""));
  const sort = (table, column, direction) => {
    const head = table.tHead.rows[0].cells;
    const numeric = head[column].classList.contains("number");
    const bodies = [...table.tBodies];
    bodies.sort((a, b) => {
      const [x, y] = [value(a, column), value(b, column)];
      if (x === "" || y === "") return (x === "") - (y === ""); // without a number: last, whatever the direction
      return direction * (numeric ? Number(x) - Number(y) : x.localeCompare(y));
    });
    table.append(...bodies);
    [...head].forEach((cell, index) => {
      if (index === column) cell.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
      else cell.removeAttribute("aria-sort");
    });
  };
  const onSort = (table, button) => {
    const head = button.closest("th");
    const before = head.getAttribute("aria-sort");
    // The better end first: descending where the arrow points up.
    const first = button.querySelector(".arrow")?.textContent === "↑" ? -1 : 1;
    sort(table, head.cellIndex, before ? (before === "ascending" ? -1 : 1) : first);
  };

  // ---------------------------------------------------------------------------------------- levels, scenes

  const bySceneRow = (body) => {
    const button = make("button", { type: "button", className: "scenes", ariaExpanded: "false" });
    button.ariaLabel = `Scenes of ${body.dataset.method} over all levels`;
    const width = body.rows[0].cells.length;
    const row = make("tr", { className: "by-scene span" }, make("th", { scope: "row" }, button, "by scene"), make("td", { colSpan: width - 1 }));
    row.dataset.level = "all";
    return row;
  };
  const unfold = (button, open) => {
    button.setAttribute("aria-expanded", String(open));
    const body = button.closest("tbody");
    if (body.dataset.status !== "reported" && !body.querySelector("tr.by-scene")) body.append(bySceneRow(body));
    for (const row of body.querySelectorAll("tr.level, tr.by-scene")) row.hidden = !open;
    if (open) return;
    for (const inner of body.querySelectorAll('button.scenes[aria-expanded="true"]')) foldScenes(inner);
  };
  const foldScenes = (button) => {
    button.setAttribute("aria-expanded", "false");
    const row = button.closest("tr");
    for (const other of [...row.parentElement.rows]) if (other.dataset.of === row.dataset.level) other.remove();
  };

  window.BOKEHBENCH_SCENES = (id, data) => loaded.get(id).found(data);
  const scenesOf = (id) => {
    if (!loaded.has(id)) {
      const script = document.createElement("script");
      const promise = new Promise((found, failed) => {
        loaded.set(id, { found });
        script.onerror = () => failed(new Error(`assets/scenes/${id}.js is missing`));
      });
      loaded.get(id).promise = promise;
      script.src = `assets/scenes/${encodeURIComponent(id)}.js`;
      document.head.append(script);
    }
    return loaded.get(id).promise;
  };

  const sceneRow = (place, data, line) => {
    const [scene, worst, count, ...values] = line;
    const names = ["_target", place.label].map(encodeURIComponent).join(",");
    const href = `#benchmark=${encodeURIComponent(place.board)}&case=${encodeURIComponent(worst)}&show=${names}`;
    const link = make("a", { href, textContent: scene, title: `Compare ${worst}` });
    const row = make("tr", { className: "scene" }, make("th", { scope: "row" }, link));
    row.dataset.of = place.level;
    row.append(make("td", { className: "plot", textContent: `${count} case${count === 1 ? "" : "s"}` }));
    values.forEach((number, index) => {
      row.append(make("td", { textContent: number === null ? "–" : number.toFixed(data.decimals[index]) }));
    });
    row.append(make("td"), make("td"));
    return row;
  };
  const worstFirst = (lines, table) => {
    const heads = [...table.tHead.rows[0].cells];
    const sorted = heads.findIndex((head) => head.hasAttribute("aria-sort"));
    const metrics = lines.length ? lines[0].length - 3 : 0;
    const column = sorted >= FIRST_METRIC && sorted < FIRST_METRIC + metrics ? sorted : FIRST_METRIC;
    const sign = heads[column].querySelector(".arrow")?.textContent === "↓" ? -1 : 1;
    const of = (line) => line[3 + column - FIRST_METRIC];
    return [...lines].sort((a, b) => (of(a) === null) - (of(b) === null) || sign * (of(a) - of(b)));
  };
  const unfoldScenes = async (button) => {
    const row = button.closest("tr");
    const body = row.parentElement;
    const place = { board: row.closest(".board").dataset.board, label: body.dataset.method, level: row.dataset.level };
    button.setAttribute("aria-expanded", "true");
    let data;
    try {
      data = await scenesOf(place.board);
    } catch (error) {
      button.title = error.message;
      return;
    }
    if (button.getAttribute("aria-expanded") !== "true") return; // folded again meanwhile
    const lines = worstFirst(data.rows[place.label]?.[place.level] ?? [], row.closest("table"));
    const made = lines.slice(0, MOST).map((line) => sceneRow(place, data, line));
    if (lines.length > MOST) {
      const more = make("button", { type: "button", className: "quiet", textContent: `The other ${lines.length - MOST} scenes` });
      const all = make("tr", { className: "more span" }, make("td", { colSpan: data.columns.length + 4 }, more));
      all.dataset.of = place.level;
      more.addEventListener("click", () => all.replaceWith(...lines.slice(MOST).map((line) => sceneRow(place, data, line))));
      made.push(all);
    }
    let last = row; // papers' values of the level stay beside it
    while (last.nextElementSibling?.matches(`tr.reported[data-level="${CSS.escape(place.level)}"]`)) last = last.nextElementSibling;
    last.after(...made);
  };

  // ------------------------------------------------------------------------------------------------- events

  for (const table of document.querySelectorAll("table.sortable")) {
    table.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      const open = button.getAttribute("aria-expanded") !== "true";
      if (button.matches(".sort")) onSort(table, button);
      else if (button.matches(".unfold")) unfold(button, open);
      else if (button.matches(".unfold-papers")) {
        button.setAttribute("aria-expanded", String(open));
        table.classList.toggle("papers-open", open);
      } else if (button.matches(".scenes")) open ? unfoldScenes(button) : foldScenes(button);
    });
  }
  for (const all of document.querySelectorAll("button.unfold-all")) {
    all.addEventListener("click", () => {
      const open = all.getAttribute("aria-pressed") !== "true";
      all.setAttribute("aria-pressed", String(open));
      all.textContent = open ? "Fold levels" : "Unfold levels";
      for (const button of all.closest(".board").querySelectorAll("button.unfold")) unfold(button, open);
    });
  }
})();
