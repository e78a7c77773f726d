// Verifies our tokens with jose, and signs one with each algorithm, under fresh keys.
import * as jose from "jose";
import { text } from "node:stream/consumers";
import { stdin, stdout } from "node:process";

const ours = JSON.parse(await text(stdin));
const secret = Buffer.from(ours.secret, "base64url");
const checks = { issuer: "https://issuer.example", audience: "people", requiredClaims: ["exp"] };

for (const { alg, token, jwks } of ours.tokens) {
  const key = alg.startsWith("HS") ? secret : jose.createLocalJWKSet(jwks);
  const { payload } = await jose.jwtVerify(token, key, { ...checks, algorithms: [alg], typ: "JWT" });
  if (payload.sub !== "emily" || payload.jti !== 'ä"\\') throw new Error(JSON.stringify(payload));
  const forged = token.slice(0, -8) + "AAAAAAAA";
  const passes = await jose.jwtVerify(forged, key, checks).then(() => true, () => false);
  if (passes) throw new Error("a forged token passes");
}

const theirs = [];
for (const { alg } of ours.tokens) {
  const claims = { aud: ["other", "people"], extra: { nested: [1, 2] } };
  const draft = new jose.SignJWT(claims)
    .setProtectedHeader({ alg, kid: "k", typ: "at+jwt" })
    .setIssuer("https://issuer.example").setSubject("emily").setIssuedAt().setExpirationTime(ours.exp);
  if (alg.startsWith("HS")) {
    theirs.push({ alg, token: await draft.sign(secret), jwk: { kty: "oct", alg, k: ours.secret } });
    continue;
  }
  const { publicKey, privateKey } = await jose.generateKeyPair(alg);
  const jwk = { ...(await jose.exportJWK(publicKey)), alg, kid: "k", use: "sig" };
  theirs.push({ alg, token: await draft.sign(privateKey), jwk });
}
stdout.write(JSON.stringify(theirs));
