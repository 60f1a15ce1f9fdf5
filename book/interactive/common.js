/* What the interactive figures share: the theme's colours, a chart that follows them, and readouts. */
const playground = (root) => {
  const ink = () => getComputedStyle(root).color;
  const charts = [];
  const chart = (place, height, axes, series, scales, hooks) => {
    const axis = (label, more) => Object.assign({
      label, stroke: ink, labelSize: 22, labelFont: "13px sans-serif", font: "12px sans-serif",
      grid: { stroke: "#8884", width: 1 }, ticks: { stroke: "#8884" } }, more);
    const options = {
      width: Math.max(280, place.clientWidth), height, scales, hooks,
      legend: { show: false }, cursor: { show: false }, select: { show: false },
      axes: [axis(axes[0].label, axes[0]), axis(axes[1].label, axes[1])],
      series: [{}, ...series],
    };
    const drawn = new uPlot(options, series.map(() => []).concat([[]]), place);
    charts.push([drawn, place, height]);
    return drawn;
  };
  const again = () => charts.forEach(([c, place, height]) => {
    c.setSize({ width: Math.max(280, place.clientWidth), height });
    c.redraw(true, true);
  });
  // The box becomes narrower or wider with the window, and also when a sidebar opens or closes.
  let width = 0;
  new ResizeObserver(() => {
    if (root.clientWidth !== width) { width = root.clientWidth; again(); }
  }).observe(root);
  new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  const live = root.querySelector(".live");
  live.hidden = false;
  root.classList.add("running");
  return { ink, chart, find: (s) => root.querySelector(s), all: (s) => [...root.querySelectorAll(s)] };
};
const STR = "#0072B2", ACCENT = "#E0660F", REST = "#777777";
