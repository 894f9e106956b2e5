// A recording's outline with a part that can be chosen. tabs/waveform.py writes the element:
//
//   <div class="timbre-waveform" data-duration="12.3" data-peaks="-5,7,..." data-src="gradio_api/file=..."
//        data-start="1" data-end="9" data-start-box="voices-start" data-end-box="voices-end">
//
// data-start-box and data-end-box are the elem_ids of two gr.Textbox that hold the part in seconds: the
// handles write into them, and what is typed there moves the handles. Without them nothing can be
// chosen. Everything else in the element, marks such as a joint too, is placed by style in percent.
(() => {
  const LEAST_S = 0.1; // the shortest part
  const GRAB_PX = 14; // as near as this a press takes the handle, and does not begin a new part
  const STEPS = { ArrowLeft: -0.05, ArrowDown: -0.05, ArrowRight: 0.05, ArrowUp: 0.05, PageDown: -1, PageUp: 1 };

  const inBox = (id) => id && document.querySelector(`#${id} :is(textarea, input)`);
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  let playing = null; // one is heard at a time, of the page's other players as well
  window.addEventListener("timbre-plays", (event) => {
    if (event.detail !== playing) playing?.pause();
  });

  class Waveform {
    constructor(element) {
      this.element = element;
      this.duration = Number(element.dataset.duration);
      this.peaks = element.dataset.peaks.split(",").map(Number);
      this.stage = element.querySelector(".timbre-wave-stage");
      this.handles = {};
      for (const handle of element.querySelectorAll("[role=slider]")) {
        this.handles[handle.dataset.edge] = handle;
        handle.addEventListener("keydown", (event) => this.key(event, handle.dataset.edge));
      }
      this.start = Number(element.dataset.start);
      this.end = Number(element.dataset.end);
      if (this.handles.start) this.listen();
      const play = element.querySelector(".timbre-wave-play");
      if (play) play.addEventListener("click", () => this.toggle(play));
      new ResizeObserver(() => this.draw()).observe(this.stage);
      this.place();
    }

    draw() {
      const canvas = this.stage.querySelector("canvas");
      const ratio = window.devicePixelRatio || 1;
      const width = Math.round(this.stage.clientWidth * ratio);
      const height = Math.round(this.stage.clientHeight * ratio);
      if (!width || !height) return; // not in sight yet
      canvas.width = width; canvas.height = height;
      const ink = canvas.getContext("2d");
      ink.fillStyle = getComputedStyle(canvas).color;
      const bins = this.peaks.length / 2, middle = height / 2;
      for (let bin = 0; bin < bins; bin++) {
        const low = this.peaks[2 * bin] / 100, high = this.peaks[2 * bin + 1] / 100;
        const top = middle - high * middle, tall = Math.max(ratio, (high - low) * middle);
        ink.fillRect(bin * width / bins, top, Math.max(1, width / bins - 0.5 * ratio), tall);
      }
    }

    // Shades, handles and words say what is chosen.
    place() {
      const share = (s) => `${100 * s / this.duration}%`;
      for (const [edge, handle] of Object.entries(this.handles)) {
        const at = this[edge];
        handle.style.left = share(at);
        handle.setAttribute("aria-valuenow", at.toFixed(2));
        handle.setAttribute("aria-valuetext", `${at.toFixed(2)} seconds`);
      }
      this.shade(".timbre-wave-before", share(this.start));
      this.shade(".timbre-wave-after", share(this.duration - this.end));
      const said = this.element.querySelector(".timbre-wave-part");
      const part = (this.end - this.start).toFixed(2);
      if (said) said.textContent = `${this.start.toFixed(2)} s to ${this.end.toFixed(2)} s, ${part} s long`;
    }

    shade(selector, width) {
      const shade = this.stage.querySelector(selector);
      if (shade) shade.style.width = width;
    }

    choose(start, end) {
      this.start = clamp(start, 0, Math.max(0, this.duration - LEAST_S));
      this.end = clamp(end, Math.min(this.start + LEAST_S, this.duration), this.duration);
      this.place();
    }

    move(edge, to) {
      if (edge === "start") this.choose(Math.min(to, this.end - LEAST_S), this.end);
      else this.choose(this.start, Math.max(to, this.start + LEAST_S));
    }

    // Into the boxes, for the page to hear of.
    tell() {
      for (const edge of ["start", "end"]) {
        const box = inBox(this.element.dataset[`${edge}Box`]);
        const text = this[edge].toFixed(2);
        if (!box || box.value === text) continue;
        box.value = text;
        box.dispatchEvent(new Event("input", { bubbles: true }));
      }
    }

    // What somebody typed into a box.
    hear(edge, text) {
      const typed = Number(text.trim().replace(",", "."));
      if (text.trim() === "") this.move(edge, edge === "start" ? 0 : this.duration);
      else if (Number.isFinite(typed) && typed >= 0) this.move(edge, typed);
    }

    key(event, edge) {
      const far = { Home: 0, End: this.duration }[event.key];
      const step = STEPS[event.key];
      if (step === undefined && far === undefined) return;
      event.preventDefault();
      this.move(edge, far ?? this[edge] + step * (event.shiftKey ? 10 : 1));
      clearTimeout(this.soon);
      this.soon = setTimeout(() => this.tell(), 150); // a held key moves many times
    }

    listen() {
      const at = (event) => {
        const box = this.stage.getBoundingClientRect();
        return clamp((event.clientX - box.left) / box.width, 0, 1) * this.duration;
      };
      const pixels = (s) => s / this.duration * this.stage.clientWidth;
      let drag = null;
      this.stage.addEventListener("pointerdown", (event) => {
        if (event.button) return;
        const here = at(event);
        const near = Object.keys(this.handles)
          .map((edge) => [Math.abs(pixels(this[edge] - here)), edge])
          .sort(([one], [other]) => one - other)[0];
        drag = { from: here, edge: near[0] <= GRAB_PX ? near[1] : null };
        if (drag.edge) this.handles[drag.edge].focus({ preventScroll: true });
        this.stage.setPointerCapture(event.pointerId);
        event.preventDefault();
      });
      this.stage.addEventListener("pointermove", (event) => {
        if (!drag) return;
        const here = at(event);
        if (drag.edge) this.move(drag.edge, here);
        else if (drag.drawn || Math.abs(pixels(here - drag.from)) > 4) {
          drag.drawn = true;
          this.choose(Math.min(here, drag.from), Math.max(here, drag.from));
        }
      });
      const done = () => {
        if (drag && (drag.edge || drag.drawn)) this.tell();
        drag = null;
      };
      this.stage.addEventListener("pointerup", done);
      this.stage.addEventListener("pointercancel", done);
      this.stage.addEventListener("dblclick", () => { this.choose(0, this.duration); this.tell(); });
    }

    toggle(button) {
      if (this.sound && !this.sound.paused) return this.sound.pause();
      this.sound ??= new Audio(this.element.dataset.src);
      const cursor = this.stage.querySelector(".timbre-wave-cursor");
      const { sound, end } = this;
      const follow = () => {
        if (!this.element.isConnected || sound.currentTime >= end) sound.pause();
        cursor.style.left = `${100 * sound.currentTime / this.duration}%`;
        cursor.hidden = sound.paused;
        this.element.dataset.heard = sound.currentTime.toFixed(2);
        if (!sound.paused) requestAnimationFrame(follow);
      };
      sound.onplay = () => {
        if (playing !== sound) playing?.pause();
        playing = sound;
        window.dispatchEvent(new CustomEvent("timbre-plays", { detail: sound }));
        button.textContent = "Pause";
        requestAnimationFrame(follow);
      };
      sound.onpause = () => { button.textContent = button.dataset.label; cursor.hidden = true; };
      sound.onerror = () => { button.textContent = "This browser cannot play it"; };
      sound.currentTime = this.start;
      sound.play().catch(() => {}); // onerror says it
    }
  }

  const alive = new WeakMap();
  const scan = () => {
    for (let element of document.querySelectorAll(".timbre-waveform:not([data-alive])")) {
      if (alive.has(element)) { // Gradio has written another recording into it
        const fresh = element.cloneNode(true);
        element.replaceWith(fresh);
        element = fresh;
      }
      element.dataset.alive = "1";
      alive.set(element, new Waveform(element));
    }
  };
  new MutationObserver(scan).observe(document.documentElement, {
    childList: true, subtree: true, attributeFilter: ["data-alive"],
  });

  document.addEventListener("input", (event) => {
    if (!event.isTrusted) return; // our own
    for (const element of document.querySelectorAll(".timbre-waveform[data-alive]")) {
      for (const edge of ["start", "end"]) {
        const id = element.dataset[`${edge}Box`];
        if (id && event.target.closest?.(`#${id}`)) alive.get(element)?.hear(edge, event.target.value);
      }
    }
  });

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    setTimeout(() => { // once the page has changed its colours
      for (const element of document.querySelectorAll(".timbre-waveform")) alive.get(element)?.draw();
    }, 100);
  });
})();
