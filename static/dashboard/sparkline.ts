/** A line without axes, as wide as a word, for tables. */

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 120;
const HEIGHT = 24;

export function sparkline(values: readonly number[], label: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  const attributes = {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    class: "sparkline",
    role: "img",
    "aria-label": label,
  };
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
  const points = sparkPoints(values);
  if (points.length > 0) {
    const last = points[points.length - 1].split(",")[0];
    add(svg, "polygon", {
      points: `0,${HEIGHT} ${points.join(" ")} ${last},${HEIGHT}`,
      class: "sparkline-fill",
    });
    add(svg, "polyline", { points: points.join(" "), class: "sparkline-line" });
  }
  return svg;
}

/** The points of the line inside the box, lowest value at the foot. Pure. */
export function sparkPoints(values: readonly number[]): string[] {
  if (values.length === 0) return [];
  const [low, high] = [Math.min(0, ...values), Math.max(...values)];
  const step = values.length > 1 ? WIDTH / (values.length - 1) : 0;
  return values.map((value, at) => {
    const share = high === low ? 0 : (value - low) / (high - low);
    return `${(at * step).toFixed(1)},${(HEIGHT - 2 - share * (HEIGHT - 4)).toFixed(1)}`;
  });
}

function add(parent: Element, tag: string, attributes: Record<string, string>): void {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  parent.append(element);
}
