"use strict";
// What comes from files, filers and the sandbox is data: it only ever becomes text of an element, never markup.
(() => {
  const EASTERN = "America/New_York";
  const MOST_FILES = 500;
  const SHIPMENTS_A_PAGE = 100;
  const LINES_A_PAGE = 400;
  const ACTS = ["hold", "exam", "release", "revoke"];
  const byId = (id) => document.getElementById(id);
  const seen = { books: "", states: {}, instance: "", pendingAsked: 0, pendingOf: "", faultsShown: "", at: 0, clock: null };

  // ------------------------------------------------------------------ small tools

  function make(tag, traits, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(traits || {})) {
      if (name === "on") for (const [event, call] of Object.entries(value)) element.addEventListener(event, call);
      else if (name === "data") Object.assign(element.dataset, value);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
    }
    element.append(...children.filter((child) => child !== null && child !== undefined).map(asNode));
    return element;
  }
  const asNode = (child) => (child instanceof Node ? child : document.createTextNode(String(child)));
  const chip = (state, text) => make("span", { class: `chip ${/^[A-Z_]+$/.test(state) ? state : ""}` }, text || state);

  function clockText(when, zone, seconds) {
    const date = new Date(when);
    if (Number.isNaN(date.getTime())) return "loading";
    const shape = { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" };
    if (seconds) shape.second = "2-digit";
    const parts = Object.fromEntries(new Intl.DateTimeFormat("en-US", shape).formatToParts(date).map((one) => [one.type, one.value]));
    const time = seconds ? `${parts.hour}:${parts.minute}:${parts.second}` : `${parts.hour}:${parts.minute}`;
    return `${parts.year}-${parts.month}-${parts.day} ${time} ${parts.timeZoneName}`;
  }

  const utc = (when) => `${new Date(when).toISOString().slice(0, 19)}Z`;

  function say(text, bad) {
    const line = make("p", { class: bad ? "no-way" : "" }, text);
    byId("said").append(line);
    while (byId("said").children.length > 4) byId("said").firstChild.remove();
    window.setTimeout(() => line.remove(), bad ? 12000 : 5000);
  }

  function filer() {
    const state = seen.states[seen.books];
    const one = state && state.filers.find((each) => each.books === seen.books);
    return one ? one.name : "";
  }

  function address(path, query) {
    const words = new URLSearchParams(query || {});
    if (filer()) words.set("filer", filer());
    const tail = words.toString();
    return `/sandbox${path}${tail ? `?${tail}` : ""}`;
  }

  async function ask(path, query) {
    const answer = await fetch(address(path, query), { headers: { Accept: "application/json" } });
    const document = await answer.json();
    if (!answer.ok) throw new Error(document.detail || document.title || `The sandbox answers ${answer.status}.`);
    return document;
  }

  async function tell(path, body, done) {
    try {
      const answer = await fetch(address(path), { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body || {}) });
      const document = await answer.json();
      if (answer.ok) {
        say(done(document));
        return document;
      }
      const reasons = (document.errors || []).filter((one) => one.path).map((one) => `${one.path}: ${one.text}`);
      const kind = { 404: "Not known: ", 409: "Not now: " }[answer.status] || "";
      say(`${kind}${[document.detail || document.title || `the sandbox answers ${answer.status}`, ...reasons].join(" ")}`, true);
    } catch (error) {
      say(`The sandbox cannot be reached: ${error.message}`, true);
    }
    return null;
  }

  // ------------------------------------------------------------------ clock

  function nowOfClock() {
    const clock = seen.clock;
    if (!clock) return NaN;
    const pace = clock.frozen ? 0 : clock.speed === undefined ? 1 : Number(clock.speed);
    return Date.parse(clock.now) + (performance.now() - seen.at) * pace;
  }

  function tick() {
    byId("now").textContent = clockText(nowOfClock(), EASTERN, true);
  }

  function showClock(state) {
    const clock = state.clock;
    seen.clock = clock;
    seen.at = performance.now();
    byId("freeze").textContent = clock.frozen ? "Let it run" : "Freeze";
    const speed = clock.speed === undefined ? 1 : Number(clock.speed);
    byId("pace").textContent = clock.frozen ? (speed === 1 ? "standing still" : `standing still, then ${speed} times`) : speed === 1 ? "running" : `running at ${speed} times`;
    byId("set-speed").hidden = clock.speed === undefined;
    if (clock.speed !== undefined && document.activeElement !== byId("speed")) byId("speed").value = clock.speed;
    const ahead = state.next_due && Date.parse(state.next_due) > Date.parse(clock.now); // the clock is never turned back by it
    byId("jump").disabled = !ahead;
    byId("jump").title = ahead ? clockText(state.next_due, EASTERN, true) : state.next_due ? "what is due waits to be sent" : "nothing is due";
    byId("rule-count").textContent = state.rules_in_force.length;
    byId("rules").replaceChildren(...state.rules_in_force.map((one) => make("li", {}, make("strong", {}, one.id), " ", make("span", { class: "soft" }, one.citation))));
    tick();
  }

  // ------------------------------------------------------------------ counts, doors, what is to come

  function pair(name, ...values) {
    return [make("dt", {}, name), make("dd", {}, ...values)];
  }

  function counts(of) {
    const names = Object.keys(of || {});
    return names.length ? names.map((name) => chip(name, `${name} ${of[name]}`)) : [make("span", { class: "soft" }, "none")];
  }

  function showCounts(state) {
    const rows = [pair("Manifests", String(state.manifests.length)), pair("Shipments", ...counts(state.shipments)), pair("Entries", ...counts(state.entries))];
    const files = Object.entries(state.files).filter(([, number]) => number);
    rows.push(pair("Files", files.length ? files.map(([name, number]) => `${number} ${name}`).join(", ") : "none"));
    byId("counts").replaceChildren(...rows.flat());
    byId("doors").replaceChildren(...Object.entries(state.doors || {}).map(([name, value]) => pair(name, make("code", {}, value))).flat());
  }

  async function showPending(force) {
    const state = seen.states[seen.books];
    if (!state) return;
    const mark = `${seen.books} ${state.next_due} ${state.files.waiting} ${state.files.sent} ${state.files.received}`;
    if (!force && mark === seen.pendingOf) return;
    seen.pendingOf = mark;
    const asked = ++seen.pendingAsked;
    const page = await ask("/answers", { limit: 30 });
    if (asked !== seen.pendingAsked) return;
    const rows = page.items.map((one) => {
      const about = (one.about || []).join(", ") + (one.about_more ? ` and ${one.about_more} more` : "");
      const isDue = Date.parse(one.due) <= Date.parse(page.now);
      const now = make("button", { type: "button", disabled: isDue, title: isDue ? "it is due and waits to be sent" : null, "aria-label": `${one.says} now`, on: { click: () => push({ id: one.id }) } }, "Now");
      const says = make("span", { class: "says" }, one.says, " ", make("span", { class: "soft" }, about || one.name || ""));
      return make("li", {}, make("span", { class: "code", title: utc(one.due) }, clockText(one.due, EASTERN, true)), says, now);
    });
    if (page.more) rows.push(make("li", { class: "soft" }, `and ${page.more} more`));
    byId("pending").replaceChildren(...rows);
    byId("pending-none").hidden = rows.length > 0;
    byId("pending-loading").hidden = true;
    byId("push").disabled = !page.items.some((one) => Date.parse(one.due) > Date.parse(page.now));
  }

  async function push(body) {
    await tell("/answers/next", body, (told) => `CBP says: ${told.pushed.map((one) => one.kind).join(", ") || "nothing"}.`);
    await showPending(true);
  }

  // ------------------------------------------------------------------ faults

  function showFaults(state) {
    const shown = JSON.stringify([seen.books, state.faults]);
    if (shown === seen.faultsShown) return;
    seen.faultsShown = shown;
    const set = Object.entries(state.faults).filter(([name, value]) => value && name !== "seed" && !name.endsWith("_seconds") && !(Array.isArray(value) && !value.length));
    byId("faults-now").textContent = set.length ? set.map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ") : "none";
    byId("faults").replaceChildren(...Object.entries(state.faults).map(([name, value]) => {
      const kind = typeof value === "number" ? "number" : typeof value === "boolean" ? "checkbox" : "text";
      const input = make("input", { name, type: kind, step: kind === "number" ? "any" : null, data: { kind: typeof value } });
      if (kind === "checkbox") input.checked = value;
      else input.value = value !== null && typeof value === "object" ? JSON.stringify(value) : value === null ? "" : value;
      return make("label", {}, name.replaceAll("_", " "), input);
    }));
  }

  function plan() {
    const found = {};
    for (const input of byId("faults").querySelectorAll("input")) {
      if (input.dataset.kind === "boolean") found[input.name] = input.checked;
      else if (input.dataset.kind === "number") found[input.name] = Number(input.value);
      else if (input.dataset.kind === "object") found[input.name] = input.value ? JSON.parse(input.value) : null;
      else found[input.name] = input.value;
    }
    return found;
  }

  // ------------------------------------------------------------------ manifests

  const cards = new Map();

  function showManifests(state) {
    const wanted = new Set();
    for (const one of state.manifests) {
      const key = `${seen.books} ${one.trip} ${one.arrival_date}`;
      wanted.add(key);
      const mark = JSON.stringify(one);
      let card = cards.get(key);
      if (!card) {
        card = makeManifest(one);
        cards.set(key, card);
      }
      if (card.mark !== mark) {
        card.mark = mark;
        fillManifest(card, one);
      }
    }
    for (const [key, card] of cards) if (!wanted.has(key)) { card.element.remove(); cards.delete(key); }
    const order = state.manifests.map((one) => cards.get(`${seen.books} ${one.trip} ${one.arrival_date}`).element);
    const box = byId("manifests");
    order.forEach((element, place) => { if (box.children[place] !== element) box.insertBefore(element, box.children[place] || null); });
    byId("manifests-none").hidden = order.length > 0;
  }

  function makeManifest(one) {
    const head = make("span", {});
    const times = make("span", { class: "soft" });
    const list = make("div", { class: "scroll" });
    const arrive = make("button", { type: "button", on: { click: () => tell(`/trips/${encodeURIComponent(one.trip)}/arrive`, {}, (told) => `Trip ${told.trip_number} is at the border with ${told.shipments} shipment${told.shipments === 1 ? "" : "s"}${told.note ? `; ${told.note}` : ""}.`) } }, "The truck arrives");
    const details = make("details", { on: { toggle: () => details.open && listShipments(card) } }, make("summary", {}, "Shipments"), list);
    const element = make("div", { class: "manifest", data: { trip: one.trip } }, make("div", { class: "head" }, make("h3", {}, one.trip), head, times, arrive), details);
    const card = { element, head, times, list, details, arrive, trip: one.trip, mark: "", rows: SHIPMENTS_A_PAGE };
    return card;
  }

  function fillManifest(card, one) {
    const zone = one.zone || EASTERN;
    card.head.replaceChildren(chip(one.state), ...counts(one.shipments));
    const arrived = one.arrived_at ? `, arrived ${clockText(one.arrived_at, zone)}` : "";
    const planned = one.eta ? `planned ${clockText(one.eta, zone)}` : "no planned time";
    card.times.textContent = ` port ${one.port}, ${planned}${arrived} (${zone})`;
    card.arrive.disabled = !["PRELIMINARY", "COMPLETE"].includes(one.state) || Boolean(one.stopped_at);
    card.arrive.title = one.stopped_at && card.arrive.disabled ? "the truck is here and waits for its manifest to be complete" : "";
    if (card.details.open) listShipments(card);
  }

  async function listShipments(card) {
    const rows = [];
    let after = 0;
    while (rows.length < card.rows && after !== null) {
      const page = await ask("/shipments", { trip: card.trip, limit: SHIPMENTS_A_PAGE, after });
      rows.push(...page.items);
      after = page.next;
    }
    const body = rows.map((one) => {
      const acts = ACTS.map((act) => make("button", { type: "button", "aria-label": `${act} ${one.shipment_control_number}`, disabled: !one.may.includes(act), title: one.may.includes(act) ? null : `not possible: ${one.state}`, on: { click: () => actOn(card, act, one.shipment_control_number) } }, act));
      return make("tr", {}, make("td", { class: "code" }, one.shipment_control_number), make("td", {}, chip(one.state), one.hold ? chip("HELD", one.hold) : null, one.told ? null : chip("HELD", "not told")), make("td", { class: "acts" }, ...acts), make("td", {}, one.kind), make("td", {}, one.consignee_name), make("td", { class: "number" }, one.value), make("td", {}, one.marks), make("td", { class: "code" }, one.entries.join(" ")));
    });
    const head = ["shipment", "state", "CBP shall", "bill type", "consignee", "value (USD)", "markers", "entries"].map((name) => make("th", { scope: "col", class: name.startsWith("value") ? "number" : null }, name));
    const table = make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body));
    const more = after === null ? null : make("button", { type: "button", on: { click: () => { card.rows += SHIPMENTS_A_PAGE; listShipments(card); } } }, "More");
    const held = document.activeElement && card.list.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    card.list.replaceChildren(table, ...(more ? [more] : []));
    if (held) for (const one of card.list.querySelectorAll("button")) if (one.getAttribute("aria-label") === held) one.focus();
  }

  async function actOn(card, act, scn) {
    await tell(`/shipments/${encodeURIComponent(scn)}/${act}`, {}, (told) => `${told.shipment_control_number}: ${told.state}`);
    await listShipments(card);
  }

  // ------------------------------------------------------------------ transcript

  function refusals(file) {
    return (file.verdict.reasons || []).length;
  }

  function isShown(file) {
    const want = byId("show").value;
    return !want || file.direction === want || (want === "refused" && refusals(file) > 0);
  }

  function addFile(file) {
    if (file.books !== seen.books) return;
    const box = byId("transcript");
    const follow = byId("follow").checked;
    const way = { in: "→ in", out: "← out", told: "= told" }[file.direction] || file.direction;
    const verdict = ["stage", "result"].map((name) => file.verdict[name]).filter(Boolean).join(": ");
    const refused = refusals(file);
    const inside = make("div", { class: "inside", hidden: true });
    const size = file.size ? `${file.size} bytes` : "";
    const open = make("button", { type: "button", "aria-expanded": "false", on: { click: () => toggle(file, open, inside) } },
      make("span", { class: "when code", title: utc(file.at) }, clockText(file.at, EASTERN, true)), make("span", { class: "way" }, way), make("span", { class: "what" }, make("strong", {}, file.kind), " ", file.name, " ", make("span", { class: "soft" }, file.partner)), make("span", { class: "soft" }, size), make("span", { class: "verdict" }, refused ? `${verdict} (${refused} refused)` : verdict));
    const row = make("div", { class: `file fresh ${file.direction}${refused ? " refused" : ""}`, data: { id: file.id } }, open, inside);
    row.file = file;
    row.hidden = !isShown(file);
    const before = [...box.children].find((one) => one.file.id === file.id);
    if (before) {
      const held = before.contains(document.activeElement);
      const wasOpen = !before.lastChild.hidden;
      before.replaceWith(row);
      if (wasOpen) toggle(file, open, inside);
      if (held) open.focus();
      return;
    }
    box.append(row);
    while (box.children.length > MOST_FILES) box.firstChild.remove();
    byId("transcript-none").hidden = true;
    if (follow) box.scrollTop = box.scrollHeight;
  }

  async function toggle(file, open, inside) {
    const shut = inside.hidden;
    inside.hidden = !shut;
    open.setAttribute("aria-expanded", String(shut));
    if (!shut || inside.dataset.read) return;
    inside.dataset.read = "1";
    await readLines(file, inside, 1);
  }

  async function readLines(file, inside, first) {
    try {
      const item = await ask(`/transcript/${file.id}`, { annotated: 1, lines: LINES_A_PAGE, from_line: first });
      const read = item.annotated;
      if (first === 1) {
        inside.append(...(read.refused || []).map((one) => refusal(one)));
        if (!read.lines.length) inside.append(make("p", { class: "empty" }, file.direction === "told" ? "An order, not a file." : "The file is empty."));
      }
      const shown = read.lines.map(line);
      const wrong = read.lines.flatMap((one, place) => one.refused.map((reason) => refusal(reason, one.line, shown[place])));
      if (shown.length > 20) inside.append(...wrong);
      inside.append(...shown);
      if (read.left) {
        const more = make("button", { type: "button", on: { click: () => { more.remove(); readLines(file, inside, first + LINES_A_PAGE); } } }, `${read.left} more lines`);
        inside.append(more);
      }
      if (read.cut_off) inside.append(make("p", { class: "empty" }, `${read.cut_off} bytes more came and were not kept.`));
    } catch (error) {
      delete inside.dataset.read;
      inside.replaceChildren(make("p", { class: "no" }, error.message));
    }
  }

  function refusal(one, number, target) {
    const words = [one.code, one.text, one.place ? `(${one.place})` : "", one.reference ? `[${one.reference}]` : ""];
    const leap = target ? make("button", { type: "button", on: { click: () => target.scrollIntoView({ block: "center" }) } }, `line ${number}`) : null;
    return make("div", { class: "no" }, leap, words.filter(Boolean).join(" "));
  }

  function line(one) {
    const values = one.fields.map((field) => `${field.name || field.ref}: ${field.value}${field.text ? ` (${field.text})` : ""}`).join(" · ");
    const means = one.name ? [make("strong", {}, one.name), values ? `  ${values}` : ""] : [];
    return make("div", { class: "line" }, make("span", { class: "number" }, one.line), make("pre", {}, "  ".repeat(one.depth) + one.text), means.length ? make("div", { class: "means" }, ...means) : null, ...one.refused.map((reason) => refusal(reason)));
  }

  // ------------------------------------------------------------------ the feed

  let feed = null;

  function show() {
    const state = seen.states[seen.books];
    if (!state) return;
    loaded();
    showClock(state);
    showCounts(state);
    showFaults(state);
    showManifests(state);
    showPending(false).catch((error) => say(error.message, true));
  }

  function loaded() {
    if (!document.querySelector("main").inert) return;
    document.querySelector("main").inert = false;
    document.querySelector("main").setAttribute("aria-busy", "false");
    for (const one of document.querySelectorAll(".loading")) if (one.id !== "pending-loading") one.hidden = true;
    byId("transcript-none").hidden = byId("transcript").children.length > 0;
  }

  function chooseBooks() {
    const names = Object.keys(seen.states);
    if (!names.includes(seen.books)) seen.books = names[0] || "";
    byId("books-choice").hidden = names.length < 2;
    const shown = [...byId("books").options].map((one) => one.value);
    if (JSON.stringify(shown) !== JSON.stringify(names)) byId("books").replaceChildren(...names.map((name) => make("option", { value: name, selected: name === seen.books }, name)));
  }

  function forget() {
    byId("transcript").replaceChildren();
    byId("transcript-none").hidden = false;
  }

  const waiting = [];

  function onState(event) {
    const told = JSON.parse(event.data);
    if (seen.instance && seen.instance !== told.instance) forget();
    seen.instance = told.instance;
    seen.states = told.books;
    chooseBooks();
    while (waiting.length) addFile(waiting.shift());
    show();
  }

  function onFile(event) {
    const file = JSON.parse(event.data);
    if (!seen.books) waiting.push(file); // which books are shown is known with the first state
    else if (file.direction === "told" && file.kind === "reset" && file.books === seen.books) { forget(); addFile(file); }
    else addFile(file);
  }

  function listen() {
    if (feed) feed.close();
    feed = new EventSource("/sandbox/feed?tail=300");
    feed.addEventListener("open", () => { byId("live").textContent = "live"; byId("live").classList.add("on"); });
    feed.addEventListener("error", () => {
      byId("live").textContent = feed.readyState === EventSource.CLOSED ? "closed: reload the page" : "not reached, trying again";
      byId("live").classList.remove("on");
    });
    feed.addEventListener("state", onState);
    feed.addEventListener("file", onFile);
  }

  // ------------------------------------------------------------------ what people press

  const turned = (clock) => clock.note || `The clock shows ${clockText(clock.now, EASTERN, true)}.`;
  byId("freeze").addEventListener("click", () => tell("/clock", { freeze: !seen.clock.frozen }, turned));
  for (const one of document.querySelectorAll("[data-advance]")) one.addEventListener("click", () => tell("/clock", { advance: one.dataset.advance }, turned));
  byId("jump").addEventListener("click", () => tell("/clock", { set: seen.states[seen.books].next_due }, turned));
  byId("set-clock").addEventListener("submit", (event) => { event.preventDefault(); tell("/clock", { set: byId("set-to").value }, turned); }); // without an offset the sandbox takes it for Eastern time
  byId("set-speed").addEventListener("submit", (event) => { event.preventDefault(); tell("/clock", { speed: Number(byId("speed").value) }, turned); });
  byId("push").addEventListener("click", () => push({}));
  byId("faults-form").addEventListener("submit", (event) => {
    event.preventDefault();
    try { tell("/faults", plan(), () => "This plan is in force."); } catch (error) { say(`Not JSON: ${error.message}`, true); }
  });
  byId("no-faults").addEventListener("click", () => tell("/faults", {}, () => "No faults."));
  byId("reset").addEventListener("click", () => {
    if (window.confirm(`Empty the books of ${seen.books}?`)) tell("/reset", { confirm: true }, () => "The books are empty.");
  });
  byId("show").addEventListener("change", () => { for (const row of byId("transcript").children) row.hidden = !isShown(row.file); });
  byId("books").addEventListener("change", () => {
    seen.books = byId("books").value;
    seen.instance = "";
    forget();
    show();
    listen();
  });
  window.setInterval(tick, 250);
  listen();
})();
