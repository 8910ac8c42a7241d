/** Puts a text on the clipboard; browsers give it to pages of this machine and to those that come by https alone. */
import { messageOf } from "../../lib/errors.ts";

/** Null when the text is there, else the sentence that says why not. */
export async function copyText(text: string): Promise<string | null> {
  if (!isSecureContext) {
    return "The browser lets only pages that come by https copy: select the text and copy it yourself.";
  }
  try {
    await navigator.clipboard.writeText(text);
    return null;
  } catch (error) {
    return `Cannot copy: ${messageOf(error)}`;
  }
}
