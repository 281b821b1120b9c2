// Charts to touch, drawn by uPlot from the tables behind them; the server's picture stays where this does not run.
"use strict";

const drawn = new WeakMap(); // table -> what ends its chart
const number = (text) => (text.trim() === "" ? null : Number(text.replace(/[^0-9.-]/g, "")));

// A colour as a canvas knows it: light-dark() and the like are the browser's to compute.
function colour(kind) {
  const probe = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const part = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  part.setAttribute("class", `part ${kind}`);
  probe.append(part);
  document.body.append(probe);
  const found = getComputedStyle(part).fill;
  probe.remove();
  return found;
}

function text(kind) {
  const probe = document.createElement("span");
  probe.className = kind;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

// What a table has: its days, and each column that is drawn with its kind, name and numbers. Bytes are in one unit for all.
function read(table) {
  const heads = [...table.tHead.rows[0].cells]
    .map((head, at) => ({ head, at }))
    .filter(({ head }) => head.dataset.kind);
  const rows = [...table.tBodies[0].rows];
  if (table.dataset.first === "newest") rows.reverse();
  const columns = heads.map(({ head, at }) => ({
    kind: head.dataset.kind,
    label: head.textContent.trim().split(",")[0],
    values: rows.map((row) => value(row.cells[at])),
  }));
  const inBytes = table.dataset.unit === "bytes";
  const largest = Math.max(...columns.flatMap((one) => one.values.map((found) => found ?? 0)));
  const [unit, size] = inBytes
    ? (UNITS.find(([, least]) => largest >= least) ?? UNITS.at(-1))
    : [table.dataset.unit, 1];
  for (const one of columns) one.values = one.values.map((found) => (found === null ? null : found / size));
  return {
    unit,
    columns,
    days: rows.map((row) => ({ label: row.cells[0].textContent.trim(), href: row.cells[0].querySelector("a")?.href })),
  };
}

const UNITS = [
  ["GB", 2 ** 30],
  ["MB", 2 ** 20],
  ["kB", 2 ** 10],
  ["bytes", 1],
];
const value = (cell) => (cell.title.endsWith(" bytes") ? number(cell.title) : number(cell.textContent));

const figureOf = (table) => document.getElementById(table.dataset.chartIn) ?? table.closest(".chart");

function draw(table) {
  const { days, columns, unit } = read(table);
  const figure = figureOf(table);
  const picture = figure.querySelector(".plot");
  if (!picture || !days.length) return;
  const isLevel = table.dataset.chart === "levels";
  const parts = columns.filter((one) => one.kind !== "total");
  const bars = isLevel ? [] : parts.filter((one) => one.kind !== "before");
  const levels = isLevel ? parts : parts.filter((one) => one.kind === "before");
  const place = document.createElement("div");
  place.className = "live-chart drawn";
  place.tabIndex = 0;
  place.setAttribute("role", "group");
  place.setAttribute("aria-roledescription", "chart");
  place.setAttribute(
    "aria-label",
    `${figure.querySelector("h2").textContent}. Arrow keys move from day to day${days.some((one) => one.href) ? ", Enter opens the day" : ""}.`,
  );
  const told = document.createElement("p");
  told.className = "chart-told drawn";
  told.setAttribute("aria-live", "polite");
  const off = new Set();

  // Bars lie over each other, the whole ones first: the sum of all that are on, then without the topmost, and so on.
  const order = [...bars].reverse();
  const piles = () =>
    order.map((one) =>
      days.map((_, day) => {
        if (off.has(one.kind)) return null;
        return bars
          .slice(0, bars.indexOf(one) + 1)
          .filter((other) => !off.has(other.kind))
          .reduce((sum, other) => sum + (other.values[day] ?? 0), 0);
      }),
    );
  const data = () => [
    days.map((_, day) => day),
    ...piles(),
    ...levels.map((one) => (off.has(one.kind) ? one.values.map(() => null) : one.values)),
  ];
  const shown = (amount, whole) => {
    const digits = { maximumFractionDigits: 2, minimumFractionDigits: whole && unit === "$" ? 2 : 0 };
    return (unit === "$" ? "$" : "") + amount.toLocaleString("en-US", digits);
  };
  const axis = {
    stroke: text("quiet"),
    grid: { stroke: colour("grid"), width: 1 },
    ticks: { show: false },
    font: `12px ${getComputedStyle(document.body).fontFamily}`,
  };
  const options = {
    width: Math.max(200, picture.clientWidth),
    height: 200,
    legend: { show: false },
    padding: [12, 8, 0, 0],
    cursor: { y: false, points: { show: isLevel }, drag: { x: false, y: false } },
    scales: {
      x: { time: false, range: [-0.6, days.length - 0.4] },
      y: { range: (_, low, high) => [Math.min(0, low ?? 0), (high || 1) * 1.05] },
    },
    axes: [
      {
        ...axis,
        size: 28,
        grid: { show: false },
        values: (_, at) =>
          at.map((day) =>
            Number.isInteger(day) && days[day]
              ? days[day].label.replace(/ \d{4}$/, "").replace(/^(\d+ [A-Z][a-z]{2})[a-z]+$/, "$1")
              : "",
          ),
        space: 70,
        incrs: [1, 2, 5, 7, 14, 28],
      },
      {
        ...axis,
        size: 64,
        values: (_, at) => at.map((value, n) => shown(value) + (n === at.length - 1 && unit !== "$" ? ` ${unit}` : "")),
      },
    ],
    series: [
      {},
      ...order.map((one) => ({
        label: one.label,
        fill: colour(one.kind),
        width: 0,
        points: { show: false },
        paths: uPlot.paths.bars({ size: [0.72, 60] }),
      })),
      ...levels.map((one) => ({
        label: one.label,
        stroke: isLevel && one.kind !== "before" ? colour("s1") : text("quiet"),
        width: 2,
        dash: one.kind === "before" ? [5, 4] : undefined,
        points: { show: false },
      })),
    ],
    hooks: {
      setCursor: [(plot) => tell(plot.cursor.idx)],
    },
  };
  function tell(day) {
    if (day == null || !days[day]) return; // what was read last stays: nothing below it jumps
    const on = bars.filter((one) => !off.has(one.kind));
    const amount = (one) =>
      one.kind === "total" ? on.reduce((sum, part) => sum + (part.values[day] ?? 0), 0) : one.values[day];
    const seen = columns.filter((one) => !off.has(one.kind) && amount(one) !== null);
    const said = seen.map((one) => `${one.label} ${shown(amount(one), true)}${unit === "$" ? "" : ` ${unit}`}`);
    told.replaceChildren(
      Object.assign(document.createElement("strong"), { textContent: days[day].label }),
      ` ${said.join(" · ")}`,
    );
  }
  picture.hidden = true;
  picture.after(place, told);
  const plot = new uPlot(options, data(), place);
  let at = days.length;
  place.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -days.length, End: days.length }[event.key];
    if (step) {
      event.preventDefault();
      at = Math.min(days.length - 1, Math.max(0, at + step));
      plot.setCursor({ left: plot.valToPos(at, "x"), top: 10 });
    } else if (event.key === "Enter" && days[at]?.href) location.href = days[at].href;
  });
  // A finger first reads a day, moving or by a touch, and opens it by another touch of the same.
  let touched = null;
  place.addEventListener(
    "touchmove",
    (event) => {
      plot.setCursor({ left: event.touches[0].clientX - plot.over.getBoundingClientRect().left, top: 10 });
    },
    { passive: true },
  );
  place.addEventListener("click", (event) => {
    const day = plot.cursor.idx;
    const isFirst = event.pointerType === "touch" && touched !== day;
    touched = day;
    if (!isFirst && days[day]?.href) location.href = days[day].href;
  });
  place.classList.toggle(
    "leads",
    days.some((one) => one.href),
  );
  for (const key of figure.querySelectorAll(".series")) key.disabled = false;
  const sized = new ResizeObserver(() => plot.setSize({ width: Math.max(200, place.clientWidth), height: 200 }));
  sized.observe(place);
  drawn.set(table, {
    said: table.textContent,
    toggle(key) {
      const isOn = off.delete(key.dataset.kind);
      if (!isOn) off.add(key.dataset.kind);
      key.setAttribute("aria-pressed", String(isOn));
      plot.setData(data());
    },
    end() {
      sized.disconnect();
      plot.destroy();
      place.remove();
      told.remove();
      for (const key of figure.querySelectorAll(".series")) key.setAttribute("aria-pressed", "true");
      picture.hidden = false;
      drawn.delete(table);
    },
  });
}

const tables = () => document.querySelectorAll("table[data-chart]");

// New numbers come into the same table: only a chart that they change is drawn anew.
function drawAll() {
  for (const table of tables()) {
    const before = drawn.get(table);
    if (before?.said === table.textContent) continue;
    before?.end();
    draw(table);
  }
}

document.addEventListener("click", (event) => {
  const key = event.target.closest(".series");
  if (key) drawn.get([...tables()].find((table) => figureOf(table).contains(key)))?.toggle(key);
});
document.addEventListener("htmx:afterSettle", drawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const table of tables()) drawn.get(table)?.end();
  drawAll();
});
drawAll();
