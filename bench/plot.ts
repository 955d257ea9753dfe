/** Pictures of results: bars of groups, and points with the straight line that fits them; SVG that suits light and dark. */
import { lineThrough } from './least-squares.ts';
import { type Column, figureOf, number, type Row, type Series } from './result.ts';

const WIDTH = 760;
const LABEL = 250;
const VALUE = 70;
const BAR = 18;
const GAP = 6;
const HEAD = 44;
const GROUP = 26;
const CHART_HEIGHT = 240;
const LEFT = 70;

/** Colours that keep their contrast on white and on the dark ground of a code host's page. */
const STYLE = `<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 15px }
.group { font-weight: 600 }
.quiet { fill: #59636e }
.ours { fill: #0969da }
.floor { fill: #8c959f }
.peer { fill: #bf8700 }
.axis { stroke: #8c959f; stroke-width: 1 }
.fit { stroke: #8c959f; stroke-width: 2; stroke-dasharray: 6 4 }
.spread { stroke: #1f2328; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc }
.quiet { fill: #9198a1 }
.ours { fill: #4493f8 }
.peer { fill: #d29922 }
.spread { stroke: #f0f6fc }
}
</style>`;

/** Bars of one column, a group for each series, all on one scale that begins at nothing. */
export function barsOf(title: string, key: string, series: readonly Series[]): string {
  const groups = series
    .map(one => ({ one, column: columnOf(one, key), rows: withFigure(one, key) }))
    .filter(({ rows }) => rows.length > 0);
  const isLargest = (best: number, { values }: Row) => Math.max(best, endsOf(values[key]).most);
  // A series of its own scale would hide which is larger; one that dwarfs the others would hide them: so by series.
  const parts: string[] = [];
  let y = HEAD;
  for (const { one, column, rows } of groups) {
    const most = rows.reduce(isLargest, 0) || 1;
    const x = (value: number) => LABEL + (value / most) * (WIDTH - LABEL - VALUE);
    if (groups.length > 1) {
      parts.push(`<text class="group" x="0" y="${y + 14}">${escaped(one.title)}</text>`);
      y += GROUP;
    }
    for (const row of rows) {
      parts.push(bar(row, { column, y, x }));
      y += BAR + GAP;
    }
    y += GAP;
  }
  return picture(title, y, legendOf(groups.flatMap(({ rows }) => rows)) + parts.join('\n'));
}

function bar(
  { label, side, values }: Row,
  { column, y, x }: { column: Column; y: number; x: (value: number) => number },
): string {
  const value = figureOf(values[column.key])!;
  const { least, most } = endsOf(values[column.key]);
  const middle = y + BAR / 2;
  const end = Math.max(x(value), x(most));
  const whisker =
    least < most
      ? `<line class="spread" x1="${fixed(x(least))}" x2="${fixed(x(most))}" y1="${middle}" y2="${middle}"/>`
      : '';
  return [
    `<text x="${LABEL - 8}" y="${y + 14}" text-anchor="end">${escaped(shortened(label))}</text>`,
    `<rect class="${side}" x="${LABEL}" y="${y}" width="${fixed(Math.max(1, x(value) - LABEL))}" height="${BAR}" rx="2"/>`,
    whisker,
    `<text class="quiet" x="${fixed(end + 6)}" y="${y + 14}">${escaped(number(value, column))}</text>`,
  ].join('');
}

/** One column over the `x` of the rows, and the line of least squares. */
export function lineOf(title: string, key: string, series: Series): string {
  const rows = withFigure(series, key);
  const points = rows.map(({ values }) => [figureOf(values.x) ?? 0, figureOf(values[key])!] as const);
  const mostX = Math.max(...points.map(([x]) => x));
  const mostY = Math.max(...rows.map(({ values }) => endsOf(values[key]).most)) || 1;
  const top = HEAD + 10;
  const bottom = top + CHART_HEIGHT;
  const right = WIDTH - 30;
  const x = (value: number) => LEFT + (value / mostX) * (right - LEFT);
  const y = (value: number) => bottom - (value / mostY) * CHART_HEIGHT;
  const { intercept, slope } = lineThrough(points);
  const at = (value: number) => y(Math.max(0, intercept + slope * value));
  const column = columnOf(series, key);
  const parts = [
    `<line class="axis" x1="${LEFT}" x2="${right}" y1="${bottom}" y2="${bottom}"/>`,
    `<line class="axis" x1="${LEFT}" x2="${LEFT}" y1="${top}" y2="${bottom}"/>`,
    `<text class="quiet" x="${LEFT - 8}" y="${top + 5}" text-anchor="end">${escaped(number(mostY, column))}</text>`,
    `<text class="quiet" x="${LEFT - 8}" y="${bottom}" text-anchor="end">0</text>`,
    `<line class="fit" x1="${LEFT}" x2="${fixed(x(mostX))}" y1="${fixed(at(0))}" y2="${fixed(at(mostX))}"/>`,
    ...rows.map(({ label, values }, index) => {
      const { least, most } = endsOf(values[key]);
      const [px, py] = [points[index]![0], points[index]![1]];
      const cx = fixed(x(px));
      return [
        `<line class="spread" x1="${cx}" x2="${cx}" y1="${fixed(y(least))}" y2="${fixed(y(most))}"/>`,
        `<circle class="ours" cx="${cx}" cy="${fixed(y(py))}" r="5"/>`,
        `<text class="quiet" x="${cx}" y="${bottom + 18}" text-anchor="middle">${escaped(label)}</text>`,
      ].join('');
    }),
  ];
  return picture(title, bottom + 30, parts.join('\n'));
}

function picture(title: string, height: number, body: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>${escaped(title)}</title>
${STYLE}
<text class="title" x="0" y="16">${escaped(title)}</text>
${body}
</svg>
`;
}

function legendOf(rows: readonly Row[]): string {
  const words = { ours: 'semilayer', floor: 'floor', peer: 'others' } as const;
  const sides = (['ours', 'floor', 'peer'] as const).filter(side => rows.some(row => row.side === side));
  if (sides.length < 2) return '';
  return `${sides
    .map((side, at) => {
      const x = at * 100;
      return `<rect class="${side}" x="${x}" y="24" width="12" height="12" rx="2"/><text class="quiet" x="${x + 17}" y="34">${words[side]}</text>`;
    })
    .join('')}\n`;
}

function withFigure({ rows }: Series, key: string): Row[] {
  return rows.filter(({ values }) => figureOf(values[key]) !== undefined);
}

function columnOf({ columns }: Series, key: string): Column {
  return columns.find(column => column.key === key) ?? { key, title: key };
}

function endsOf(cell: Row['values'][string]): { least: number; most: number } {
  if (typeof cell === 'object' && cell !== null) return cell;
  const value = figureOf(cell) ?? 0;
  return { least: value, most: value };
}

/** What a label of that width holds. */
function shortened(label: string): string {
  return label.length > 36 ? `${label.slice(0, 35)}…` : label;
}

function fixed(value: number): string {
  return value.toFixed(1);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
