import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { COMPACTION_LIMITS, type CompactionFile, planCompaction } from "../../lib/lake/compaction_plan.ts";

const MB = 1024 * 1024;
const file = (path: string, size_bytes: number, partition = "1"): CompactionFile => ({
  path,
  partition,
  size_bytes,
  record_count: 1,
});

Deno.test("planCompaction leaves a few small files and every large one alone", () => {
  const files = [file("big", 200 * MB), ...Array.from({ length: 8 }, (_, i) => file(`s${i}`, MB))];
  deepStrictEqual(planCompaction(files, COMPACTION_LIMITS), []);
  strictEqual(planCompaction(files, COMPACTION_LIMITS, true)[0].files.length, 8);
});

Deno.test("planCompaction never mixes partitions and stays within a unit's bytes", () => {
  const files = Array.from({ length: 60 }, (_, i) => file(`s${i}`, 20 * MB, String(i % 2)));
  for (const unit of planCompaction(files, COMPACTION_LIMITS)) {
    ok(unit.size_bytes <= COMPACTION_LIMITS.unit_bytes);
    strictEqual(new Set(unit.files.map((one) => one.partition)).size, 1);
  }
});

Deno.test("planCompaction bounds the files of a growing day and rewrites each row a few times only", () => {
  let files: CompactionFile[] = [];
  let rewritten = 0;
  for (let i = 0; i < 2_000; i++) {
    files.push(file(`a${i}`, MB / 8));
    for (const unit of planCompaction(files, COMPACTION_LIMITS)) {
      const gone = new Set(unit.files);
      files = files.filter((one) => !gone.has(one));
      files.push(file(`c${i}`, unit.size_bytes));
      rewritten += unit.size_bytes;
    }
    const bytes = files.reduce((sum, one) => sum + one.size_bytes, 0);
    ok(files.length <= 8 + bytes / (128 * MB));
  }
  ok(rewritten / (2_000 * MB / 8) < 12, `each byte was rewritten ${rewritten / (250 * MB)} times`);
});
