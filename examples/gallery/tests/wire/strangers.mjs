// What Express, cookie-session, jose and Auth.js make, as JSON for the gallery; and whether they read what was made there.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [tools, site] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${tools}/package.json`));
const load = async (name) => import(pathToFileURL(require.resolve(name)));
const { sign, unsign } = require("cookie-signature");
const session = require("express-session");
const cookieSession = require("cookie-session");
const jose = await load("jose");
const { encode, decode } = await import(pathToFileURL(`${tools}/node_modules/@auth/core/jwt.js`));

const made = [];
const make = (path, name, { cookie, bearer }) => made.push({ path, name, cookie, bearer });

// express-session, with an identifier of ours, as its middleware sends it.
const cookiesOf = async (handle) => {
  const server = createServer(handle).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const response = await fetch(`http://127.0.0.1:${server.address().port}/`);
  server.close();
  return response.headers.getSetCookie().map((line) => line.split(";")[0]).join("; ");
};
const withSession = (secret, id) => cookiesOf((request, response) => {
  session({ secret, genid: () => id, resave: false, saveUninitialized: true })(request, response, () => {
    request.session.user = "emma";
    response.end();
  });
});
make("/express", "emma", { cookie: await withSession("keyboard cat", "s3ss10n-id-0001") });
make("/express", "emma", { cookie: await withSession("old cat", "s3ss10n-id-0001") });
make("/express", null, { cookie: await withSession("another cat", "s3ss10n-id-0001") });
make("/express", null, { cookie: await withSession("keyboard cat", "s3ss10n-id-0002") });
make("/express", "emma", { cookie: `connect.sid=s:${sign("s3ss10n-id-0001", "old cat")}` });

const withCookieSession = (keys, name, user) => cookiesOf((request, response) => {
  cookieSession({ name, keys })(request, response, () => {
    request.session.user = user;
    response.end();
  });
});
make("/cookie-session", "emma", { cookie: await withCookieSession(["key2", "key1"], "session", "emma") });
make("/cookie-session", "Jäsøn Doe", { cookie: await withCookieSession(["key1"], "session", "Jäsøn Doe") });
make("/cookie-session", null, { cookie: await withCookieSession(["key3"], "session", "emma") });
make("/cookie-session", null, { cookie: (await withCookieSession(["key2"], "other", "emma")).replaceAll("other", "session") });
make("/cookie-session", null, { cookie: (await withCookieSession(["key2"], "session", "emma")).split("; ")[0] });

// Auth.js, whole and in pieces.
const secret = "correct horse battery staple correct horse", salt = "authjs.session-token";
const sealed = await encode({ token: { sub: "5" }, secret, salt });
const long = await encode({ token: { sub: "7", name: "x".repeat(3000) }, secret, salt });
const pieces = long.match(/.{1,1000}/g).map((piece, nth) => `${salt}.${nth}=${piece}`);
make("/auth-js", "emily", { cookie: `${salt}=${sealed}` });
make("/auth-js", "emma", { cookie: pieces.join("; ") });
make("/auth-js", null, { cookie: pieces.slice(1).join("; ") });
make("/auth-js", null, { cookie: `${salt}=${await encode({ token: { sub: "5" }, secret, salt, maxAge: -60 })}` });
make("/auth-js", null, { cookie: `${salt}=${await encode({ token: { sub: "5" }, secret, salt: "other" })}` });
make("/auth-js", null, { cookie: `${salt}=${await encode({ token: { sub: "5" }, secret: "another secret", salt })}` });

// Sealed tokens.
const access = (claims, end = "10m") => new jose.SignJWT({ iss: "https://issuer.example", aud: "gallery", sub: "emma", ...claims })
  .setProtectedHeader({ alg: "HS256" }).setExpirationTime(end).sign(new TextEncoder().encode("0123456789abcdef0123456789abcdef"));
const sealTo = async (text, key, header) =>
  new jose.CompactEncrypt(new TextEncoder().encode(text)).setProtectedHeader(header).encrypt(key);
