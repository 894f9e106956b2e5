// The Data sets tab: its segments reviewed by keyboard and pointer. tabs/datasets/clips_view.py writes the
// rows. What is done to them goes to the server through a hidden box as JSON,
//
//   {"sequence": 7, "dataset": "...", "acts": [{"id": "...", "act": "keep", "text": ""}, ...]}
//
// one message at a time; what is done meanwhile waits. The answer is a receipt with these rows as they are
// then, which take the place of the old ones: the list is not drawn anew, and goes on playing.
(() => {
  const SOON_MS = 1000; // after the last key, a text is saved
  const FLOW = "timbre-clips-flow";
  let sequence = 0, sent = null, waiting = [];
  let ticked = new Set(), dataset = null, arrive = null;

  const rows = () => [...document.querySelectorAll("#datasets-clips .timbre-clip")];
  const rowOf = (id) => rows().find((row) => row.dataset.id === id);
  const boxOf = (row) => row.querySelector("textarea");
  const say = (row, words) => { row.querySelector(".timbre-clip-saved").textContent = words; };

  const send = () => {
    const box = document.querySelector("#datasets-acts :is(textarea, input)");
    if (sent || !waiting.length || !box) return;
    const about = waiting[0].dataset;
    const acts = waiting.filter((one) => one.dataset === about);
    waiting = waiting.filter((one) => one.dataset !== about);
    sent = { sequence: ++sequence, dataset: about, acts };
    box.value = JSON.stringify(sent);
    box.dispatchEvent(new Event("input", { bubbles: true }));
  };

  const act = (row, what, text = "") => {
    if (what === "keep" || what === "drop") { // at once; the receipt tells the rest
      row.dataset.before ??= row.dataset.state;
      row.dataset.state = what === "keep" ? "kept" : "dropped";
    }
    waiting.push({ dataset: row.closest(".timbre-clips").dataset.dataset, id: row.dataset.id, act: what, text });
    send();
  };

  const saveText = (row) => {
    const box = boxOf(row);
    if (box.value === box.dataset.text) return;
    box.dataset.text = box.value;
    say(row, "Saving …");
    act(row, "text", box.value);
  };

  // A row as the server has it now, in place of the old one: what plays goes on, what is typed stays.
  const replace = (old, fresh) => {
    const wave = old.querySelector(".timbre-waveform");
    if (wave) fresh.querySelector(".timbre-waveform")?.replaceWith(wave);
    const active = document.activeElement;
    const box = boxOf(old), typed = box.value !== box.dataset.text || active === box;
    const within = old.contains(active) ? active : null;
    const spot = [box.selectionStart, box.selectionEnd];
    if (typed) { // not what the server made of it, such as one space for two
      boxOf(fresh).value = box.value;
      boxOf(fresh).dataset.text = box.dataset.text;
    }
    fresh.tabIndex = old.tabIndex;
    fresh.querySelector(".timbre-clip-tick").checked = ticked.has(fresh.dataset.id);
    old.replaceWith(fresh);
    if (!within) return;
    const again = within === box ? boxOf(fresh)
      : within.dataset.act ? fresh.querySelector(`[data-act="${within.dataset.act}"]:enabled`) : null;
    (again || fresh).focus({ preventScroll: true });
    if (again === boxOf(fresh)) again.setSelectionRange(...spot);
  };

  const receive = (receipt) => {
    receipt.dataset.alive = "1";
    if (!sent || Number(receipt.dataset.sequence) !== sent.sequence) return;
    const texts = new Set(sent.acts.filter((one) => one.act.startsWith("text")).map((one) => one.id));
    sent = null;
    const later = new Set(waiting.map((one) => one.id));
    for (const fresh of [...receipt.children]) {
      const old = rowOf(fresh.dataset.id);
      if (!old || later.has(fresh.dataset.id)) continue; // another receipt follows
      replace(old, fresh);
      if (texts.has(fresh.dataset.id)) say(fresh, "Saved");
    }
    send();
  };

  // The page has said why; the rows show again what holds.
  window.timbreClipsFailed = () => {
    for (const one of sent?.acts || []) {
      const row = rowOf(one.id);
      if (!row) continue;
      if (row.dataset.before) row.dataset.state = row.dataset.before;
      if (one.act === "text") delete boxOf(row).dataset.text; // to be saved with the next key
      say(row, "Not saved");
    }
    sent = null;
    send();
  };

  window.timbreClipsTicked = () => JSON.stringify([...ticked]);
  window.timbreClipsDone = () => {
    ticked.clear();
    showTicks();
  };

  const showTicks = () => {
    for (const row of rows()) {
      row.querySelector(".timbre-clip-tick").checked = ticked.has(row.dataset.id);
    }
    const said = document.querySelector("#datasets-clips .timbre-ticked");
    if (said) said.textContent = ticked.size ? `${ticked.size} ticked` : "";
    const all = document.querySelector("#datasets-clips .timbre-clip-all");
    if (all) all.checked = rows().length > 0 && rows().every((row) => ticked.has(row.dataset.id));
  };
  const tick = (row, on) => {
    if (on) ticked.add(row.dataset.id);
    else ticked.delete(row.dataset.id);
  };

  const play = (row) => row.querySelector(".timbre-wave-play")?.click();
  const goTo = (row) => {
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
    if (document.querySelector("#datasets-clips .timbre-clip-flow")?.checked) play(row);
  };
  const move = (row, step) => {
    const all = rows(), next = all[all.indexOf(row) + step];
    if (next) return goTo(next);
    const turn = document.getElementById(step > 0 ? "datasets-next" : "datasets-previous");
    if (!turn || turn.disabled) return;
    arrive = step > 0 ? "first" : "last";
    turn.click();
  };
  const KEYS = {
    " ": play,
    ArrowDown: (row) => move(row, 1),
    ArrowUp: (row) => move(row, -1),
    Home: () => goTo(rows()[0]),
    End: () => goTo(rows().at(-1)),
    k: (row) => act(row, "keep"),
    d: (row) => act(row, "drop"),
    u: (row) => act(row, "limits"),
    e: (row) => boxOf(row).focus(),
    x: (row) => { tick(row, !ticked.has(row.dataset.id)); showTicks(); },
  };

  document.addEventListener("keydown", (event) => {
    const row = event.target.closest?.("#datasets-clips .timbre-clip");
    if (!row || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("textarea")) {
      if (event.key !== "Escape" && event.key !== "Enter") return;
      event.preventDefault(); // a segment's text is one line
      saveText(row);
      return row.focus();
    }
    const does = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!does || (event.key === " " && event.target !== row)) return; // a button is pressed by it
    event.preventDefault();
    does(row);
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("#datasets-clips .timbre-clip button");
    const row = button?.closest(".timbre-clip");
    if (!row) return;
    if (button.dataset.act) act(row, button.dataset.act);
    if (event.detail) row.focus({ preventScroll: true }); // for the keys to go on from there
  });

  document.addEventListener("focusin", (event) => {
    const row = event.target.closest?.("#datasets-clips .timbre-clip");
    if (row) for (const one of rows()) one.tabIndex = one === row ? 0 : -1;
  });

  let soon = null;
  document.addEventListener("input", (event) => {
    const row = event.target.matches?.("textarea") && event.target.closest("#datasets-clips .timbre-clip");
    if (!row) return;
    clearTimeout(soon);
    soon = setTimeout(() => saveText(rowOf(row.dataset.id) || row), SOON_MS);
  });
  document.addEventListener("change", (event) => {
    const box = event.target;
    if (!box.closest?.("#datasets-clips")) return;
    const row = box.closest(".timbre-clip");
    if (row && box.matches("textarea")) saveText(row);
    if (row && box.matches(".timbre-clip-tick")) tick(row, box.checked);
    if (box.matches(".timbre-clip-all")) for (const one of rows()) tick(one, box.checked);
    if (box.matches(".timbre-clip-flow")) sessionStorage.setItem(FLOW, box.checked ? "1" : "");
    showTicks();
  });

  // A page of segments has come.
  const settle = (clips) => {
    clips.dataset.alive = "1";
    if (clips.dataset.dataset !== dataset) ticked = new Set();
    dataset = clips.dataset.dataset;
    const flow = document.querySelector("#datasets-clips .timbre-clip-flow");
    if (flow) flow.checked = sessionStorage.getItem(FLOW) === "1";
    showTicks();
    const where = arrive;
    arrive = null;
    if (where) goTo(where === "last" ? rows().at(-1) : rows()[0]);
  };
  const scan = () => {
    const clips = document.querySelector("#datasets-clips .timbre-clips:not([data-alive])");
    if (clips) settle(clips);
    const receipt = document.querySelector("#datasets-receipt .timbre-clip-receipt:not([data-alive])");
    if (receipt) receive(receipt);
  };
  new MutationObserver(scan).observe(document.documentElement, { childList: true, subtree: true });
})();
