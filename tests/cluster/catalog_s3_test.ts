/** The catalog without a server passes its suite on a real S3 server. */
import { fileCatalog } from "../../lib/iceberg/file_catalog.ts";
import { openS3Store } from "../../lib/store/s3_store.ts";
import { catalogContract } from "../contracts/catalog_contract.ts";
import { startS3Server } from "./s3_server.ts";

const server = await startS3Server();
Deno.test.afterAll(async () => await server[Symbol.asyncDispose]());
let buckets = 0;

catalogContract("file catalog on S3", (wrap = (store) => store) => {
  const s3 = openS3Store(server.options(`catalog-${++buckets}`));
  const store = wrap(s3);
  const prefix = "some/lake/";
  const catalog = fileCatalog(store, { prefix });
  return Promise.resolve({ catalog, store, prefix, [Symbol.asyncDispose]: () => s3[Symbol.asyncDispose]() });
}, { commits: 130 });
