// Asks the gallery at argv[2] with tokens of the npm package `wsse`, and prints a line for each: where, status, who. With `nonceBase64` it
// speaks the dialect of OASIS, without it that of the old articles.

import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const packages = createRequire(process.argv[3] + '/');
const { UsernameToken } = await import(pathToFileURL(packages.resolve('wsse')));
const site = process.argv[2];

async function ask(path, header, what = '') {
    const response = await fetch(site + path, { headers: { authorization: 'WSSE profile="UsernameToken"', 'x-wsse': header } });
    const who = response.ok ? (await response.json()).caller.name : '-';
    console.log(`wsse ${path}${what} ${response.status} ${who}`);
}

const seconds = (date) => date.toISOString().replace(/\.\d+/, '');

for (const [path, nonceBase64] of [['/wsse', true], ['/wsse/text', false]]) {
    const token = (more) => new UsernameToken({ username: 'bob', password: 'taadtaadpstcsm', ...more }).getWSSEHeader({ nonceBase64 });
    const header = token({});
    await ask(nonceBase64 ? '/wsse/text' : '/wsse', header);
    await ask(path, header);
    await ask(path, header, ' again');
    await ask(path, token({ password: 'wrong' }), ' wrong');
    await ask(path, token({ created: seconds(new Date(Date.now() - 3600_000)) }), ' an hour ago');
}
