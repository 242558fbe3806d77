// Sorting and unfolding. A method is one <tbody>, so its levels move with it.
"use strict";
(() => {
  const value = (body, column) => {
    const cell = body.rows[0].cells[column];
    return cell.dataset.value ?? "";
  };

  const sort = (table, column, direction) => {
    const numeric = table.tHead.rows[0].cells[column].classList.contains("number");
    const bodies = [...table.tBodies];
    bodies.sort((a, b) => {
      const [x, y] = [value(a, column), value(b, column)];
      if (x === "" || y === "") return (x === "") - (y === ""); // without a number: last, whatever the direction
      return direction * (numeric ? Number(x) - Number(y) : x.localeCompare(y));
    });
    table.append(...bodies);
    [...table.tHead.rows[0].cells].forEach((cell, index) => {
      if (index === column) cell.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
      else cell.removeAttribute("aria-sort");
    });
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    table.tHead.addEventListener("click", (event) => {
      const button = event.target.closest("button.sort");
      if (!button) return;
      const head = button.closest("th");
      const before = head.getAttribute("aria-sort");
      // The better end first: descending where the arrow points up.
      const first = button.querySelector(".arrow")?.textContent === "↑" ? -1 : 1;
      sort(table, head.cellIndex, before ? (before === "ascending" ? -1 : 1) : first);
    });
    table.addEventListener("click", (event) => {
      const button = event.target.closest("button.unfold");
      if (button) unfold(button, button.getAttribute("aria-expanded") !== "true");
    });
  }

  const unfold = (button, open) => {
    button.setAttribute("aria-expanded", String(open));
    for (const row of button.closest("tbody").querySelectorAll("tr.level")) row.hidden = !open;
  };

  for (const all of document.querySelectorAll("button.unfold-all")) {
    all.addEventListener("click", () => {
      const open = all.getAttribute("aria-pressed") !== "true";
      all.setAttribute("aria-pressed", String(open));
      all.textContent = open ? "Fold levels" : "Unfold levels";
      for (const button of all.closest(".board").querySelectorAll("button.unfold")) unfold(button, open);
    });
  }
})();
