// The tutorial's copy, by openapi-fetch and the types of openapi-typescript: run with the address and a token.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

declare const process: { argv: string[] };

const [address, token] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: address, headers: { Authorization: `Bearer ${token}` } });
const body: components["schemas"]["CopyBody"] = {
  source: "18001234567",
  targets: ["18002223333"],
  overrides: { did_active: "Y" },
};

const made = await client.POST("/api/v1/copies", { body });
const batch = made.data;
if (typeof batch !== "object" || !("items" in batch) || !("id" in batch)) throw new Error(made.error?.detail);
const again = await client.POST("/api/v1/copies", { body });
const problem: components["schemas"]["Problem"] | undefined = again.error;
const changed = await client.POST("/api/v1/batches", {
  body: { verb: "update", targets: ["18002223333"], values: { did_description: "Generated" } },
});
if (changed.error) throw new Error(changed.error.detail);
const listed = await client.GET("/api/v1/dids", { params: { query: { search: "1800222" } } });
const did = await client.GET("/api/v1/dids/{pattern}", { params: { path: { pattern: "18002223333" } } });

console.log(JSON.stringify({
  made: batch.items.map((item) => [item.target, item.outcome]),
  again: problem?.type,
  changed: did.data?.did_description,
  listed: listed.data?.items.map((one) => one.did_pattern),
}));
