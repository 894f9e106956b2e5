// The Samples tab: one sentence over the epochs, and blind pairs. tabs/samples/across_view.py and blind_view.py
// write what is brought to life here. The server may send any of it anew while something plays.
(() => {
  const SENTENCE = "timbre-samples-sentence"; // which sentence of which epoch, over a reload
  const play = (sound) => sound.play().catch(() => {}); // another one has taken its place, or onerror says it

  // One is heard at a time, of the waveforms (assets/waveform.js) as well.
  let playing = null;
  window.addEventListener("timbre-plays", (event) => {
    if (event.detail !== playing) playing?.pause();
  });
  const alone = (sound) => {
    sound.addEventListener("play", () => {
      window.dispatchEvent(new CustomEvent("timbre-plays", { detail: sound }));
      playing = sound;
    });
    return sound;
  };

  // One sentence: the sound outlives the element that shows it.
  const heard = { sound: alone(new Audio()), run: "", source: "", going: false, share: 0 };
  let across = null;

  class Across {
    constructor(element) {
      this.element = element;
      this.sentences = JSON.parse(element.dataset.sentences);
      this.choice = element.querySelector("select");
      this.slider = element.querySelector("input[type=range]");
      this.button = element.querySelector(".timbre-wave-play");
      this.cursor = element.querySelector(".timbre-wave-cursor");
      this.choice.addEventListener("change", () => {
        heard.share = 0; // another text has no such place
        this.choose(this.at);
        this.remember();
      });
      this.slider.addEventListener("input", () => { this.move(); this.remember(); });
      this.slider.addEventListener("keydown", (event) => {
        if (event.key !== " ") return;
        event.preventDefault();
        this.toggle();
      });
      this.button.addEventListener("click", () => this.toggle());
      if (heard.run !== element.dataset.run) {
        heard.sound.pause();
        Object.assign(heard, { run: element.dataset.run, going: false, share: 0 });
      }
      const { run, sentence, epoch } = JSON.parse(sessionStorage.getItem(SENTENCE) || "{}");
      const known = run === element.dataset.run && this.sentences.some((each) => each.number === sentence);
      if (known) this.choice.value = String(sentence);
      this.choose(known ? epoch : Infinity);
    }

    get sentence() { return this.sentences.find((each) => String(each.number) === this.choice.value); }

    // The slider over the epochs of this sentence, at `epoch` or the last one before it.
    choose(epoch) {
      const { epochs } = this.sentence;
      const before = epochs.findLastIndex(([number]) => number <= epoch);
      this.slider.max = String(epochs.length - 1);
      this.slider.value = String(Math.max(0, before));
      this.element.querySelector(".timbre-sentence-text").textContent = this.sentence.text;
      this.move();
    }

    move() {
      const { number, epochs } = this.sentence;
      const [epoch, version, label] = epochs[this.slider.value];
      const place = `${this.element.dataset.address}${epoch}/${number}`;
      this.element.querySelector("output").textContent = label;
      this.slider.setAttribute("aria-valuetext", label);
      const picture = this.element.querySelector("img");
      picture.alt = `Spectrogram of sentence ${number}, ${label}`;
      picture.src = `${place}.png?v=${version}`;
      turn(`${place}.wav?v=${version}`);
      this.at = epoch;
      this.show();
    }

    // Whoever has not chosen an epoch gets the newest.
    remember() {
      const chosen = { run: this.element.dataset.run, sentence: this.sentence.number, epoch: this.at };
      sessionStorage.setItem(SENTENCE, JSON.stringify(chosen));
    }

    toggle() {
      heard.going = !heard.going;
      if (heard.going) play(heard.sound);
      else heard.sound.pause();
      this.remember();
      this.show();
    }

    show() {
      const { sound, going, share } = heard;
      this.button.textContent = sound.error ? "This browser cannot play it" : going ? "Pause" : "Play";
      this.cursor.hidden = !going && share === 0;
      this.cursor.style.left = `${100 * share}%`;
      const whole = sound.duration || 0;
      this.element.querySelector(".timbre-across-time").textContent
        = whole ? `${(share * whole).toFixed(1)} s of ${whole.toFixed(1)} s` : "";
      this.element.dataset.heard = share.toFixed(3);
    }
  }

  // Another sound, heard on from the same relative place if this one plays.
  const turn = (source) => {
    if (source === heard.source) return;
    heard.source = source;
    heard.sound.src = source;
    if (!heard.going) heard.share = 0;
  };
  heard.sound.addEventListener("loadedmetadata", () => {
    if (heard.share) heard.sound.currentTime = heard.share * heard.sound.duration;
    if (heard.going) play(heard.sound);
    across?.show();
  });
  heard.sound.addEventListener("play", () => requestAnimationFrame(follow));
  heard.sound.addEventListener("pause", () => { // also before a source is changed, which is no pause
    if (heard.sound.readyState > 0) heard.going = false;
    across?.show();
  });
  heard.sound.addEventListener("ended", () => {
    heard.going = false;
    heard.share = 0;
    across?.show();
  });
  heard.sound.addEventListener("error", () => across?.show());
  const follow = () => {
    const { sound } = heard;
    if (sound.paused) return;
    if (!document.querySelector("#samples-across .timbre-across")) return sound.pause();
    heard.share = sound.duration ? sound.currentTime / sound.duration : heard.share;
    across?.show();
    requestAnimationFrame(follow);
  };

  // A blind pair.
  let trial = null;
  let arrive = false; // the next pair gets the focus

  class Trial {
    constructor(element) {
      this.element = element;
      this.status = element.querySelector("[role=status]");
      this.sounds = {};
      this.waiting = new Set(["a", "b"]); // those that have not been heard yet
      for (const button of element.querySelectorAll("[data-side]")) this.fetch(button);
      if (arrive) element.focus({ preventScroll: true });
      arrive = false;
    }

    // Wholly before it is heard, so that no delay tells them apart.
    async fetch(button) {
      const { side } = button.dataset;
      try {
        const answer = await fetch(`${this.element.dataset.address}${side}.wav`);
        if (!answer.ok) throw new Error(answer.statusText);
        const sound = await answer.blob();
        if (this.element.isConnected) this.lay(button, alone(new Audio(URL.createObjectURL(sound))));
      } catch {
        this.status.textContent = `${side.toUpperCase()} cannot be fetched. Press “Next pair”.`;
      }
    }

    lay(button, sound) {
      const { side } = button.dataset, name = side.toUpperCase();
      const progress = button.parentElement.querySelector("progress");
      this.sounds[side] = sound;
      const follow = () => {
        if (!this.element.isConnected) sound.pause();
        progress.value = sound.duration ? sound.currentTime / sound.duration : 0;
        if (!sound.paused) requestAnimationFrame(follow);
      };
      sound.onplay = () => {
        button.textContent = `Stop ${name}`;
        this.heard(side);
        requestAnimationFrame(follow);
      };
      sound.onpause = () => { button.textContent = `Play ${name}`; };
      button.addEventListener("click", () => this.toggle(side));
      button.disabled = false;
    }

    toggle(side) {
      const sound = this.sounds[side];
      if (!sound) return;
      if (!sound.paused) return sound.pause();
      sound.currentTime = 0;
      play(sound);
    }

    heard(side) {
      if (!this.waiting.delete(side) || this.waiting.size) return;
      this.enable(true);
      this.status.textContent = "Which is better?";
    }

    get votes() { return [...this.element.querySelectorAll(".timbre-votes button")]; }
    enable(able) { for (const button of this.votes) button.disabled = !able; }

    close() {
      for (const sound of Object.values(this.sounds)) {
        sound.pause();
        URL.revokeObjectURL(sound.src);
        sound.removeAttribute("src");
        sound.load(); // lets go of what it had fetched
      }
    }
  }

  // The page has said why; it can be tried again.
  window.timbreTrialFailed = () => {
    arrive = false;
    if (trial && !trial.waiting.size) trial.enable(true);
  };

  const inTrial = (event) => (trial && trial.element.contains(event.target) ? trial : null);

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("#samples-pair button, #samples-trial .timbre-votes button");
    if (!button) return;
    arrive = true;
    if (inTrial(event)) trial.enable(false); // once; assets/transcribe.js has told it
  });
  document.addEventListener("keydown", (event) => {
    const here = inTrial(event);
    if (!here || event.isComposing || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    const vote = here.votes.find((button) => button.getAttribute("aria-keyshortcuts") === key);
    if (key !== "a" && key !== "b" && !vote) return;
    event.preventDefault();
    if (vote) vote.click();
    else here.toggle(key);
  });

  // Other epochs are compared: the page hears of it as of a press (data-into), and again with each press
  // that follows, which may overtake it. An epoch that is chosen for both leaves the other. What is shown here already is not sent anew, so that a press in the meantime
  // finds its button.
  let choices = 0;
  document.addEventListener("change", (event) => {
    const choice = event.target.closest?.("#samples-pair select") && event.target.closest("[data-value]");
    if (!choice) return;
    const both = [...choice.querySelectorAll("select")], before = choice.dataset.value.split(" ");
    const changed = both.indexOf(event.target);
    if (both[0].value === both[1].value) both[1 - changed].value = before[changed];
    const chosen = both.map((each) => each.value);
    choice.dataset.value = chosen.join(" ");
    window.timbreRemember();
    const box = document.querySelector("#samples-pressed :is(textarea, input)");
    box.value = `compare ${chosen.join(" ")} ${++choices}`;
    box.dispatchEvent(new Event("input", { bubbles: true }));
  });

  // What cannot be undone is asked about first.
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-ask], [data-no]");
    if (!button) return;
    const sure = button.closest(".timbre-sure") || button.nextElementSibling;
    const ask = sure.previousElementSibling, asks = "ask" in button.dataset;
    sure.hidden = !asks;
    ask.hidden = asks;
    (asks ? sure.querySelector("[data-no]") : ask).focus();
  });

  window.timbreSamplesRemembered = () =>
    ["samples-run", "samples-pair", "samples-trial"].map(window.timbreRemembered).join(" ");

  // A list of epochs that comes anew keeps the waveforms that it has already: what plays goes on.
  let waves = new Map();
  const settle = (list) => {
    for (const fresh of list.querySelectorAll(".timbre-waveform")) {
      const old = waves.get(fresh.dataset.src);
      if (old?.dataset.alive && !old.isConnected) fresh.replaceWith(old);
    }
    waves = new Map([...list.querySelectorAll(".timbre-waveform")].map((each) => [each.dataset.src, each]));
  };

  // What has the focus keeps it when it is sent anew.
  let focused = null;
  document.addEventListener("focusin", (event) => { focused = event.target; });
  document.addEventListener("focusout", (event) => setTimeout(() => {
    if (event.target === focused && event.target.isConnected) focused = null; // it was left
  }));
  const refocus = () => {
    if (document.activeElement !== document.body || !focused) return;
    const again = focused.isConnected ? focused : focused.id && document.getElementById(focused.id);
    if (again) again.focus({ preventScroll: true });
  };

  const fresh = (selector) => {
    const element = document.querySelector(`${selector}:not([data-settled])`);
    if (element) element.dataset.settled = "1";
    return element;
  };
  const scan = () => {
    const list = fresh("#samples-epochs .timbre-epochs");
    if (list) settle(list);
    const sentence = fresh("#samples-across .timbre-across");
    if (sentence) across = new Across(sentence);
    const pair = fresh("#samples-trial .timbre-trial");
    if (trial && !trial.element.isConnected) {
      trial.close();
      trial = null;
    }
    if (pair) trial = new Trial(pair);
    if (list || sentence || fresh("#samples-pair .timbre-pair-choice")) refocus();
  };
  new MutationObserver(scan).observe(document.documentElement, { childList: true, subtree: true });
})();
