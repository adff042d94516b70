// Shows the board's parts as the server sends them. A frame has the parts that changed, or all of them (`full`).
"use strict";
(() => {
  const STALE_AFTER_MS = 6000;
  const root = document.documentElement;
  const status = document.getElementById("status");
  let speed = 1;         // how fast the board's time runs
  let base = null;       // [board's time, this machine's monotonic time] of the last frame
  let heardAt = null;
  let source = null;
  let connectedAt = 0;

  const now = () => base === null ? null : base[0] + (performance.now() - base[1]) * speed;

  function clockText(seconds) {
    const whole = Math.max(0, Math.floor(seconds));
    const two = (value) => String(value).padStart(2, "0");
    const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
    return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
  }

  function runTimers(scope) {
    const at = now();
    if (at === null) return;
    for (const timer of scope.querySelectorAll("[data-since]")) {
      const seconds = (at - Number(timer.dataset.since)) / 1000;
      const text = clockText(seconds);
      if (timer.textContent !== text) timer.textContent = text;
      if (timer.dataset.limit) timer.classList.toggle("over", seconds >= Number(timer.dataset.limit));
    }
  }

  function element(markup) {
    const template = document.createElement("template");
    template.innerHTML = markup;
    return template.content.firstElementChild;
  }

  function put(id, markup) {
    const fresh = element(markup), old = document.getElementById(id);
    if (old === null) {
      document.getElementById(id.slice(0, id.indexOf("-")))?.append(fresh);
      return;
    }
    // The person's place on the page stays: the same link of the new part gets the focus.
    const links = [...old.querySelectorAll("a")], at = links.indexOf(document.activeElement);
    old.replaceWith(fresh);
    if (at >= 0) fresh.querySelectorAll("a")[at]?.focus({ preventScroll: true });
  }

  function arrange(section, ids) {
    const parent = document.getElementById(section);
    if (parent === null) return;
    const focused = document.activeElement;
    let next = parent.firstElementChild;
    for (const id of ids) {
      const child = document.getElementById(id);
      if (child === null) continue;
      if (child === next) next = next.nextElementSibling;
      else parent.insertBefore(child, next);
    }
    if (focused !== document.activeElement && parent.contains(focused)) focused.focus({ preventScroll: true });
  }

  function show(frame) {
    heardAt = performance.now();
    speed = frame.speed;
    base = [frame.now, heardAt];
    if (frame.version !== undefined && root.dataset.version !== frame.version) return location.reload();
    if (frame.full) {
      for (const section of document.querySelectorAll("[data-section]"))
        for (const child of [...section.children]) if (!(child.id in frame.parts)) child.remove();
    }
    for (const id of frame.removed ?? []) document.getElementById(id)?.remove();
    for (const id in frame.parts ?? {}) put(id, frame.parts[id]);
    for (const section in frame.order ?? {}) arrange(section, frame.order[section]);
    if (frame.title !== undefined) document.title = frame.title;
    root.dataset.sequence = frame.sequence;
    runTimers(document);
  }

  function say(text, isStale) {
    root.classList.toggle("stale", isStale);
    if (status.textContent !== text) status.textContent = text;
  }

  function wallClock(at) {
    return new Date(at).toLocaleTimeString("en-GB", { timeZone: root.dataset.zone });
  }

  function check() {
    const at = now();
    if (at !== null && performance.now() - heardAt > STALE_AFTER_MS)
      say(`No connection. These are the numbers of ${wallClock(base[0])}. Trying again.`, true);
    else if (at !== null) say("", false);
    const shown = document.getElementById("clock");
    if (shown && at !== null) shown.textContent = wallClock(at);
    runTimers(document);
    // A browser gives up after some answers; then the source is opened again.
    if (source.readyState === EventSource.CLOSED && performance.now() - connectedAt > 2000) connect();
  }

  function connect() {
    connectedAt = performance.now();
    if (source !== null) source.close();
    source = new EventSource("events");
    source.addEventListener("frame", (event) => show(JSON.parse(event.data)));
    source.addEventListener("login", () => location.assign("login"));
    source.onerror = async () => {
      try {
        const answer = await fetch("healthz", { cache: "no-store" });
        if (answer.ok && (await fetch("session", { cache: "no-store" })).status === 401) location.assign("login");
      } catch { /* the server is away; EventSource tries again */ }
    };
  }

  document.getElementById("tv")?.addEventListener("click", () => {
    root.classList.toggle("tv");
    if (root.classList.contains("tv")) root.requestFullscreen?.().catch(() => {});
    else if (document.fullscreenElement) document.exitFullscreen();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "t" && !event.ctrlKey && !event.metaKey && !event.altKey) document.getElementById("tv")?.click();
  });
  connect();
  setInterval(check, 500);
})();
