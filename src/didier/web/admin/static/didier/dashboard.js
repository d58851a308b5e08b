// Puts the parts of the dashboard into their places, one after the other, and draws a chart of each table.

const board = document.querySelector(".dashboard");
const HEIGHT = 220;
const LABEL_MOST = 28;
const LABEL_WIDTH = 60;

function drawn(place) {
  const chart = place.querySelector("[data-chart]");
  const table = place.querySelector("table");
  if (!chart || !table || !window.ApexCharts) return;
  const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
  const columns = heads.map((_, index) => index).filter((index) => index > 0 && table.tHead.rows[0].cells[index].classList.contains("number"));
  const rows = [...table.tBodies[0].rows];
  const number = (cell) => Number(cell.textContent.replaceAll(",", ""));
  const labels = rows.map((row) => row.cells[0].firstChild.textContent.trim());
  const days = chart.dataset.chart === "copies";
  const step = Math.ceil(labels.length / Math.max(1, Math.floor(chart.clientWidth / LABEL_WIDTH)));
  const style = getComputedStyle(document.documentElement);
  const quiet = style.getPropertyValue("--didier-quiet").trim();
  const colors = ["--didier-first", "--didier-second"].map((name) => style.getPropertyValue(name).trim());
  const height = days ? HEIGHT : Math.max(90, rows.length * 30 + (columns.length > 1 ? 80 : 45));
  new ApexCharts(chart, {
    chart: { type: "bar", height, stacked: true, nonce: board.dataset.nonce, toolbar: { show: false }, animations: { enabled: false }, foreColor: quiet, background: "transparent", fontFamily: "inherit", zoom: { enabled: false }, accessibility: { enabled: false } },
    series: columns.map((index) => ({ name: heads[index], data: rows.map((row) => number(row.cells[index])) })),
    xaxis: { categories: days ? labels.map((day, index) => (index % step ? "" : day.slice(5))) : labels, tickAmount: days ? undefined : 4, labels: { rotate: 0, hideOverlappingLabels: false, formatter: days ? undefined : short } },
    yaxis: { labels: { maxWidth: 150, formatter: (value) => (typeof value === "number" ? short(value) : cut(String(value))) } },
    plotOptions: { bar: { horizontal: !days, barHeight: "70%" } },
    colors,
    fill: { opacity: 1 },
    dataLabels: { enabled: false },
    grid: { borderColor: style.getPropertyValue("--tblr-border-color").trim(), padding: { top: -20 } },
    legend: { show: columns.length > 1, position: "bottom", labels: { colors: quiet } },
    tooltip: { enabled: false },
    states: { hover: { filter: { type: "none" } } },
  }).render();
}

function short(value) {
  const number = Number(value);
  if (!Number.isFinite(number)) return cut(String(value));
  if (!Number.isInteger(number)) return "";
  return number >= 1e6 ? `${+(number / 1e6).toFixed(1)}M` : number >= 1e4 ? `${+(number / 1e3).toFixed(1)}k` : String(number);
}

function cut(text) {
  return text.length > LABEL_MOST ? `${text.slice(0, LABEL_MOST - 1)}…` : text;
}

async function fill(card) {
  const place = card.querySelector("[data-place]");
  try {
    const answer = await fetch(card.dataset.part, { credentials: "same-origin", redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    place.innerHTML = await answer.text();
    drawn(place);
  } catch {
    place.textContent = "This could not be loaded. Reload the page in a moment.";
  }
  card.removeAttribute("aria-busy");
}

const cards = [...board.querySelectorAll("[data-part]")];
await Promise.all(cards.map(fill));
board.dataset.done = "";

// The colours of charts are those of the theme.
new MutationObserver(() => {
  for (const card of cards) {
    const chart = card.querySelector("[data-chart]");
    if (!chart) continue;
    chart.replaceChildren();
    drawn(card);
  }
}).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
