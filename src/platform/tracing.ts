/** Spans of OpenTelemetry where the program that runs us has its API package; nothing at all where it has not. */

/** What we use of `@opentelemetry/api`, which is never a dependency of ours. */
interface TraceApi {
  trace: {
    getTracer(name: string): {
      startSpan(name: string, options: { kind: number; attributes: Attributes }, parent: unknown): Span;
    };
    setSpan(context: unknown, span: Span): unknown;
    setSpanContext(context: unknown, parent: SpanContext): unknown;
  };
  context: { active(): unknown; with<T>(context: unknown, work: () => T): T };
}

interface Span {
  spanContext(): SpanContext;
  setAttributes(attributes: Attributes): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  end(): void;
}

interface SpanContext {
  traceId: string;
  spanId: string;
  traceFlags: number;
  isRemote: boolean;
}

export type Attributes = Record<string, string | number>;

/** Of `SpanKind` and `SpanStatusCode`. */
const KIND = { server: 1, client: 2 } as const;
const STATUS_ERROR = 2;

let api: Promise<TraceApi | undefined> | undefined;

/**
 * Runs `work` in a span below the caller's, which is what `work` itself then sees as active, and is given to hand on.
 * Without a caller's trace, or the API package, `work` is all that runs, and is given what the caller said.
 *
 * @param traceparent in the form of W3C.
 */
export async function traced<T>(
  traceparent: string | undefined,
  span: { name: string; kind: keyof typeof KIND; attributes: Attributes },
  work: (traceparent: string | undefined) => Promise<T>,
): Promise<T> {
  const parent = traceparent === undefined ? undefined : parse(traceparent);
  if (!parent) return await work(traceparent);
  api ??= load();
  const otel = await api;
  return otel
    ? await inSpan(otel, otel.trace.setSpanContext(otel.context.active(), parent), span, work)
    : await work(traceparent);
}

/** As `traced`, below whatever span is active here; for work inside of one. */
export async function tracedInside<T>(
  traceparent: string | undefined,
  span: { name: string; kind: keyof typeof KIND; attributes: Attributes },
  work: () => Promise<T>,
): Promise<T> {
  const otel = traceparent === undefined || !parse(traceparent) ? undefined : await api;
  return otel ? await inSpan(otel, otel.context.active(), span, work) : await work();
}

async function inSpan<T>(
  otel: TraceApi,
  parent: unknown,
  { name, kind, attributes }: { name: string; kind: keyof typeof KIND; attributes: Attributes },
  work: (traceparent: string) => Promise<T>,
): Promise<T> {
  const span = otel.trace.getTracer('semilayer').startSpan(name, { kind: KIND[kind], attributes }, parent);
  try {
    return await otel.context.with(otel.trace.setSpan(parent, span), () => work(format(span.spanContext())));
  } catch (error) {
    // Its code alone: a message may quote what a trace store should not hold.
    const code = (error as { code?: unknown } | null)?.code;
    span.setStatus({ code: STATUS_ERROR, ...(typeof code === 'string' ? { message: code } : {}) });
    throw error;
  } finally {
    span.end();
  }
}

async function load(): Promise<TraceApi | undefined> {
  try {
    // Not a literal: no bundler takes it in, and no checker misses it.
    const name = '@opentelemetry/api';
    return (await import(name)) as TraceApi;
  } catch {
    return undefined;
  }
}

function format({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

function parse(traceparent: string): SpanContext | undefined {
  const found = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent);
  if (!found) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = found;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}
