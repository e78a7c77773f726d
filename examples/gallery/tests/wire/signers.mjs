// Asks the gallery at argv[2] by Hawk's own client, and prints a line for each: what, status, and whether the answer is the server's own.

import { createRequire } from 'node:module';

const Hawk = createRequire(process.argv[3] + '/')('hawk');
const site = process.argv[2];
const credentials = { id: 'dh37fgj492je', key: 'werxhqb98rpaxn39848xrunpaw3489ruxnpa98w4rxn', algorithm: 'sha256' };

for (const [method, payload] of [['GET', undefined], ['POST', 'Thank you for flying Hawk']]) {
    const url = `${site}/hawk?b=1&a=2`;
    const contentType = payload && 'text/plain';
    const { header, artifacts } = Hawk.client.header(url, method, { credentials, payload, contentType, ext: 'some-app-data', app: 'x', dlg: 'y' });
    const response = await fetch(url, { method, body: payload, headers: { authorization: header, ...(payload && { 'content-type': contentType }) } });
    const shown = { headers: Object.fromEntries(response.headers) };
    Hawk.client.authenticate(shown, credentials, artifacts, { required: true });
    console.log(`hawk ${method}`, response.status, (await response.json()).caller.name);
}

// A wrong clock is told the time, which is MACed, and the client takes it.
const url = `${site}/hawk`;
const { header, artifacts } = Hawk.client.header(url, 'GET', { credentials, timestamp: Math.floor(Date.now() / 1000) - 3600 });
const stale = await fetch(url, { headers: { authorization: header } });
const { headers } = Hawk.client.authenticate({ headers: Object.fromEntries(stale.headers) }, credentials, artifacts, { required: false });
console.log('hawk stale', stale.status, headers['www-authenticate'].error);

const bewit = Hawk.uri.getBewit(`${site}/hawk/bewit?a=b`, { credentials, ttlSec: 60, ext: 'e' });
const linked = await fetch(`${site}/hawk/bewit?a=b&bewit=${bewit}`);
console.log('hawk bewit', linked.status, (await linked.json()).caller.name);
