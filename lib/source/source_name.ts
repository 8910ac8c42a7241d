/** What a source may be called: the name stands in paths, settings, rows and metrics. */

const NAME = /^[a-z][a-z0-9_]{0,63}$/;

export function isSourceName(name: string): boolean {
  return NAME.test(name);
}
