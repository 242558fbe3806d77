// Light, dark, or as the system: kept for the next visit where the browser allows it. Copy buttons.
"use strict";
(() => {
  const root = document.documentElement;
  const NAMES = { "": "as the system", light: "light", dark: "dark" };
  const KEY = "bokehbench-theme";
  const stored = () => {
    try {
      return localStorage.getItem(KEY) ?? "";
    } catch {
      return "";
    }
  };
  const keep = (name) => {
    try {
      localStorage.setItem(KEY, name);
    } catch {
      // A browser that keeps nothing for file:// still changes this page.
    }
  };
  const tell = () => document.dispatchEvent(new Event("theme"));
  const apply = (name) => {
    if (name in NAMES && name) root.dataset.theme = name;
    else delete root.dataset.theme;
  };

  apply(stored());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tell);

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const label = () => (button.lastElementChild.textContent = NAMES[root.dataset.theme ?? ""]);
    label();
    button.hidden = false;
    button.addEventListener("click", () => {
      const order = Object.keys(NAMES);
      const next = order[(order.indexOf(root.dataset.theme ?? "") + 1) % order.length];
      apply(next);
      keep(next);
      label();
      tell();
    });
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("button.copy");
    if (!button) return;
    const code = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 1500);
    } catch {
      getSelection().selectAllChildren(code);
    }
  });
})();
