/** Which methods a path takes, by the table of routes: so that a wrong one is told the right ones. */
import type { Route } from "./api_route.ts";

export function allowedMethods(routes: readonly Route[]): (path: string) => string[] {
  const patterns = routes.map(({ method, path }) => ({ method, pattern: patternOf(path) }));
  return (path) => {
    const methods = patterns.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
    return [...new Set(methods.flatMap((method) => method === "GET" ? ["GET", "HEAD"] : [method]))].sort();
  };
}

function patternOf(path: string): RegExp {
  const escaped = path.replace(/[.]/g, "\\.");
  const whole = escaped.replace(/\{(file|path)\}/, ".+").replace(/\{\w+\}/g, "[^/]+");
  return new RegExp(`^${whole}$`);
}
