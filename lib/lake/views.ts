/** Views over the lake's tables: what people ask for by name without a table of its own. */

export interface LakeView {
  /** `stage.view` */
  name: string;
  sql: string;
  doc: string;
}
