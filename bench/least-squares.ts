/** A straight line through points, and how far from it they lie: whether a cost grows as what it is for. */

export interface Line {
  /** At x = 0. */
  intercept: number;
  slope: number;
  /** The share of the points' variance that the line explains, 0 to 1; 1 where there is none to explain. */
  r2: number;
  /** The largest distance of a point from the line, as a share of the mean of all y. */
  worst: number;
}

/** @throws where there are not two different x: no line then. */
export function lineThrough(points: readonly (readonly [x: number, y: number])[]): Line {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanX = mean(points.map(([x]) => x));
  const meanY = mean(points.map(([, y]) => y));
  const sum = (of: (x: number, y: number) => number) =>
    points.reduce((total, [x, y]) => total + of(x - meanX, y - meanY), 0);
  const spreadX = sum(x => x * x);
  if (!(spreadX > 0)) throw new Error('a line needs points at two places');
  const slope = sum((x, y) => x * y) / spreadX;
  const intercept = meanY - slope * meanX;
  const residuals = points.map(([x, y]) => y - (intercept + slope * x));
  const unexplained = residuals.reduce((total, residual) => total + residual * residual, 0);
  const spreadY = sum((_, y) => y * y);
  return {
    intercept,
    slope,
    r2: spreadY === 0 ? 1 : 1 - unexplained / spreadY,
    worst: Math.max(...residuals.map(Math.abs)) / Math.abs(meanY),
  };
}
