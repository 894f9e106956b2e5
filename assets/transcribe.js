// The Transcribe and Pronunciation tabs: choosing in lists, hearing a segment, the cursor's place.
(() => {
  // What a window was showing, over a reload: see .timbre-remember.
  window.timbreRemembered = (key) => sessionStorage.getItem(`timbre-${key}`) || "";

  const remember = () => {
    for (const element of document.querySelectorAll(".timbre-remember")) {
      sessionStorage.setItem(`timbre-${element.dataset.key}`, element.dataset.value);
    }
  };
  window.timbreRemember = remember; // for what changes by a script alone
  new MutationObserver(remember).observe(document.documentElement, { childList: true, subtree: true });

  window.timbreCursor = (id) => {
    const box = document.querySelector(`#${id} textarea`);
    return String(box ? box.selectionStart : 0);
  };

  window.timbrePlay = (id) => {
    const sound = document.querySelector(`#${id} audio`);
    if (!sound) return;
    if (!sound.paused) return sound.pause();
    sound.currentTime = 0;
    sound.play().catch(() => {}); // the player itself shows that there is nothing to hear
  };

  // A press on such a button tells the page its value through a hidden box and, after it, what is chosen
  // where it says (data-with: a key of .timbre-remember). Gradio hears only of a text that is another than
  // before, so the number of presses follows.
  let presses = 0, pressed = null;
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-into]");
    const box = button && document.querySelector(`#${button.dataset.into} :is(textarea, input)`);
    if (!box) return;
    pressed = button;
    const { value, with: key } = button.dataset;
    const chosen = key ? [document.querySelector(`.timbre-remember[data-key="${key}"]`)?.dataset.value] : [];
    box.value = [value, ...chosen, ++presses].join(" ");
    box.dispatchEvent(new Event("input", { bubbles: true }));
  });

  // What was pressed may be put in place of itself; the keyboard stays there.
  document.addEventListener("focusin", (event) => {
    if (event.target !== pressed) pressed = null;
  });
  const stay = () => {
    if (!pressed || pressed.isConnected || document.activeElement !== document.body) return;
    const { into, value } = pressed.dataset;
    const again = [...document.querySelectorAll(`[data-into="${into}"]`)].find((one) => one.dataset.value === value);
    if (again) (pressed = again).focus({ preventScroll: true });
  };
  new MutationObserver(stay).observe(document.documentElement, { childList: true, subtree: true });

  // One segment of the list is in the tab order, and arrows move between them.
  document.addEventListener("keydown", (event) => {
    const here = event.target.closest?.(".timbre-segment");
    const step = { ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity }[event.key];
    if (!here || step === undefined) return;
    event.preventDefault();
    const all = [...here.parentElement.children];
    const place = Math.max(0, Math.min(all.length - 1, all.indexOf(here) + step));
    for (const one of all) one.tabIndex = one === all[place] ? 0 : -1;
    all[place].focus();
  });

  // A list that was drawn anew stays where it was, and keeps the focus.
  let top = 0, focused = false;
  document.addEventListener("scroll", (event) => {
    if (event.target.classList?.contains("timbre-segments")) top = event.target.scrollTop;
  }, true);
  document.addEventListener("focusin", (event) => {
    focused = Boolean(event.target.closest?.(".timbre-segment"));
  });
  const settle = () => {
    const list = document.querySelector(".timbre-segments:not([data-alive])");
    if (!list) return;
    list.dataset.alive = "1";
    list.scrollTop = top;
    const chosen = list.querySelector("[aria-current=true]");
    if (!chosen) return;
    const above = chosen.offsetTop - list.scrollTop;
    if (above < 0 || above + chosen.offsetHeight > list.clientHeight) {
      list.scrollTop = chosen.offsetTop - list.clientHeight / 3;
    }
    if (focused && document.activeElement === document.body) chosen.focus({ preventScroll: true });
  };
  new MutationObserver(settle).observe(document.documentElement, { childList: true, subtree: true });
})();
