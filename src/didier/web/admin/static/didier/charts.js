// Draws charts of tables: each has its table beside or behind it, with a link where a mark leads.
//
// A chart is an element with data-chart in one with data-charted, or in a card. "time" has a column for each row,
// "bars" a bar for each row, "spark" is a line without words. Series are the columns with data-series, or else all
// numbers.

const HEIGHT = 220;
const SPARK_HEIGHT = 40;
const LABEL_MOST = 28;
const LABEL_WIDTH = 60;
const COLORS = ["--didier-first", "--didier-second", "--didier-third"];

const drawn = new Map();

export function draw(root) {
  if (!window.ApexCharts) return;
  for (const place of root.querySelectorAll("[data-chart]")) {
    const table = place.closest("[data-charted], .card").querySelector("table");
    if (table) drawOne(place, read(table));
  }
}

// The colours of charts are those of the theme.
new MutationObserver(() => {
  for (const place of drawn.keys()) {
    if (!place.isConnected) drawn.delete(place);
    else drawOne(place, drawn.get(place).content);
  }
}).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });

function read(table) {
  const heads = [...table.tHead.rows[0].cells];
  const isNumber = (head, index) => index > 0 && head.classList.contains("number");
  const named = heads.some((head) => "series" in head.dataset);
  const columns = heads.filter((head, index) => (named ? "series" in head.dataset : isNumber(head, index)));
  const rows = [...table.tBodies[0].rows];
  const number = (cell) => Number(cell.textContent.replaceAll(",", ""));
  return {
    labels: rows.map((row) => row.cells[0].firstChild.textContent.trim()),
    series: columns.map((head) => ({ name: head.textContent.trim(), data: rows.map((row) => number(row.cells[head.cellIndex])) })),
    links: rows.map((row) => columns.map((head) => row.cells[head.cellIndex].querySelector("a")?.href || row.querySelector("a")?.href)),
  };
}

function drawOne(place, content) {
  drawn.get(place)?.chart.destroy();
  place.replaceChildren();
  const kind = place.dataset.chart;
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(name).trim();
  const chart = new ApexCharts(place, { ...common(place, content, color), ...KINDS[kind](place, content, color) });
  drawn.set(place, { chart, content });
  chart.render();
}

function common(place, content, color) {
  return {
    series: content.series,
    colors: COLORS.map(color),
    dataLabels: { enabled: false },
    tooltip: { enabled: false },
    states: { hover: { filter: { type: "none" } }, active: { filter: { type: "none" } } },
    legend: { show: content.series.length > 1, position: "bottom", labels: { colors: color("--didier-quiet") } },
    grid: { borderColor: color("--tblr-border-color"), padding: { top: -20 } },
  };
}

function drawing(place, content, color, more) {
  return {
    nonce: place.closest("[data-nonce]").dataset.nonce,
    toolbar: { show: false }, animations: { enabled: false }, zoom: { enabled: false }, accessibility: { enabled: false },
    foreColor: color("--didier-quiet"), background: "transparent", fontFamily: "inherit",
    events: { dataPointSelection: (_event, _chart, mark) => follow(content.links[mark.dataPointIndex][mark.seriesIndex]) },
    ...more,
  };
}

function follow(address) {
  if (address) location.assign(address);
}

const KINDS = {
  time(place, content, color) {
    const step = Math.ceil(content.labels.length / Math.max(1, Math.floor(place.clientWidth / LABEL_WIDTH)));
    const isDay = content.labels.every((label) => label.length === 10);
    const label = (text) => (isDay ? text.slice(5) : text.slice(11));
    return {
      chart: drawing(place, content, color, { type: "bar", stacked: true, height: HEIGHT }),
      plotOptions: { bar: { columnWidth: content.labels.length > 60 ? "100%" : "70%" } },
      fill: { opacity: 1 },
      xaxis: { categories: content.labels.map((text, index) => (index % step ? "" : label(text))), labels: { rotate: 0, hideOverlappingLabels: false } },
      yaxis: { labels: { formatter: short } },
    };
  },
  bars(place, content, color) {
    const height = Math.max(90, content.labels.length * 30 + (content.series.length > 1 ? 80 : 45));
    return {
      chart: drawing(place, content, color, { type: "bar", stacked: true, height }),
      plotOptions: { bar: { horizontal: true, barHeight: "70%" } },
      fill: { opacity: 1 },
      xaxis: { categories: content.labels, tickAmount: 4, labels: { rotate: 0, formatter: short } },
      yaxis: { labels: { maxWidth: 150, formatter: (value) => (typeof value === "number" ? short(value) : cut(String(value))) } },
    };
  },
  spark(place, content, color) {
    return {
      chart: drawing(place, content, color, { type: "area", height: SPARK_HEIGHT, sparkline: { enabled: true } }),
      stroke: { width: 2, curve: "straight" },
      fill: { type: "solid", opacity: 0.2 },
    };
  },
};

function short(value) {
  const number = Number(value);
  if (!Number.isFinite(number)) return cut(String(value));
  if (!Number.isInteger(number)) return "";
  return number >= 1e6 ? `${+(number / 1e6).toFixed(1)}M` : number >= 1e4 ? `${+(number / 1e3).toFixed(1)}k` : String(number);
}

function cut(text) {
  return text.length > LABEL_MOST ? `${text.slice(0, LABEL_MOST - 1)}…` : text;
}
