// One Plotly plot that ticks: the same DOM node for as long as its page is shown, drawn by Plotly.react.

let library; // one load of plotly.min.js per page load
const plots = new Map(); // component key -> plot; survives a remount of the component

function load(file, base) {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address(file, base);
    script.onload = () => (window.Plotly ? resolve(window.Plotly) : reject(script.src));
    script.onerror = () => reject(script.src);
    document.head.append(script);
  }).catch((address) => {
    library = undefined; // the next tick tries again
    throw address;
  });
  return library;
}

function themed(layout, element) {
  const style = getComputedStyle(element);
  const css = (name) => style.getPropertyValue(`--st-${name}`).trim();
  const axis = { gridcolor: css("border-color-light") || css("border-color"), linecolor: css("border-color") };
  const text = css("text-color");
  const hover = { bgcolor: css("secondary-background-color"), bordercolor: css("border-color"), font: { color: text } };
  const modebar = { bgcolor: css("background-color"), color: "#8a94a0", activecolor: text };
  const font = { family: css("font"), color: text };
  const template = { layout: { font, xaxis: axis, yaxis: axis, hoverlabel: hover, modebar } };
  return { ...layout, template };
}

function describe(host, { data, layout }) {
  const names = [...new Set(data.filter((t) => t.showlegend !== false).map((t) => t.name))].slice(0, 12).join(", ");
  host.setAttribute("role", "figure");
  host.setAttribute("aria-label", `${layout.title?.text || "Chart"}: ${names}`);
}

// A click on a point that stands for a run opens it.
function opensRuns(plot) {
  if (plot.opens) return;
  plot.opens = true;
  plot.host.on("plotly_click", ({ points: [point] }) => {
    if (point.data.meta !== "run") return;
    const place = `${location.origin}/${plot.base ? plot.base + "/" : ""}Run`;
    location.assign(`${place}?run=${encodeURIComponent(point.customdata)}`);
  });
}

// A trace that goes makes Plotly look for ".cb" + uid as a CSS selector, so uids are made to be one.
async function draw(plot) {
  if (plot.busy) return; // the newest figure is drawn when the current drawing ends
  plot.busy = true;
  try {
    const Plotly = await load(plot.file, plot.base);
    while (plot.next) {
      if (plot.host._dragging) {
        await new Promise((resume) => setTimeout(resume, 100)); // never pull a plot from under a drag
        continue;
      }
      const figure = plot.next;
      plot.next = undefined;
      const layout = themed({ ...figure.layout, autosize: true }, plot.host.parentElement ?? document.body);
      plot.note.remove();
      for (const trace of figure.data) trace.uid = trace.uid?.replace(/[^\w-]/g, (sign) => `_${sign.codePointAt(0)}`);
      config ??= { ...CONFIG, modeBarButtonsToAdd: downloads(Plotly) };
      await Plotly.react(plot.host, figure.data, layout, config);
      describe(plot.host, figure);
      opensRuns(plot);
    }
  } catch (problem) {
    const text = typeof problem === "string" ? `${problem} did not load. Is the server still running?` : String(problem);
    plot.note.textContent = `The chart cannot be drawn: ${text}`;
    plot.host.before(plot.note);
  } finally {
    plot.busy = false;
  }
}

const CONFIG = {
  displaylogo: false,
  showSendToCloud: false, // "Share chart..." uploads the data to Plotly's cloud
  responsive: false, // a ResizeObserver does it: it also sees columns, tabs and the sidebar
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d", "toImage"],
};
let config; // one object for all drawings: Plotly begins a plot anew when its configuration is another one

// Figures leave on white, as papers are, whatever the page's theme.
const PAPER = {
  paper_bgcolor: "#ffffff",
  plot_bgcolor: "#ffffff",
  template: { layout: { font: { color: "#1c2530" }, xaxis: { gridcolor: "#e3e8ee" }, yaxis: { gridcolor: "#e3e8ee" } } },
};

function downloads(Plotly) {
  const image = (format) => (host) =>
    Plotly.downloadImage({ data: host.data, layout: { ...host.layout, ...PAPER } }, {
      format, filename: fileName(host.layout), width: host.offsetWidth, height: host.offsetHeight, scale: format === "png" ? 2 : 1,
    });
  return [
    { name: "png", title: "Download as PNG", icon: Plotly.Icons.camera, click: image("png") },
    { name: "svg", title: "Download as SVG", icon: Plotly.Icons["camera-retro"], click: image("svg") },
    { name: "html", title: "Download as HTML", icon: Plotly.Icons.disk, click: page },
  ];
}

function fileName(layout) {
  return (layout.title?.text || "chart").replace(/[^A-Za-z0-9]+/g, "-").replace(/^-|-$/g, "").toLowerCase().slice(0, 60) || "chart";
}

async function page(host) {
  const plot = [...plots.values()].find((one) => one.host === host);
  const { file, base, figure } = read(plot.sent);
  const code = await (await fetch(address(file, base))).text();
  const drawn = JSON.stringify([figure.data, { ...figure.layout, ...PAPER }, { responsive: true, showSendToCloud: false }]).replaceAll("<", "\\u003c");
  const text =
    `<!doctype html><meta charset="utf-8"><title>${fileName(figure.layout)}</title><script>${code}</script>` +
    `<div id="figure"></div><script>Plotly.newPlot("figure", ...${drawn})</script>`;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/html" }));
  link.download = `${fileName(figure.layout)}.html`;
  link.click();
  setTimeout(URL.revokeObjectURL, 60000, link.href);
}

function address(file, base) {
  return `${location.origin}/${base ? base + "/" : ""}app/static/${file}`;
}

function read(sent) {
  return JSON.parse(new TextDecoder().decode(sent));
}

function create() {
  const host = document.createElement("div");
  host.className = "gainakt-plot";
  const note = document.createElement("div");
  note.className = "gainakt-plot-note";
  note.textContent = "Loading the chart …";
  const frame = document.createElement("div");
  frame.className = "gainakt-plot-frame";
  frame.append(note, host);
  new ResizeObserver(() => {
    if (host.data && host.offsetWidth) window.Plotly.Plots.resize(host);
  }).observe(frame);
  return { frame, host, note, busy: false };
}

function release(key) {
  const plot = plots.get(key);
  if (plot && !plot.frame.isConnected) {
    if (plot.host.data) window.Plotly.purge(plot.host);
    plots.delete(key);
  }
}

export default function ({ parentElement, data }) {
  const { key, file, base, figure } = read(data);
  if (!plots.has(key)) plots.set(key, create());
  const plot = plots.get(key);
  const slot = parentElement.querySelector(".gainakt-plot-slot");
  if (plot.frame.parentElement !== slot) slot.append(plot.frame);
  plot.frame.style.height = `${figure.layout.height}px`;
  Object.assign(plot, { file, base, next: figure, sent: data });
  draw(plot);
  return () => setTimeout(release, 3000, key); // a remount within that time takes the plot over
}
