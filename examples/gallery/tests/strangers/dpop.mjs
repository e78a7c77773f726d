// Asks the gallery with the library dpop, as a client would: argv is the address of the gallery.
import { createHmac } from 'node:crypto'
import * as DPoP from 'dpop'
import { calculateJwkThumbprint, exportJWK } from 'jose'

const site = process.argv[1]
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
const accessToken = (claims) => {
  const text = `${encode({ alg: 'HS256', typ: 'at+jwt' })}.${encode(claims)}`
  return `${text}.${createHmac('sha256', '0123456789abcdef0123456789abcdef').update(text).digest('base64url')}`
}
const answers = {}
for (const alg of ['ES256', 'Ed25519']) {
  const keys = await DPoP.generateKeyPair(alg, { extractable: true })
  const jkt = await calculateJwkThumbprint(await exportJWK(keys.publicKey))
  const exp = Math.floor(Date.now() / 1000) + 60
  const token = accessToken({ iss: 'https://issuer.example', aud: 'gallery', sub: 'emma', exp, cnf: { jkt } })
  const ask = async (path, method, nonce) => {
    const proof = await DPoP.generateProof(keys, `${site}${path}`, method, nonce, token)
    const headers = { authorization: `DPoP ${token}`, dpop: proof }
    const first = await fetch(`${site}${path}?a=b`, { method, headers })
    const again = await fetch(`${site}${path}?a=b`, { method, headers })
    return { status: first.status, again: again.status, nonce: first.headers.get('dpop-nonce') }
  }
  const plain = await ask('/dpop', 'POST')
  const asked = await ask('/dpop/nonce', 'GET')
  const answered = await ask('/dpop/nonce', 'GET', asked.nonce)
  answers[alg] = [plain.status, plain.again, asked.status, answered.status, answered.again]
}
console.log(JSON.stringify(answers))
