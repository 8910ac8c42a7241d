/**
 * A document whose style sheets are adopted instead of written into `<style>` elements.
 *
 * CodeMirror mounts its rules in a `<style>` element, which a policy without 'unsafe-inline' forbids; in shadow roots
 * it adopts constructed sheets, which every policy allows. It tells the two apart by `head`, so the editor is given
 * the document without a head. Everything else is the document's own.
 */
export function adoptingRoot(): Document {
  return new Proxy(document, {
    get(target, name) {
      if (name === "head") return null;
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  });
}
