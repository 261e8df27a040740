// One Plotly plot that ticks: the same DOM node for as long as its page is shown, drawn by Plotly.react.

let library; // one load of plotly.min.js per page load
const plots = new Map(); // component key -> plot; survives a remount of the component

function load(file, base) {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${location.origin}/${base ? base + "/" : ""}app/static/${file}`;
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
  const template = { layout: { font: { family: css("font"), color: text }, xaxis: axis, yaxis: axis, hoverlabel: hover } };
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
      await Plotly.react(plot.host, figure.data, layout, CONFIG);
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
  responsive: false, // a ResizeObserver does it: it also sees columns, tabs and the sidebar
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
  toImageButtonOptions: { format: "svg" },
};

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
  const { key, file, base, figure } = JSON.parse(new TextDecoder().decode(data));
  if (!plots.has(key)) plots.set(key, create());
  const plot = plots.get(key);
  const slot = parentElement.querySelector(".gainakt-plot-slot");
  if (plot.frame.parentElement !== slot) slot.append(plot.frame);
  plot.frame.style.height = `${figure.layout.height}px`;
  Object.assign(plot, { file, base, next: figure });
  draw(plot);
  return () => setTimeout(release, 3000, key); // a remount within that time takes the plot over
}
