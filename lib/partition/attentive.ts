/** A restore that says that it goes on: it may take minutes, and is not a standstill. */
import type { StateReceiver } from "../checkpoint/restore.ts";

/** Calls `turned` with each piece of state that is taken in. */
export function attentive(receiver: StateReceiver, turned: () => void): StateReceiver {
  function* each(pieces: Iterable<Uint8Array>) {
    for (const piece of pieces) {
      turned();
      yield piece;
    }
  }
  return {
    image: (name, pieces) => receiver.image(name, each(pieces)),
    change(name, bytes) {
      turned();
      receiver.change(name, bytes);
    },
  };
}
