/* The chart of scores over time. */

/* As many lines as the style sheet has colors. */
const MAX_LINES = 6;

/** Returns the labels that the chart shows: speech of two labels, else those with the highest peaks. */
export const shownLabels = (model, track) => (model.kind === "frames" && track.labels.length === 2 ? [1] : track.highest(MAX_LINES));

/** Draws the scores from `from` to `to` seconds as lines, with the threshold; `colors` has those of the style sheet. */
export function drawScores(context, { track, shown, threshold }, { from, to }, colors, pixelRatio) {
  const { width, height } = context.canvas;
  const margin = 3 * pixelRatio;
  const x = (seconds) => ((seconds - from) / (to - from)) * width;
  const y = (probability) => margin + (1 - probability) * (height - 2 * margin);
  context.lineWidth = pixelRatio;
  line(context, colors.grid, [[0, y(0.5)], [width, y(0.5)]]);
  line(context, colors.axis, [[0, y(0)], [width, y(0)]]);
  if (track) {
    context.lineWidth = 1.75 * pixelRatio;
    context.lineJoin = "round";
    shown.forEach((label, number) => line(context, colors.series[number], points(track, label, { from, to, width, x, y })));
  }
  if (threshold === undefined) return;
  context.lineWidth = 1.25 * pixelRatio;
  context.setLineDash([5 * pixelRatio, 4 * pixelRatio]);
  line(context, colors.text, [[0, y(threshold)], [width, y(threshold)]]);
  context.setLineDash([]);
}

/* The points of a label: one per frame, or minimum and maximum of the frames of a pixel. */
function points(track, label, { from, to, width, x, y }) {
  const first = Math.max(0, Math.floor((from - track.first) / track.hop) - 1);
  const end = Math.min(track.frames, Math.ceil((to - track.first) / track.hop) + 2);
  const perPixel = (to - from) / track.hop / width;
  const step = Math.max(1, Math.floor(perPixel));
  const result = [];
  for (let frame = first - (first % step); frame < end; frame += step) {
    const values = [];
    for (let at = Math.max(0, frame); at < Math.min(frame + step, track.frames); at++) values.push(track.at(at, label));
    const position = x(track.first + (frame + (step - 1) / 2) * track.hop);
    result.push([position, y(Math.min(...values))]);
    if (values.length > 1) result.push([position, y(Math.max(...values))]);
  }
  return result;
}

function line(context, color, points) {
  context.strokeStyle = color;
  context.beginPath();
  points.forEach(([x, y], at) => (at === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
  context.stroke();
}
