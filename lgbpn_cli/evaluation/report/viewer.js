
  // Viewer: every stage shows the same point of the photo in its middle, at the same zoom -------------------
  function place() {
    state.zoom = Math.min(ZOOM_LARGEST, Math.max(ZOOM_SMALLEST, state.zoom));
    state.x = Math.min(state.width, Math.max(0, state.x));
    state.y = Math.min(state.height, Math.max(0, state.y));
    for (const stage of document.querySelectorAll(".stage")) {
      const left = stage.clientWidth / 2 - state.x * state.zoom, top = stage.clientHeight / 2 - state.y * state.zoom;
      for (const picture of stage.querySelectorAll("img, canvas")) {
        picture.style.transform = `translate(${left}px, ${top}px) scale(${state.zoom})`;
      }
    }
    byId("zoom").textContent = `${Math.round(100 * state.zoom)} %`;
    byId("divider").style.left = `${state.split}%`;
    byId("right-side").style.clipPath = `inset(0 0 0 ${state.split}%)`;
    byId("split").value = state.split;
  }

  function zoomBy(factor) {
    state.zoom *= factor;
    place();
  }

  function panBy(x, y) {
    state.x += x / state.zoom;
    state.y += y / state.zoom;
    place();
  }

  function splitAt(percent) {
    state.split = Math.min(100, Math.max(0, percent));
    place();
  }

  async function pixels(url) {
    const picture = new Image();
    picture.src = url;
    await picture.decode();
    const canvas = document.createElement("canvas");
    canvas.width = picture.naturalWidth;
    canvas.height = picture.naturalHeight;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(picture, 0, 0);
    return context.getImageData(0, 0, canvas.width, canvas.height);
  }

  async function showDifference(photo, label, other) {
    const [first, second] = await Promise.all([pixels(photo.layers[label]), pixels(photo.layers[other])]);
    if (state.photo !== photo || byId("right").value !== label) return;
    for (let index = 0; index < first.data.length; index += 1) {
      if (index % 4 !== 3) first.data[index] = DIFFERENCE_GAIN * Math.abs(first.data[index] - second.data[index]);
    }
    const canvas = byId("difference");
    canvas.width = first.width;
    canvas.height = first.height;
    canvas.getContext("2d").putImageData(first, 0, 0);
    canvas.setAttribute("data-ready", `${photo.name} ${label}`);
  }

  function showLayers() {
    const photo = state.photo, left = byId("left").value, right = byId("right").value;
    if (!photo || !photo.layers[left] || !photo.layers[right]) return;
    byId("left-picture").src = photo.layers[left];
    byId("right-picture").src = photo.layers[right];
    byId("left-caption").textContent = caption(photo, left);
    byId("right-caption").textContent = caption(photo, right);
    const other = photo.layers.reference && right !== "reference" ? "reference" : left;
    byId("difference-caption").textContent = `difference between ${right} and ${other}, ${DIFFERENCE_GAIN} times as strong`;
    showDifference(photo, right, other);
    place();
  }

  function caption(photo, label) {
    const value = (photo.scores[label] || {})[psnr];
    return typeof value === "number" ? `${label}, ${value.toFixed(2)} dB` : label;
  }

  function fill(select, names, wanted) {
    const kept = names.includes(select.value) ? select.value : wanted;
    select.replaceChildren();
    for (const name of names) element("option", name, select, { value: name });
    select.value = kept;
  }

  function choose(photo) {
    state.photo = photo;
    byId("photo-name").textContent = photo.name;
    const names = Object.keys(photo.layers), there = names.length > 1;
    byId("stages").hidden = !there;
    byId("no-pictures").hidden = there;
    if (there) {
      [state.width, state.height] = [photo.crop[2], photo.crop[3]];
      [state.x, state.y] = [state.width / 2, state.height / 2];
      const stage = byId("compare"), fit = Math.min(stage.clientWidth / state.width, stage.clientHeight / state.height);
      if (!state.zoom) state.zoom = Math.floor(fit); // whole steps show pixels as squares
      fill(byId("left"), names, names[0]);
      fill(byId("right"), names, names[1]);
      byId("reference-figure").hidden = !photo.layers.reference;
      byId("reference-picture").src = photo.layers.reference || "data:,";
      if (!photo.layers.reference) byId("reference-picture").removeAttribute("src");
      showLayers();
    }
    showCorrelation(photo);
    const facts = byId("photo-facts"), [left, top, width, height] = photo.crop;
    facts.textContent = `${photo.size[0]} x ${photo.size[1]} px`;
    if (there) facts.textContent += `; shown: ${width} x ${height} px from (${left}, ${top}). JPEG copies for viewing, which no figure is from.`;
    for (const [label, url] of Object.entries(photo.files)) {
      facts.append(" ");
      element("a", `whole file: ${label}`, facts, { href: url });
    }
    markChosen();
  }

  function step(by) {
    const order = sorted(), index = order.indexOf(state.photo);
    choose(order[(index + by + order.length) % order.length]);
  }

  // Hands ---------------------------------------------------------------------------------------------------
  function listen() {
    byId("split").addEventListener("input", (event) => splitAt(Number(event.target.value)));
    byId("zoom-in").addEventListener("click", () => zoomBy(ZOOM_STEP));
    byId("zoom-out").addEventListener("click", () => zoomBy(1 / ZOOM_STEP));
    byId("zoom-reset").addEventListener("click", () => zoomBy(1 / state.zoom));
    byId("next").addEventListener("click", () => step(1));
    byId("previous").addEventListener("click", () => step(-1));
    byId("left").addEventListener("change", showLayers);
    byId("right").addEventListener("change", showLayers);
    byId("method").addEventListener("change", showFiles);
    window.addEventListener("resize", place);
    byId("compare").addEventListener("keydown", (event) => {
      const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!ways) return;
      event.preventDefault();
      if (event.shiftKey && ways[0]) splitAt(state.split + 2 * ways[0]);
      else panBy(PAN_PX * ways[0], PAN_PX * ways[1]);
    });
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "SELECT") return;
      const action = {
        "+": () => zoomBy(ZOOM_STEP), "=": () => zoomBy(ZOOM_STEP), "-": () => zoomBy(1 / ZOOM_STEP),
        0: () => zoomBy(1 / state.zoom), n: () => step(1), p: () => step(-1),
      }[event.key];
      if (action) action();
    });
    for (const stage of document.querySelectorAll(".stage")) drag(stage);
  }

  function drag(stage) {
    const fingers = new Map();
    const apart = () => {
      const [one, two] = [...fingers.values()];
      return Math.hypot(one.x - two.x, one.y - two.y) || 1;
    };
    stage.addEventListener("pointerdown", (event) => {
      stage.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY, splits: event.target.id === "divider" });
    });
    stage.addEventListener("pointermove", (event) => {
      const finger = fingers.get(event.pointerId);
      if (!finger) return;
      const before = fingers.size === 2 ? apart() : 0, { x, y } = finger;
      [finger.x, finger.y] = [event.clientX, event.clientY];
      const box = stage.getBoundingClientRect();
      if (fingers.size === 2) zoomBy(apart() / before);
      else if (finger.splits) splitAt((100 * (event.clientX - box.left)) / box.width);
      else panBy(x - event.clientX, y - event.clientY);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      stage.addEventListener(end, (event) => fingers.delete(event.pointerId));
    }
    stage.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return; // the wheel alone scrolls the page
      event.preventDefault();
      zoomBy(event.deltaY < 0 ? ZOOM_STEP : 1 / ZOOM_STEP);
    }, { passive: false });
  }

  byId("intro").textContent = data.intro;
  byId("facts").textContent = data.facts;
  for (const text of data.problems) element("li", text, byId("problems"));
  byId("problems-count").textContent = data.problems.length;
  byId("problems-section").hidden = data.problems.length === 0;
  for (const label of compared.length ? compared : labels) element("option", label, byId("method"), { value: label });
  [state.sortBy, state.falling] = data.hasReference ? [psnr, false] : ["edge_structure", true];
  if (!data.hasReference) byId("summary-section").before(byId("viewer-section")); // few figures say much there
  showSummary();
  showScatter();
  showFiles();
  listen();
  if (data.photos.length) choose(sorted()[0]);
})();
