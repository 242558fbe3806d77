// A study that runs from a folder: order and sides from the participant's code, answers kept in this browser
// and given out as a file. It knows no method; see bokehbench/study/order.py for the same order in Python.
"use strict";
(() => {
  const study = window.STUDY;
  const trials = new Map(study.trials.map((trial) => [trial.id, trial]));
  const $ = (id) => document.getElementById(id);
  const rating = study.kind === "rating";
  // The digits that choose on the scale: its own where it has one each, else the places.
  const digits = rating && study.scale.numeric && study.scale.labels.every((label) => label.length === 1);
  const keys = rating ? study.scale.labels.map((label, i) => (digits ? label : String(i + 1))) : [];
  let session = null; // {code, started, consent, answers}
  let steps = [];
  let shownAt = null; // when the pictures of this question were there, or it came back into view
  let seen = 0; // milliseconds before that
  let ready = false; // its pictures are there
  let criteria = []; // what this question asks to be rated: without a cross nothing that needs one
  let rested = -1; // number of answers at the last break

  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "class") element.className = value;
      else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value !== false) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }

  // ------------------------------------------------------------------------------------------- order

  function hash32(...words) {
    let value = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(words.join("|"))) value = Math.imul(value ^ byte, 0x01000193);
    value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
    value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
    return (value ^ (value >>> 16)) >>> 0;
  }

  function sortedBy(items, key, name = (item) => item) {
    const keyed = items.map((item) => [key(item), name(item), item]);
    keyed.sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0));
    return keyed.map((entry) => entry[2]);
  }

  function plan(code) {
    let ids = study.trials.map((trial) => trial.id);
    if (study.assigned.length) {
      ids = study.assigned[study.subjects.indexOf(hash32("subject", code))].map((number) => ids[number]);
    }
    ids = sortedBy(ids, (id) => hash32(study.hash, code, "order", id));
    if (!study.assigned.length && study.each !== null) ids = ids.slice(0, study.each);
    const half = Math.ceil(ids.length / 2);
    const once = (id) => ({ trial: id, repeat: false });
    const late = ids.slice(half).map(once).concat(ids.slice(0, study.repeats).map((id) => ({ trial: id, repeat: true })));
    const later = sortedBy(late, (s) => hash32(study.hash, code, "late", s.trial, s.repeat ? "1" : "0"), (s) => s.trial);
    return ids.slice(0, half).map(once).concat(later).map((step) => {
      const place = (name) => hash32(study.hash, code, "place", step.trial, name);
      const shown = sortedBy(trials.get(step.trial).pictures, place);
      return { ...step, shown: step.repeat ? shown.reverse() : shown };
    });
  }
  window.studyPlan = plan;

  // ----------------------------------------------------------------------------------------- keeping

  const place = () => `bokehbench.study.${study.hash}.${session.code}`;

  function keep() {
    try {
      localStorage.setItem(place(), JSON.stringify(session));
      return true;
    } catch {
      return false;
    }
  }

  function recall(code) {
    try {
      const held = JSON.parse(localStorage.getItem(`bokehbench.study.${study.hash}.${code}`));
      return held && held.code === code && Array.isArray(held.answers) ? held : null;
    } catch {
      return null;
    }
  }

  function content() {
    return JSON.stringify({
      schema: "bokehbench.answers/1", study: study.hash, code: session.code, started: session.started,
      saved: new Date().toISOString(), consent: session.consent, screen: [window.innerWidth, window.innerHeight],
      answers: session.answers,
    }, null, 1) + "\n";
  }

  function save() {
    const address = URL.createObjectURL(new Blob([content()], { type: "application/json" }));
    const link = make("a", { href: address, download: `answers-${study.hash.slice(0, 8)}-${session.code}.json` });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
  }

  // ----------------------------------------------------------------------------------------- screens

  function screen(name, heading) {
    for (const id of ["welcome", "pause", "trial", "end"]) $(id).hidden = id !== name;
    window.scrollTo(0, 0);
    if (heading) $(heading).focus({ preventScroll: true });
  }

  function welcome() {
    const number = study.each ?? study.trials.length;
    const asked = number + study.repeats;
    $("intro").textContent = `${study.question} You will be asked about ${asked} ${asked === 1 ? "picture" : "sets of pictures"}.`;
    if (rating) $("intro").textContent = `${study.question} You will be shown ${asked} pictures, one after another.`;
    const cross = study.trials.some((trial) => trial.focus);
    const lines = [
      "Beside each stands the input: the same view with everything sharp.",
      cross && "The cross marks what the lens is focused on: it should stay sharp, what is nearer or farther should blur.",
      "Click or tap a picture to see it large. “Show input” puts the input in its place.",
      "Your answers are kept in this browser, so that you can pause and go on later with the same code.",
      "There are no right answers. Please use the largest screen you have, and do not rush.",
    ];
    $("howto").append(...lines.filter(Boolean).map((line) => make("li", {}, line)));
    if (study.consent) {
      $("consent").append(...study.consent.split(/\n\s*\n/).map((part) => make("p", {}, part)));
      $("consent").hidden = $("agree-line").hidden = false;
    }
    $("code-help").textContent = study.subjects.length
      ? "As given to you."
      : "Letters and digits of your choice, not your name; the same again to go on later.";
    const given = new URLSearchParams(location.hash.slice(1)).get("code");
    if (given) $("code").value = given.toUpperCase();
    screen("welcome");
  }

  function enter(event) {
    event.preventDefault();
    const code = $("code").value.trim().toUpperCase();
    const problem = (text) => { $("problem").textContent = text; };
    if (!/^[A-Z0-9_-]{1,32}$/.test(code)) return problem("A code has 1 to 32 letters, digits, - or _.");
    if (study.subjects.length && !study.subjects.includes(hash32("subject", code))) return problem("This study has no such code.");
    if (study.consent && !$("agree").checked) return problem("Please read the text above and agree to it first.");
    problem("");
    session = recall(code) ?? { code, started: new Date().toISOString(), consent: Boolean(study.consent), answers: [] };
    steps = plan(code);
    if (session.answers.length) pause("Welcome back", `${session.answers.length} of ${steps.length} answered.`);
    else forward();
  }

  function pause(title, text) {
    stopClock();
    rested = session.answers.length;
    $("pause-title").textContent = title;
    $("pause-text").textContent = text;
    $("kept").textContent = keep()
      ? "You may close this page; your answers are kept in this browser."
      : "This browser cannot keep your answers: save them before you close this page.";
    screen("pause", "pause-title");
  }

  function forward() {
    const done = session.answers.length;
    if (done === steps.length) {
      $("text").value = content();
      return screen("end", "end-title");
    }
    if (study.break_every && done && done % study.break_every === 0 && rested !== done) {
      return pause("Time for a short break", `${done} of ${steps.length} answered.`);
    }
    ask(steps[done]);
  }

  // --------------------------------------------------------------------------------------- a question

  const file = (name) => `pictures/${name}.png`;
  const letter = (index) => String.fromCharCode(65 + index);

  function cross(focus) {
    const holder = make("div");
    const line = "M16 4v8M16 20v8M4 16h8M20 16h8";
    holder.innerHTML = `<svg class="cross" viewBox="0 0 32 32" role="img" aria-label="Focus"><path class="rim" d="${line}"/><path d="${line}"/></svg>`;
    holder.firstChild.style.left = `${100 * focus[0]}%`;
    holder.firstChild.style.top = `${100 * focus[1]}%`;
    return holder.firstChild;
  }

  function frame(views, index, extra = []) {
    const view = views[index];
    const image = make("img", { src: file(view.name), alt: view.label, draggable: "false" });
    return make("button", { type: "button", class: "frame", "aria-label": `${view.label}: show large`, onclick: () => enlarge(views, index) }, image, ...extra);
  }

  // Columns and rows: one row up to three, two by two, else the input above what is to be judged.
  function grid(fixed, judged) {
    if (fixed + judged <= 4) return fixed + judged === 4 ? [2, 2] : [fixed + judged, 1];
    const columns = Math.max(fixed, judged <= 4 ? judged : Math.ceil(judged / 2));
    return [columns, 1 + Math.ceil(judged / columns)];
  }

  function ask(step) {
    const trial = trials.get(step.trial);
    const views = [{ name: trial.input, label: "Input" }];
    if (trial.disparity) views.push({ name: trial.disparity, label: "Depth (near is bright)" });
    const fixed = views.length;
    step.shown.forEach((name, i) => views.push({ name, label: step.shown.length > 1 ? `Picture ${letter(i)}` : "Picture" }));
    const figures = views.map((view, i) => {
      const judged = i >= fixed;
      const extra = judged ? [make("img", { src: file(trial.input), alt: "", class: "over", draggable: "false" })] : [];
      if (!judged && trial.focus) extra.push(cross(trial.focus));
      const caption = judged && !rating ? pick("choice", view.name, view.label, String(i - fixed + 1)) : view.label;
      return make("figure", { class: judged ? "judged" : "input", "data-name": view.name }, frame(views, i, extra), make("figcaption", {}, caption));
    });
    const count = figures.length;
    $("pictures").replaceChildren(...figures);
    $("pictures").className = count > 4 ? "many" : "";
    const [columns, rows] = grid(fixed, step.shown.length);
    $("pictures").style.setProperty("--columns", columns);
    figures[fixed].classList.toggle("first", count > 4);
    $("pictures").style.setProperty("--room", `${Math.round((rating ? 58 : 66) / rows)}vh`);
    $("pictures").style.setProperty("--aspect", trial.size[0] / trial.size[1]);
    criteria = rating ? study.criteria.filter((criterion) => trial.focus || !criterion.needs_focus) : [];
    $("answers").replaceChildren(...questions());
    $("question").textContent = study.question;
    $("count").textContent = `${session.answers.length + 1} of ${steps.length}`;
    $("progress").max = steps.length;
    $("progress").value = session.answers.length;
    $("back").disabled = session.answers.length === 0;
    $("hint").textContent = `Keys: ${rating ? `${keys[0]} to ${keys.at(-1)}` : `1 to ${step.shown.length}`}${study.ties ? ", 0 for equal" : ""}, then Enter`;
    peek(false);
    screen("trial", "question");
    update();
    startClock(step);
  }

  function pick(name, value, label, key) {
    const input = make("input", { type: "radio", name, value, onchange: update });
    return make("label", { class: "pick" }, input, label, key ? make("kbd", {}, key) : "");
  }

  function questions() {
    if (!rating) return study.ties ? [make("div", { class: "options" }, pick("choice", "tie", "Equally good", "0"))] : [];
    const labels = study.scale.labels;
    const ends = study.scale.numeric ? `${labels[0]} is worst, ${labels.at(-1)} is best` : "";
    return criteria.map((criterion, row) => {
      const text = [criterion.text, ends].filter(Boolean).join(" ");
      const head = criteria.length > 1 || criterion.name !== "quality" ? make("b", {}, criterion.name) : "";
      const options = labels.map((label, i) => pick(`r${row}`, label, label, digits ? "" : keys[i]));
      return make("fieldset", { "data-criterion": criterion.name }, make("legend", {}, head, make("span", {}, text)), make("div", { class: "options" }, ...options));
    });
  }

  const groups = () => (rating ? criteria.map((_, row) => `r${row}`) : ["choice"]);
  const chosen = (name) => document.querySelector(`#trial input[name="${name}"]:checked`)?.value ?? null;

  function update() {
    const open = groups().findIndex((name) => chosen(name) === null);
    $("next").disabled = open >= 0 || !ready;
    document.querySelectorAll("#answers fieldset").forEach((set, i) => set.classList.toggle("now", i === open && groups().length > 1));
    document.querySelectorAll("#pictures figure").forEach((f) => f.classList.toggle("chosen", !rating && f.dataset.name === chosen("choice")));
  }

  async function startClock(step) {
    shownAt = null;
    seen = 0;
    ready = false;
    const images = [...document.querySelectorAll("#pictures img")];
    await Promise.all(images.map((image) => image.decode().catch(() => null)));
    if (steps[session.answers.length] !== step || $("trial").hidden) return; // meanwhile another question
    const broken = images.some((image) => !image.naturalWidth);
    if (broken) $("question").textContent = "A picture of this question is missing. Please unpack the whole folder and reload.";
    else if (!document.hidden) shownAt = performance.now();
    ready = !broken;
    update();
    const next = steps[session.answers.length + 1];
    if (next) for (const name of [trials.get(next.trial).input, ...next.shown]) new Image().src = file(name);
  }

  function stopClock() {
    if (shownAt !== null) seen += performance.now() - shownAt;
    shownAt = null;
  }

  function answer() {
    if ($("next").disabled) return;
    stopClock();
    const step = steps[session.answers.length];
    const seconds = Math.round(seen) / 1000;
    const said = rating
      ? { choice: null, ratings: Object.fromEntries(criteria.map((c, row) => [c.name, chosen(`r${row}`)])) }
      : { choice: chosen("choice"), ratings: {} };
    session.answers.push({ trial: step.trial, repeat: step.repeat, shown: step.shown, ...said, seconds });
    keep();
    forward();
  }

  function back() {
    session.answers.pop();
    keep();
    ask(steps[session.answers.length]);
  }

  function peek(on) {
    $("pictures").classList.toggle("peeking", on);
    $("peek").setAttribute("aria-pressed", String(on));
  }

  // ------------------------------------------------------------------------------------ a large view

  let views = [];
  let viewed = 0;

  function enlarge(all, index) {
    views = all;
    viewed = (index + all.length) % all.length;
    $("large-image").src = file(views[viewed].name);
    $("large-image").alt = $("large-name").textContent = views[viewed].label;
    if (!$("large").open) $("large").showModal();
  }

  // ------------------------------------------------------------------------------------------ events

  function choose(digit) {
    if (!rating) {
      const inputs = [...document.querySelectorAll('#trial input[name="choice"]')];
      const wanted = digit === 0 ? inputs.find((i) => i.value === "tie") : inputs.filter((i) => i.value !== "tie")[digit - 1];
      wanted?.click();
      return;
    }
    const open = groups().find((name) => chosen(name) === null) ?? groups().at(-1);
    const inputs = [...document.querySelectorAll(`#trial input[name="${open}"]`)];
    inputs[keys.indexOf(String(digit))]?.click();
  }

  document.addEventListener("keydown", (event) => {
    if ($("trial").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    if ($("large").open) {
      if (event.key === "ArrowLeft") enlarge(views, viewed - 1);
      if (event.key === "ArrowRight") enlarge(views, viewed + 1);
      return;
    }
    if (/^[0-9]$/.test(event.key)) choose(Number(event.key));
    else if (event.key === "Enter" && !event.target.closest("button")) answer();
    else if (event.key.toLowerCase() === "i" && !event.repeat) peek(!$("pictures").classList.contains("peeking"));
    else return;
    event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if ($("trial").hidden || !ready) return;
    if (document.hidden) stopClock();
    else if (shownAt === null) shownAt = performance.now();
  });
  $("enter").addEventListener("submit", enter);
  $("answers").addEventListener("submit", (event) => event.preventDefault());
  $("next").addEventListener("click", answer);
  $("back").addEventListener("click", back);
  $("peek").addEventListener("click", () => peek(!$("pictures").classList.contains("peeking")));
  $("stop").addEventListener("click", () => pause("Paused", `${session.answers.length} of ${steps.length} answered.`));
  $("resume").addEventListener("click", forward);
  $("save").addEventListener("click", save);
  $("save-part").addEventListener("click", save);
  $("before").addEventListener("click", () => enlarge(views, viewed - 1));
  $("after").addEventListener("click", () => enlarge(views, viewed + 1));
  $("scale").addEventListener("click", () => {
    const actual = $("stage").classList.toggle("actual");
    $("scale").textContent = actual ? "Whole picture" : "Actual pixels";
  });
  $("close").addEventListener("click", () => $("large").close());
  welcome();
})();
