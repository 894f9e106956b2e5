// Views of a tab. The Personalities tab: tags put into the text, hearing all of a list, wanted emotions.
(() => {
  // One view of a tab is shown at a time; the window remembers which. Names of views are the page's.
  const showView = (list, wanted) => {
    const views = [...list.querySelectorAll("[role=tab]")];
    const chosen = views.find((view) => view.dataset.view === wanted) || views[0];
    for (const view of views) {
      view.setAttribute("aria-selected", String(view === chosen));
      view.tabIndex = view === chosen ? 0 : -1;
      const panel = document.getElementById(view.getAttribute("aria-controls"));
      panel?.setAttribute("role", "tabpanel");
      panel?.setAttribute("aria-labelledby", view.id);
      panel?.classList.toggle("timbre-in-view", view === chosen);
    }
    sessionStorage.setItem(`timbre-${list.dataset.key}-view`, chosen.dataset.view);
    window.dispatchEvent(new Event("resize")); // waveforms drawn while hidden have no width yet
  };
  window.timbreView = (wanted) => {
    const list = document.querySelector(`.timbre-views [data-view="${CSS.escape(wanted)}"]`)?.parentElement;
    if (list) showView(list, wanted);
  };
  document.addEventListener("click", (event) => {
    const view = event.target.closest?.("[data-view]");
    if (view) window.timbreView(view.dataset.view);
  });
  document.addEventListener("keydown", (event) => {
    const view = event.target.closest?.(".timbre-views [role=tab]");
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!view || !step) return;
    event.preventDefault();
    const views = [...view.parentElement.children];
    const next = views[(views.indexOf(view) + step + views.length) % views.length];
    next.focus();
    window.timbreView(next.dataset.view);
  });
  const scan = () => {
    for (const list of document.querySelectorAll(".timbre-views:not([data-alive])")) {
      const views = [...list.querySelectorAll("[role=tab]")];
      if (!views.every((view) => document.getElementById(view.getAttribute("aria-controls")))) continue;
      list.dataset.alive = "1";
      showView(list, sessionStorage.getItem(`timbre-${list.dataset.key}-view`));
    }
  };
  new MutationObserver(scan).observe(document.documentElement, { childList: true, subtree: true });

  // A tag goes where the cursor is.
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-insert]");
    const box = button && document.querySelector(`#${button.dataset.at} textarea`);
    if (!box) return;
    box.setRangeText(button.dataset.insert, box.selectionStart, box.selectionEnd, "end");
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.focus();
  });

  // All the sounds of a list, one after another; a second press stops.
  let playing = null;
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-play-all]");
    if (!button) return;
    if (playing) return playing.stop();
    const sounds = [...document.querySelectorAll(`#${button.dataset.playAll} audio`)];
    const label = button.textContent;
    let place = -1, stopped = false;
    const rest = () => {
      playing = null;
      button.textContent = label;
    };
    const next = () => {
      if (stopped) return;
      const sound = sounds[++place];
      if (!sound || !sound.isConnected) return rest();
      sound.currentTime = 0;
      sound.addEventListener("ended", next, { once: true });
      sound.addEventListener("error", next, { once: true });
      sound.play().catch(next);
      button.dataset.place = String(place);
    };
    playing = { stop: () => { stopped = true; sounds[place]?.pause(); rest(); } };
    button.textContent = "Stop";
    next();
  });

  // The wanted emotions as the table has them, for the server.
  window.timbreWanted = (id) => JSON.stringify(
    [...document.querySelectorAll(`#${id} .timbre-want`)].map((row) => {
      const told = { wanted: row.querySelector("[type=checkbox]").checked };
      for (const field of row.querySelectorAll("[data-field]")) told[field.dataset.field] = field.value;
      return told;
    }));
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-add-row]");
    const rows = button && document.getElementById(button.dataset.addRow);
    if (!rows) return;
    const row = rows.querySelector("template").content.firstElementChild.cloneNode(true);
    rows.append(row);
    row.querySelector("[data-field=tag]").focus();
  });
})();
