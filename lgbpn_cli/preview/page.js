"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const state = { split: 50 };
  const stages = [];

  function element(tag, parent, text, attributes) {
    const made = document.createElement(tag);
    if (text) made.textContent = text;
    for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
    parent.append(made);
    return made;
  }

  const way = (key) => data.ways.find((each) => each.key === key);

  async function copy(text, button) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = element("textarea", document.body);
      area.value = text;
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    button.classList.add("copied");
    setTimeout(() => button.classList.remove("copied"), 1200);
  }

  function show() {
    const left = byId("left").value, right = byId("right").value, zoom = Number(byId("zoom").value);
    for (const { place, pictures, captions, figures } of stages) {
      [left, right].forEach((key, index) => {
        const picture = pictures[index];
        picture.src = place.pictures[key];
        picture.style.width = `${place.width * zoom}px`;
        picture.style.height = `${place.height * zoom}px`;
        picture.style.transform = "translate(-50%, -50%)";
        captions[index].textContent = way(key).name;
      });
      for (const [key, figure] of Object.entries(figures)) figure.classList.toggle("chosen", key === right);
    }
    byId("command").textContent = way(right).command || "the photo as it is";
    byId("copy").hidden = !way(right).command;
    split(state.split);
  }

  function split(percent) {
    state.split = Math.min(100, Math.max(0, percent));
    byId("split").value = state.split;
    for (const { rightSide, divider } of stages) {
      rightSide.style.clipPath = `inset(0 0 0 ${state.split}%)`;
      divider.style.left = `${state.split}%`;
    }
  }

  function choose(key) {
    byId("right").value = key;
    show();
  }

  function addPlace(place) {
    const section = element("section", byId("places"), "", { class: "place" });
    const title = element("h2", section, `${place.name} `);
    element("small", title, `at ${place.x},${place.y}`);
    const stage = element("div", section, "", { class: "stage" });
    const sides = ["left", "right"].map((name) => element("div", stage, "", { class: `side ${name}` }));
    const pictures = sides.map((side) => element("img", side, "", { alt: "", draggable: "false" }));
    const divider = element("div", stage, "", { class: "divider" });
    const line = element("div", section, "", { class: "captions" });
    const captions = [element("span", line), element("span", line)];
    const strip = element("div", section, "", { class: "strip" }), figures = {};
    for (const { key, name, flags, command } of data.ways) {
      const figure = element("figure", strip);
      const button = element("button", figure, "", { type: "button", class: "show", title: `show ${name}` });
      element("img", button, "", { src: place.pictures[key], alt: name });
      element("figcaption", figure, name);
      if (command) {
        const copier = element("button", figure, "", { type: "button", class: "flags", title: command });
        for (const flag of flags ? flags.split(/ (?=--)/) : ["no flags"]) {
          element("span", copier, flag);
          copier.append(" ");
        }
        copier.addEventListener("click", () => copy(command, copier));
      }
      button.addEventListener("click", () => choose(key));
      figures[key] = figure;
    }
    const follow = (event) => {
      const box = stage.getBoundingClientRect();
      split((100 * (event.clientX - box.left)) / box.width);
    };
    stage.addEventListener("pointerdown", (event) => {
      stage.setPointerCapture(event.pointerId);
      follow(event);
    });
    stage.addEventListener("pointermove", (event) => {
      if (event.buttons) follow(event);
    });
    stages.push({ place, pictures, captions, figures, divider, rightSide: sides[1] });
  }

  document.title = `lgbpn preview: ${data.photo}`;
  byId("title").textContent = data.photo;
  byId("intro").textContent = data.intro;
  for (const side of ["left", "right"]) {
    for (const { key, name } of data.ways) element("option", byId(side), name, { value: key });
    byId(side).addEventListener("change", show);
  }
  byId("right").value = data.ways[1].key;
  byId("zoom").value = window.devicePixelRatio > 1.5 || innerWidth < 700 ? "1" : "2";
  byId("zoom").addEventListener("change", show);
  byId("split").addEventListener("input", (event) => split(Number(event.target.value)));
  byId("copy").addEventListener("click", () => copy(way(byId("right").value).command, byId("copy")));
  data.places.forEach(addPlace);
  show();
})();
