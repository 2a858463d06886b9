"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const COLOURS = ["#d1495b", "#0a7f8f", "#b7791f", "#6a4c93", "#3a7d44", "#5b6c7d"];
  const ZOOM_SMALLEST = 1, ZOOM_LARGEST = 8, ZOOM_STEP = 1.25, PAN_PX = 40, DIFFERENCE_GAIN = 8;
  const COMPARISONS_IN_SIGHT = 3;
  const byId = (id) => document.getElementById(id);
  const labels = data.methods.map((method) => method.label);
  const compared = labels.slice(1);
  const psnr = "psnr_db";
  const state = { photo: null, zoom: 0, x: 0, y: 0, split: 50, width: 0, height: 0, sortBy: null, falling: false };

  function element(name, text, parent, attributes = {}) {
    const made = document.createElement(name);
    if (text !== null) made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (parent) parent.append(made);
    return made;
  }

  function drawing(name, attributes, parent, text = null) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== null) made.textContent = text;
    if (parent) parent.append(made);
    return made;
  }

  const shown = (value, decimals) =>
    typeof value === "number" ? value.toFixed(decimals) : typeof value === "boolean" ? (value ? "yes" : "no") : "–";

  // Tables ------------------------------------------------------------------------------------------------
  function showSummary() {
    const table = byId("summary"), head = element("tr", null, element("thead", null, table));
    for (const title of data.summary.titles) element("th", title, head, { scope: "col" });
    const body = element("tbody", null, table);
    for (const row of data.summary.rows) {
      const line = element("tr", null, body);
      for (const cell of row) element("td", cell, line);
    }
    for (const text of data.alarms) element("li", text, byId("alarms"));
    for (const text of data.comparisons) element("li", text, byId("comparisons"));
    byId("comparisons-title").textContent = `Method against method, photo by photo (${data.comparisons.length})`;
    byId("comparisons-box").hidden = data.comparisons.length === 0;
    byId("comparisons-box").open = data.comparisons.length <= COMPARISONS_IN_SIGHT;
  }

  function columns() {
    const found = [{ key: "photo", title: "photo", decimals: 0 }];
    if (data.hasReference) {
      found.push({ key: "before", title: "noisy dB", decimals: 2 }, { key: "gain", title: "gain dB", decimals: 2 });
    }
    for (const figure of data.figures) found.push({ key: figure.key, title: figure.title, decimals: figure.decimals });
    return found;
  }

  function valueOf(photo, key) {
    const score = photo.scores[byId("method").value] || {}, before = (photo.scores[labels[0]] || {})[psnr];
    if (key === "photo") return photo.name;
    if (key === "before") return before;
    if (key === "gain") return typeof score[psnr] === "number" && typeof before === "number" ? score[psnr] - before : null;
    return score[key];
  }

  function sorted() {
    const order = state.falling ? -1 : 1;
    return [...data.photos].sort((first, second) => {
      const one = valueOf(first, state.sortBy), other = valueOf(second, state.sortBy);
      const oneMissing = one === null || one === undefined, otherMissing = other === null || other === undefined;
      if (oneMissing || otherMissing) return oneMissing - otherMissing;
      return order * (typeof one === "string" ? one.localeCompare(other, "en", { numeric: true }) : one - other);
    });
  }

  function showFiles() {
    const table = byId("files");
    table.replaceChildren();
    const head = element("tr", null, element("thead", null, table));
    for (const column of columns()) {
      const chosen = column.key === state.sortBy;
      const direction = !chosen ? "none" : state.falling ? "descending" : "ascending";
      const title = element("th", null, head, { scope: "col", "aria-sort": direction });
      const mark = chosen ? (state.falling ? " ▼" : " ▲") : "";
      const button = element("button", column.title + mark, title, { type: "button", "data-key": column.key });
      button.addEventListener("click", () => {
        state.falling = chosen ? !state.falling : false;
        state.sortBy = column.key;
        showFiles();
        table.querySelector(`[data-key="${column.key}"]`).focus();
      });
    }
    const body = element("tbody", null, table);
    for (const photo of sorted()) {
      const line = element("tr", null, body, { "data-photo": photo.name });
      for (const column of columns()) {
        const cell = element("td", null, line);
        if (column.key !== "photo") cell.textContent = shown(valueOf(photo, column.key), column.decimals);
        else {
          const button = element("button", photo.name, cell, { type: "button" });
          button.addEventListener("click", () => {
            choose(photo);
            byId("viewer-title").scrollIntoView();
          });
        }
      }
    }
    markChosen();
  }

  function markChosen() {
    for (const line of document.querySelectorAll("[data-photo]")) {
      line.classList.toggle("chosen", Boolean(state.photo) && line.getAttribute("data-photo") === state.photo.name);
    }
  }

  // Plots -------------------------------------------------------------------------------------------------
  function legend(parent, names) {
    const box = element("div", null, parent, { class: "legend" });
    names.forEach((name, index) => {
      const entry = element("span", null, box);
      element("i", "", entry).style.background = COLOURS[index % COLOURS.length];
      entry.append(name);
    });
  }

  // Round numbers of the range, at least three of them, with the decimals they need.
  function ticks(low, high) {
    const widest = (high - low || 1) / 3, power = 10 ** Math.floor(Math.log10(widest) + 1e-9);
    const step = power * [5, 2, 1].find((factor) => factor * power <= widest * (1 + 1e-9)), values = [];
    for (let count = Math.ceil(low / step - 1e-9); count * step <= high + step * 1e-9; count += 1) values.push(count * step);
    return values.map((value) => [value, value.toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)))]);
  }

  function frame(parent, width, height, label, left, right, low, high, xTitle, yTitle) {
    const svg = drawing("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, parent);
    const x = (value) => 42 + ((value - left) / (right - left || 1)) * (width - 54);
    const y = (value) => height - 32 - ((value - low) / (high - low || 1)) * (height - 54);
    drawing("path", { class: "axis", d: `M42 22V${height - 32}H${width - 12}` }, svg);
    for (const [value, text] of ticks(left, right)) {
      drawing("text", { class: "tick", x: x(value), y: height - 19, "text-anchor": "middle" }, svg, text);
    }
    for (const [value, text] of ticks(low, high)) {
      drawing("text", { class: "tick", x: 37, y: y(value) + 4, "text-anchor": "end" }, svg, text);
    }
    drawing("text", { x: width / 2, y: height - 4, "text-anchor": "middle" }, svg, xTitle);
    drawing("text", { x: 4, y: 9 }, svg, yTitle);
    return { svg, x, y };
  }

  function showScatter() {
    const points = [];
    for (const photo of data.photos) {
      const before = (photo.scores[labels[0]] || {})[psnr];
      compared.forEach((label, index) => {
        const after = (photo.scores[label] || {})[psnr];
        if (typeof before === "number" && typeof after === "number") points.push({ photo, before, after, index, label });
      });
    }
    byId("scatter-section").hidden = points.length === 0;
    if (points.length === 0) return;
    const before = points.map((point) => point.before), after = points.map((point) => point.after);
    const left = Math.floor(Math.min(...before)), right = Math.ceil(Math.max(...before) + 0.01);
    const low = Math.floor(Math.min(...after, left)), high = Math.ceil(Math.max(...after) + 0.01);
    legend(byId("scatter"), compared);
    const plot = frame(byId("scatter"), 560, 380, "PSNR after against PSNR before", left, right, low, high, "noisy, dB", "result, dB");
    const end = Math.min(right, high);
    drawing("line", { class: "axis", "stroke-dasharray": "4 4", x1: plot.x(left), y1: plot.y(left), x2: plot.x(end), y2: plot.y(end) }, plot.svg);
    for (const point of points) {
      const place = { cx: plot.x(point.before), cy: plot.y(point.after), r: 5, fill: COLOURS[point.index % COLOURS.length] };
      const dot = drawing("circle", { ...place, "data-photo": point.photo.name }, plot.svg);
      drawing("title", {}, dot, `${point.photo.name}, ${point.label}: ${point.before.toFixed(2)} to ${point.after.toFixed(2)} dB`);
      dot.addEventListener("click", () => choose(point.photo));
    }
  }

  function showCorrelation(photo) {
    const box = byId("correlation"), noises = Object.entries(photo.correlation);
    box.replaceChildren();
    if (noises.length === 0) return;
    const values = noises.flatMap(([, sides]) => sides.flat()), reach = Math.max(...noises.map(([, sides]) => sides[0].length)) - 1;
    const low = Math.min(0, ...values), plot = frame(box, 420, 262, "noise correlation", 0, Math.max(reach, 1), low, 1, "distance, px", "correlation");
    noises.forEach(([, sides], index) => {
      sides.forEach((side, direction) => {
        const path = side.map((value, step) => `${step ? "L" : "M"}${plot.x(step).toFixed(1)} ${plot.y(value).toFixed(1)}`).join("");
        const look = { fill: "none", stroke: COLOURS[index % COLOURS.length], "stroke-width": 2 };
        drawing("path", { ...look, d: path, ...(direction ? { "stroke-dasharray": "5 4" } : {}) }, plot.svg);
      });
    });
    legend(box, noises.map(([name]) => name));
  }
