// A client of MCP as its SDK makes one, which knows the address of a server and nothing else, and somebody with a browser who signs in.
// The address comes on the standard input; what was asked of whom, and what came of it, goes to the standard output as JSON.
import { stdin, stdout } from "node:process";
import { text } from "node:stream/consumers";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const address = new URL(await text(stdin));
const asked = [];
const noted = async (url, options) => {
  const response = await fetch(url, options);
  asked.push(`${options?.method ?? "GET"} ${new URL(url).pathname} ${response.status}`);
  return response;
};

// What the SDK leaves to an app: to keep things, and to show a page.
const kept = {};
const callback = "http://127.0.0.1:9/callback";
const provider = {
  redirectUrl: callback,
  clientMetadata: {
    client_name: "a client that was never here",
    redirect_uris: [callback],
    grant_types: ["authorization_code"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  },
  clientInformation: () => kept.client,
  saveClientInformation: (client) => void (kept.client = client),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => void (kept.tokens = tokens),
  codeVerifier: () => kept.verifier,
  saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
  redirectToAuthorization: (page) => void (kept.page = page),
};
const transport = () => new StreamableHTTPClientTransport(address, { authProvider: provider, fetch: noted });

// Signs in as emily and says yes to everything, by the pages that the provider shows; the code that the client is sent back with.
async function browse(page) {
  const cookies = new Map();
  let [url, form] = [page, undefined];
  for (let step = 0; step < 20; step++) {
    if (url.href.startsWith(callback)) return url.searchParams.get("code");
    const cookie = [...cookies].map((pair) => pair.join("=")).join("; ");
    const response = await fetch(url, { redirect: "manual", headers: { cookie }, method: form ? "POST" : "GET", body: form });
    for (const set of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(set);
      cookies.set(name, value);
    }
    const onward = response.headers.get("location");
    if (onward) {
      [url, form] = [new URL(onward, url), undefined];
      continue;
    }
    const html = await response.text();
    const [, prompt] = /name="prompt" value="(login|consent)"/.exec(html) ?? [];
    if (!prompt) throw new Error(`${response.status} at ${url}: ${html}`);
    [url, form] = [new URL(/action="([^"]+)"/.exec(html)[1], url), new URLSearchParams({ prompt, login: "emily", password: "any" })];
  }
  throw new Error("it goes on and on");
}

const client = new Client({ name: "tests", version: "1.0.0" });
const first = transport();
try {
  await client.connect(first);
  throw new Error("nobody was asked for a token");
} catch (error) {
  if (!(error instanceof UnauthorizedError)) throw error;
}
await first.finishAuth(await browse(kept.page));
const again = new Client({ name: "tests", version: "1.0.0" });
await again.connect(transport());
const told = await again.callTool({ name: "who-am-i", arguments: {} });
await again.close();
const resource = kept.page.searchParams.get("resource");
stdout.write(JSON.stringify({ asked, told: told.content[0].text, resource, scope: kept.page.searchParams.get("scope") }));
