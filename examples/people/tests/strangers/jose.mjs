// Makes keys and signs tokens with jose. Asked in JSON on the standard input: {"make": [alg, …]} or {"sign": [{key, header, claims}, …]}.
import * as jose from "jose";
import { text } from "node:stream/consumers";
import { stdin, stdout } from "node:process";

const { make = [], sign = [] } = JSON.parse(await text(stdin));
const made = [];
for (const [index, alg] of make.entries()) {
  const { privateKey } = await jose.generateKeyPair(alg, { extractable: true });
  made.push({ ...(await jose.exportJWK(privateKey)), alg, use: "sig", kid: `${alg}-${index}-${crypto.randomUUID()}` });
}
for (const { key, header, claims } of sign) {
  const signer = new jose.SignJWT(claims).setProtectedHeader(header);
  made.push(await signer.sign(await jose.importJWK(key, header.alg)));
}
stdout.write(JSON.stringify(made));