const shared = Uint8Array.from({ length: 32 }, (_, nth) => nth);
const direct = (claims, end, header = { alg: "dir", enc: "A256GCM" }, key = shared) =>
  new jose.EncryptJWT(claims).setProtectedHeader(header).setExpirationTime(end).encrypt(key);
make("/jwe", "emma", { bearer: await direct({ sub: "emma" }, "10m") });
make("/jwe", null, { bearer: await direct({ sub: "emma" }, "-10m") });
make("/jwe", null, { bearer: await direct({ sub: "nobody" }, "10m") });
make("/jwe", null, { bearer: await direct({ sub: "emma" }, "10m", undefined, shared.map((byte) => byte + 1)) });
make("/jwe", null, { bearer: await direct({ sub: "emma" }, "10m", { alg: "dir", enc: "A128CBC-HS256" }) });
const { keys } = await (await fetch(`${site}/jwe/jwks.json`)).json();
for (const jwk of keys) {
  for (const alg of jwk.kty === "EC" ? ["ECDH-ES", "ECDH-ES+A256KW"] : ["RSA-OAEP-256"]) {
    for (const enc of ["A256GCM", "A128CBC-HS256"]) {
      const key = await jose.importJWK(jwk, alg);
      const header = { alg, enc, cty: "JWT" };
      make("/jwe", "emma", { bearer: await sealTo(await access({}), key, { ...header, kid: jwk.kid }) });
      make("/jwe", "emma", { bearer: await sealTo(await access({}), key, header) });
      make("/jwe", null, { bearer: await sealTo(await access({}, "-10m"), key, header) });
      make("/jwe", null, { bearer: await sealTo(await access({ aud: "other" }), key, header) });
      make("/jwe", null, { bearer: await sealTo(await access({ cnf: { jkt: "x" } }), key, header) });
      make("/jwe", null, { bearer: await sealTo(JSON.stringify({ sub: "emma", exp: 4102444800 }), key, { alg, enc }) });
      make("/jwe", null, { bearer: await sealTo(JSON.stringify({ sub: "emma", exp: 4102444800 }), key, header) });
      const none = new jose.UnsecuredJWT({ iss: "https://issuer.example", aud: "gallery", sub: "emma", exp: 4102444800 }).encode();
      make("/jwe", null, { bearer: await sealTo(none, key, header) });
    }
    // The key would open these, and is told not to.
    const encrypted = { alg, enc: "A256CBC-HS512", cty: "JWT" };
    make("/jwe", null, { bearer: await sealTo(await access({}), await jose.importJWK(jwk, alg), encrypted) });
    if (alg === "RSA-OAEP-256") {
      const other = await jose.importJWK((await jose.exportJWK((await jose.generateKeyPair(alg)).publicKey)), alg);
      make("/jwe", null, { bearer: await sealTo(await access({}), other, { alg, enc: "A256GCM", cty: "JWT" }) });
    }
  }
}
make("/jwe", null, { bearer: await access({}) });

let input = "";
for await (const chunk of process.stdin) input += chunk;
const ours = JSON.parse(input);
const is = (actual, expected) => {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) throw new Error(`${JSON.stringify(actual)} is not ${expected}`);
};
is(unsign(ours.express.slice(2), "keyboard cat"), "s3ss10n-id-0001");
is((await decode({ token: ours.auth_js, secret, salt })).sub, "5");
is((await jose.jwtDecrypt(ours.jwe, shared)).payload.sub, "emma");
const read = await new Promise((resolve) => {
  const request = { headers: { cookie: `session=${ours.cookie_session[0]}; session.sig=${ours.cookie_session[1]}` } };
  const response = { getHeader: () => undefined, setHeader: () => {}, writeHead: () => {}, on: () => {} };
  cookieSession({ name: "session", keys: ["key2"] })(request, response, () => resolve(request.session.user));
});
is(read, "emma");
console.log(JSON.stringify(made));
