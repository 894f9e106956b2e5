// The live player, Ctrl+Enter, and what a window remembers over a reload. No framework, no other host.
(() => {
  const AHEAD_S = 20; // sound fetched ahead of what is heard; the server waits with the rest
  const START_S = 0.05; // lead given to the first buffer, so that it is not cut

  const key = (tab) => `timbre-takes-${tab}`;
  window.timbreTakes = (tab) => sessionStorage.getItem(key(tab)) || "";

  // Tabs: one panel is shown, the address follows, and arrows move between them.
  window.timbreShow = (wanted) => {
    const list = document.querySelector(".timbre-tabs");
    if (!list) return;
    const tabs = [...list.querySelectorAll("[role=tab]")];
    const chosen = tabs.find((tab) => tab.dataset.tab === wanted)
      || tabs.find((tab) => tab.dataset.tab === list.dataset.first);
    for (const tab of tabs) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      document.getElementById(`tab-${tab.dataset.tab}`)?.classList.toggle("timbre-shown", tab === chosen);
    }
    const url = new URL(location);
    if (url.searchParams.get("tab") !== chosen.dataset.tab) {
      url.searchParams.set("tab", chosen.dataset.tab);
      history.replaceState(null, "", url);
    }
    const late = document.getElementById(`tab-${chosen.dataset.tab}-late`);
    if (late && !late.dataset.pressed) {
      late.dataset.pressed = "yes";
      late.click();
    } else window.timbreFill(chosen.dataset.tab);
    window.dispatchEvent(new Event("resize")); // waveforms drawn while hidden have no width yet
  };

  // `tries`: how often to look for the button, which comes with a tab that is just being put into the page.
  window.timbreFill = (tab, tries = 1) => {
    const button = document.getElementById(`${tab}-refresh`);
    const first = document.getElementById(`${tab}-first`); // of tabs that go on where a reload broke off
    if (first && !first.dataset.pressed) {
      first.dataset.pressed = "yes";
      first.click();
    }
    if (button) button.click();
    else if (tries > 1) setTimeout(() => window.timbreFill(tab, tries - 1), 100);
  };

  document.addEventListener("click", (event) => {
    const tab = event.target.closest?.(".timbre-tabs [role=tab]");
    if (tab) window.timbreShow(tab.dataset.tab);
  });
  document.addEventListener("keydown", (event) => {
    const tab = event.target.closest?.(".timbre-tabs [role=tab]");
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (!tab || step === undefined) return;
    event.preventDefault();
    const tabs = [...tab.parentElement.querySelectorAll("[role=tab]")];
    const place = step === -Infinity ? 0 : step === Infinity ? tabs.length - 1
      : (tabs.indexOf(tab) + step + tabs.length) % tabs.length;
    tabs[place].focus();
    window.timbreShow(tabs[place].dataset.tab);
  });

  // On a phone's width the second column lies far below the first.
  window.timbreReveal = (id) => {
    const element = document.getElementById(id);
    if (element && element.offsetParent && innerWidth < 640) element.scrollIntoView();
  };

  window.timbreCopy = (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text).catch(() => {});
    const box = document.createElement("textarea"); // over plain http a browser offers only this
    box.value = text; document.body.append(box); box.select();
    document.execCommand("copy"); box.remove();
  };

  // A name in the table of models chooses that model: the page hears of it through a hidden box.
  document.addEventListener("click", (event) => {
    const pick = event.target.closest?.(".timbre-pick");
    const box = pick?.dataset.pick && document.querySelector("#models-picked textarea, #models-picked input");
    if (!box) return;
    box.value = pick.dataset.pick;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    window.timbreReveal("models-detail");
  });

  const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

  class LivePlayer {
    constructor(element) {
      this.element = element;
      this.button = element.querySelector(".timbre-play");
      this.time = element.querySelector(".timbre-time");
      this.takes = element.dataset.takes.split(",");
      this.rate = Number(element.dataset.rate);
      this.abort = new AbortController();
      this.next = 0; // when the sound scheduled so far ends, on the context's clock
      this.played = 0;
      this.started = false;
      this.ended = false;
      this.button.onclick = () => this.toggle();
      this.tick = setInterval(() => this.show(), 200);
      if (element.dataset.autoplay === "1") this.start();
      else this.label("Play");
    }

    label(word) {
      this.button.textContent = word;
      this.button.setAttribute("aria-label", `${word} live playback`);
    }

    async toggle() {
      if (!this.started || this.ended) return this.start();
      if (this.context.state === "running") { await this.context.suspend(); this.label("Resume"); }
      else { await this.context.resume(); this.label("Pause"); }
    }

    async start() {
      if (this.context) await this.context.close();
      this.started = true; this.ended = false; this.next = 0; this.played = 0;
      this.context = new AudioContext();
      this.label("Pause");
      try {
        for (const take of this.takes) await this.pump(take);
      } catch (error) {
        if (error.name !== "AbortError") this.label("Play again");
        return;
      }
      this.finish();
    }

    async pump(take) {
      const response = await fetch(`takes/${take}/stream`, { signal: this.abort.signal });
      if (!response.ok) throw new Error(response.statusText);
      const reader = response.body.getReader();
      let rest = new Uint8Array(0);
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        const bytes = new Uint8Array(rest.length + value.length);
        bytes.set(rest); bytes.set(value, rest.length);
        const whole = bytes.length - (bytes.length % 2);
        rest = bytes.slice(whole);
        if (whole) this.schedule(new DataView(bytes.buffer, 0, whole));
        while (this.next - this.context.currentTime > AHEAD_S) {
          await new Promise((resolve) => setTimeout(resolve, 500));
          if (this.abort.signal.aborted) return;
        }
      }
    }

    schedule(view) {
      const count = view.byteLength / 2;
      const buffer = this.context.createBuffer(1, count, this.rate);
      const samples = buffer.getChannelData(0);
      for (let i = 0; i < count; i++) samples[i] = view.getInt16(2 * i, true) / 32768;
      const source = this.context.createBufferSource();
      source.buffer = buffer;
      source.connect(this.context.destination);
      this.next = Math.max(this.next, this.context.currentTime + START_S);
      source.start(this.next);
      this.next += buffer.duration;
      this.played += buffer.duration;
    }

    async finish() {
      while (!this.abort.signal.aborted && this.context.currentTime < this.next) {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      this.ended = true;
      this.label("Play again");
    }

    show() {
      if (!this.element.isConnected) return this.close();
      if (!this.started) return;
      const heard = Math.max(0, this.played - Math.max(0, this.next - this.context.currentTime));
      this.time.textContent = `${clock(heard)} / ${clock(this.played)}`;
      this.element.dataset.heard = heard.toFixed(2);
    }

    close() {
      clearInterval(this.tick);
      this.abort.abort();
      if (this.context) this.context.close();
    }
  }

  // What Gradio's own parts leave out: whether a box is open, that a list which the keyboard opens by itself
  // is no stop of the Tab key (a browser stops at whatever scrolls), and whose label one is that holds the
  // button for copying as well.
  const tell = () => {
    for (const head of document.querySelectorAll(".label-wrap")) {
      const open = String(head.classList.contains("open"));
      if (head.getAttribute("aria-expanded") !== open) head.setAttribute("aria-expanded", open);
    }
    for (const list of document.querySelectorAll("ul.options:not([tabindex])")) list.tabIndex = -1;
    for (const copied of document.querySelectorAll("label:has(.icon-button-wrapper) textarea:not([aria-label])")) {
      const words = copied.closest("label").querySelector("[data-testid=block-info]");
      if (words) copied.setAttribute("aria-label", words.textContent.trim());
    }
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest?.(".label-wrap")) setTimeout(tell);
  });

  const players = new Map(); // by tab: one speaks at a time in each
  const scan = () => {
    const list = document.querySelector(".timbre-tabs:not([data-alive])");
    // Gradio adds the panels one by one: the wanted one may be among the last.
    const tabs = list ? [...list.querySelectorAll("[role=tab]")] : [];
    if (list && tabs.every((tab) => document.getElementById(`tab-${tab.dataset.tab}`))) {
      list.dataset.alive = "1";
      window.timbreShow(new URL(location).searchParams.get("tab"));
    }
    for (const panel of document.querySelectorAll(".timbre-panel:not([role])")) {
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", `${panel.id}-button`);
    }
    tell();
    for (const element of document.querySelectorAll(".timbre-player:not([data-alive])")) {
      element.dataset.alive = "1";
      const tab = element.dataset.tab;
      sessionStorage.setItem(key(tab), element.dataset.takes);
      players.get(tab)?.close();
      players.set(tab, new LivePlayer(element));
    }
  };
  new MutationObserver(scan).observe(document.documentElement, { childList: true, subtree: true });

  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key !== "Enter") return;
    // Within an editor it saves; elsewhere it does what the tab is for.
    const editor = event.target.closest?.(".timbre-enter-scope");
    const buttons = (editor || document).querySelectorAll(editor ? ".timbre-enter" : ".timbre-generate");
    for (const button of buttons) {
      if (button.offsetParent !== null && !button.disabled) {
        event.preventDefault();
        button.click();
      }
    }
  });
})();
