// The Avatar tab: examples, points that are set on a picture, and what comes into sight after a press.
(() => {
  // An example takes the place of the text.
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-fill]");
    const box = button && document.querySelector(`#${button.dataset.fill} textarea`);
    if (!box) return;
    box.value = button.dataset.text;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.focus();
  });

  // Points: clicks set them in their order; once all are there, a click moves the nearest one.
  class Points {
    constructor(face) {
      this.face = face;
      this.names = face.dataset.asks.split(" | ");
      this.size = [Number(face.dataset.width), Number(face.dataset.height)];
      this.all = this.names.map(() => null); // [x, y], pixels of the picture
      this.panel = face.parentElement.querySelector(".timbre-points");
      this.says = this.panel.querySelector("[data-says]");
      this.done = this.panel.querySelector("[data-points-done]");
      face.addEventListener("click", (event) => this.click(event));
      this.panel.addEventListener("input", (event) => this.type(event.target));
      this.panel.querySelector("[data-points-clear]").addEventListener("click", () => {
        this.all = this.names.map(() => null);
        this.show();
      });
      this.done.addEventListener("click", () => this.tell());
      this.show();
    }

    get next() { return this.all.findIndex((point) => point === null); }

    click(event) {
      const here = this.face.getBoundingClientRect();
      const at = [(event.clientX - here.left) / here.width, (event.clientY - here.top) / here.height]
        .map((share, axis) => Math.round(10 * Math.min(1, Math.max(0, share)) * this.size[axis]) / 10);
      const away = (point) => Math.hypot(point[0] - at[0], point[1] - at[1]);
      const place = this.next >= 0 ? this.next
        : this.all.reduce((best, point, i) => (away(point) < away(this.all[best]) ? i : best), 0);
      this.all[place] = at;
      this.show();
    }

    type(field) {
      const place = Number(field.dataset.point);
      const pair = ["x", "y"].map((axis) => this.field(place, axis).value);
      const known = pair.every((value, axis) => value !== "" && value >= 0 && value <= this.size[axis]);
      this.all[place] = known ? pair.map(Number) : null;
      this.show(field);
    }

    field(place, axis) { return this.panel.querySelector(`[data-point="${place}"][data-axis="${axis}"]`); }

    // `typed`: the field that is being typed in, and left alone.
    show(typed) {
      const svg = this.face.querySelector("svg");
      svg.replaceChildren(...this.all.flatMap((point) => {
        if (!point) return [];
        const dot = document.createElementNS("http://www.w3.org/2000/svg", "circle");
        const values = { cx: point[0], cy: point[1], r: this.face.dataset.dot };
        for (const [name, value] of Object.entries(values)) dot.setAttribute(name, value);
        return [dot];
      }));
      this.all.forEach((point, place) => ["x", "y"].forEach((axis, i) => {
        const field = this.field(place, axis);
        if (field.dataset.point !== typed?.dataset.point) field.value = point ? point[i] : "";
      }));
      this.done.disabled = this.next >= 0;
      this.says.textContent = this.next >= 0 ? `Click ${this.names[this.next]} on the picture.`
        : "A click moves the nearest point. Then press “Use these points”.";
    }

    tell() {
      const box = document.querySelector(`#${this.done.dataset.box} :is(textarea, input)`);
      box.value = `points ${this.all.flat().join(" ")} ${Date.now()}`;
      box.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }

  const scan = () => {
    for (const face of document.querySelectorAll(".timbre-face[data-asks]:not([data-alive])")) {
      face.dataset.alive = "1";
      new Points(face);
    }
  };
  new MutationObserver(scan).observe(document.documentElement, { childList: true, subtree: true });

  // A video of the list is shown above it.
  let wanted = false;
  document.addEventListener("click", (event) => {
    if (event.target.closest?.(".timbre-card")) wanted = true;
  });
  window.timbreVideoPressed = () => {
    if (wanted) document.getElementById("avatar-making").scrollIntoView({ block: "nearest" });
    wanted = false;
  };

  // The settings of an earlier video fill the form.
  window.timbreReused = (view) => {
    window.timbreView(view);
    document.getElementById("avatar-step-face").scrollIntoView({ block: "nearest" });
  };
})();
