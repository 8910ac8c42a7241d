import { deepEqual } from "node:assert/strict";
import { storeOrigin } from "../lib/connect.ts";
import { openDiskStore } from "../lib/store/disk_store.ts";
import { openS3Store, s3Options } from "../lib/store/s3_store.ts";
import { settingsOf } from "./routes/test_app.ts";

Deno.test("storeOrigin is where signed addresses point, whoever's store it is", async () => {
  const of = async (env: Record<string, string>) => {
    const keys = { S3_ACCESS_KEY_ID: "id", S3_SECRET_ACCESS_KEY: "secret" };
    await using store = openS3Store(s3Options(settingsOf({ ...keys, ...env })));
    return await storeOrigin(store);
  };
  deepEqual(
    [
      await of({ S3_BUCKET: "lake", S3_REGION: "eu-central-1" }),
      await of({ S3_BUCKET: "lake.of.ours", S3_REGION: "eu-central-1" }),
      await of({ S3_BUCKET: "lake", S3_ENDPOINT: "http://minio:9000" }),
      await of({
        S3_BUCKET: "lake",
        S3_ENDPOINT: "http://minio:9000",
        S3_PUBLIC_ENDPOINT: "https://s3.example",
      }),
    ],
    [
      "https://lake.s3.eu-central-1.amazonaws.com",
      "https://s3.eu-central-1.amazonaws.com",
      "http://minio:9000",
      "https://s3.example",
    ],
  );
  const folder = await Deno.makeTempDir();
  {
    await using disk = await openDiskStore(folder);
    deepEqual(await storeOrigin(disk), null);
  }
  await Deno.remove(folder, { recursive: true });
});
