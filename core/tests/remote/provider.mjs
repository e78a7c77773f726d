// A real OpenID provider (oidc-provider), whose clients are called as the users of the people services.
// Its settings come as JSON on the standard input: port (0 picks one), and its private keys as JWKs with kid and alg, newest first, or in
// `make` the algorithms for which it makes them. With `people`, clients may register themselves, and people sign in on its pages.
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { stdin, stdout } from "node:process";
import * as jose from "jose";
import Provider from "oidc-provider";

// The first line of the output says where it is, and nobody reads on.
console.info = console.log = console.warn = (...said) => console.error(...said);

const { port, make = [], keys = [], people = false } = JSON.parse(await text(stdin));
for (const alg of make) {
  const { privateKey } = await jose.generateKeyPair(alg, { extractable: true });
  keys.push({ ...(await jose.exportJWK(privateKey)), alg, use: "sig", kid: alg });
}
const server = createServer();
await new Promise((ready, fails) => server.on("error", fails).listen(port, "127.0.0.1", ready));
const issuer = `http://127.0.0.1:${server.address().port}`;
const client = (client_id) => ({
  client_id,
  client_secret: "a-secret-of-the-tests",
  grant_types: ["client_credentials"],
  redirect_uris: [],
  response_types: [],
});
const scope = "reports:read reports:write";
const provider = new Provider(issuer, {
  clients: ["emily", "jacob", "nobody"].map(client),
  jwks: { keys },
  scopes: scope.split(" "),
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: people },
    registration: { enabled: people },
    revocation: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource) => ({
        scope,
        audience: resource.replace("urn:", ""),
        ...(resource === "urn:opaque"
          ? { accessTokenFormat: "opaque" }
          : { accessTokenFormat: "jwt", jwt: { sign: { alg: keys[0].alg } } }),
      }),
    },
  },
});
server.on("request", provider.callback());
stdout.write(`${issuer}\n`);
