// The history as charts, one for each unit, that share their range and cursor. Without this script the table says the same.
"use strict";
(() => {
  const place = document.getElementById("chart");
  if (!place || !window.uPlot) return;

  const AXES = {
    level: { title: "Index levels, 100 at the beginning of the range", say: (v) => v.toFixed(2), tick: (v) => String(+v.toFixed(4)) },
    percent: { title: "Per cent", say: (v) => `${(v * 100).toFixed(2)}%`, tick: (v) => `${+(v * 100).toFixed(2)}%` },
    points: { title: "Points", say: (v) => v.toFixed(2), tick: (v) => String(+v.toFixed(2)) },
    usd: { title: "US dollars", say: (v) => Math.round(v).toLocaleString("en-US") },
    count: { title: "Count", say: (v) => String(v) },
    state: { title: "Yes or no", say: (v) => (v ? "yes" : "no"), low: true },
  };
  // Weights hold until the next session.
  const stays = (name) => /^(target|held|earned)_/.test(name);
  // Told apart also in grey and by the colour-blind: dashes repeat with the colours (Okabe and Ito).
  const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a7a7a", "#b8a300"];
  const DASHES = [[], [7, 2], [2, 2], [9, 2, 2, 2]];
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const day = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);

  let plots = [];
  let all = null;
  let zoomed = false;

  const rebased = (values) => {
    const first = values.find((value) => value !== null && value > 0);
    return values.map((value) => (value === null || value <= 0 ? null : (value / first) * 100));
  };

  const slice = (low, high) => {
    const from = all.x.findIndex((x) => x >= low);
    let to = all.x.length;
    while (to > 0 && all.x[to - 1] > high) to -= 1;
    return [from, to];
  };

  const data = (axis, [from, to]) => [
    all.x.slice(from, to),
    ...all.series.filter((each) => each.axis === axis).map((each) => {
      const values = each.values.slice(from, to);
      return axis === "level" ? rebased(values) : values;
    }),
  ];

  // A level that grew or fell a lot is drawn so that the same share is the same height.
  const wide = () => {
    const levels = data("level", [0, all.x.length]).slice(1).flat().filter((value) => value !== null);
    return levels.reduce((a, b) => Math.max(a, b), 0) > 4 * levels.reduce((a, b) => Math.min(a, b), Infinity);
  };

  const options = (axis, width) => {
    const how = AXES[axis];
    const logarithmic = axis === "level" && wide();
    const line = { stroke: css("--quiet"), grid: { stroke: css("--line-soft"), width: 1 }, ticks: { stroke: css("--line"), width: 1 } };
    const chosen = all.series.filter((each) => each.axis === axis);
    return {
      width,
      height: how.low ? 110 : Math.max(190, Math.min(300, width * 0.42)),
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
      cursor: { sync: { key: "history" }, drag: { x: true, y: false, setScale: false }, focus: { prox: 24 } },
      scales: { x: { time: true }, y: how.low ? { range: [-0.1, 1.1] } : logarithmic ? { distr: 3, range: (_, low, high) => [low / 1.1, high * 1.1] } : {} },
      axes: [line, { ...line, size: 64, values: (_, ticks) => ticks.map((v) => (v === null ? "" : (how.tick ?? how.say)(v))) }],
      series: [
        { label: "Session", value: (_, x) => (x === null ? "-" : day(x)) },
        ...chosen.map((each, number) => ({
          label: each.label,
          stroke: COLOURS[number % COLOURS.length],
          dash: DASHES[Math.floor(number / COLOURS.length + number) % DASHES.length],
          width: 1.6,
          spanGaps: false,
          paths: how.low || stays(each.name) ? uPlot.paths.stepped({ align: 1 }) : undefined,
          points: { show: false },
          value: (_, v) => (v === null ? "-" : how.say(v)),
        })),
      ],
      hooks: {
        setSelect: [(plot) => {
          if (plot.select.width < 4) return;
          const low = plot.posToVal(plot.select.left, "x");
          const high = plot.posToVal(plot.select.left + plot.select.width, "x");
          plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
          zoom(low, high);
        }],
      },
    };
  };

  // The range lands in the address, so that a link shows the same.
  const remember = (low, high) => {
    const address = new URL(window.location.href);
    address.hash = zoomed ? `${day(low)}..${day(high)}` : "";
    window.history.replaceState(null, "", address);
  };

  const zoom = (low, high) => {
    let range = slice(low, high);
    if (range[0] < 0 || range[1] - range[0] < 3) return;
    zoomed = range[0] > 0 || range[1] < all.x.length;
    for (const { axis, plot } of plots) plot.setData(data(axis, range));
    remember(all.x[range[0]], all.x[range[1] - 1]);
  };
  const reset = () => zoom(all.x[0], all.x[all.x.length - 1]);

  const keys = (event) => {
    const { plot } = plots[0];
    const xs = plot.data[0];
    const low = xs[0];
    const high = xs[xs.length - 1];
    const at = plot.cursor.idx ?? xs.length - 1;
    const centre = xs[at];
    const step = event.shiftKey ? 20 : 1;
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      const to = Math.max(0, Math.min(xs.length - 1, at + (event.key === "ArrowLeft" ? -step : step)));
      for (const each of plots) {
        each.plot.setCursor({ left: each.plot.valToPos(xs[to], "x"), top: each.plot.bbox.height / 4 / devicePixelRatio }, true);
      }
    } else if (event.key === "+" || event.key === "=") {
      zoom(centre - (centre - low) / 2, centre + (high - centre) / 2);
    } else if (event.key === "-") {
      zoom(low - (high - low) / 2, high + (high - low) / 2);
    } else if (event.key === "0" || event.key === "Escape") {
      reset();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  const draw = () => {
    for (const { plot } of plots) plot.destroy();
    place.replaceChildren();
    plots = [];
    const help = document.createElement("p");
    help.className = "help";
    help.textContent = "Drag to zoom, double-click for all. With the keyboard: arrows move the cursor, + and - zoom, 0 shows all.";
    for (const axis of Object.keys(AXES)) {
      if (!all.series.some((each) => each.axis === axis)) continue;
      const title = document.createElement("h2");
      title.textContent = AXES[axis].title + (axis === "level" && wide() ? ", logarithmic" : "");
      const frame = document.createElement("div");
      frame.className = "plot";
      place.append(title, frame);
      const plot = new uPlot(options(axis, frame.clientWidth - 8), data(axis, [0, all.x.length]), frame);
      plot.over.addEventListener("dblclick", reset);
      plots.push({ axis, plot, frame });
    }
    place.append(help);
    place.tabIndex = 0;
    place.dataset.keys = "";
    place.setAttribute("role", "group");
    place.setAttribute("aria-label", "Charts of the history; the table below has the same values");
    const asked = /^#(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)$/.exec(window.location.hash);
    if (asked) zoom(Date.parse(asked[1]) / 1000, Date.parse(asked[2]) / 1000);
  };

  fetch(place.dataset.series, { headers: { accept: "application/json" } })
    .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(String(answer.status)))))
    .then((found) => {
      all = found;
      if (all.x.length < 3 || !all.series.length) return;
      place.hidden = false;
      draw();
      place.addEventListener("keydown", keys);
      new ResizeObserver(() => {
        for (const { plot, frame } of plots) {
          if (Math.abs(frame.clientWidth - 8 - plot.width) > 2) plot.setSize({ width: frame.clientWidth - 8, height: plot.height });
        }
      }).observe(place);
      window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    })
    .catch(() => { place.hidden = true; });
})();
