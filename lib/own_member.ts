/** Members of objects whose names others choose. */

/** Where an engine has the old setter, plain assignment would turn `__proto__` into the prototype. */
export function setOwn<T>(object: Record<string, T>, key: string, value: T): void {
  if (key !== "__proto__") object[key] = value;
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}
