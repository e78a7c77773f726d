"""Signs in to the gallery by Chromium, which binds the session to a key of its own, and prints `done` once the session has outlived its short cookie.

Told on stdin: the port of the gallery with TLS, and its certificate authority, which Chromium must trust: where a certificate is only let pass, it binds
nothing.
"""

import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

told = json.load(sys.stdin)
# Keys in software, because a machine for tests has no other place to keep them.
FEATURES = "DeviceBoundSessions:RequireOriginTrialTokens/false,EnableBoundSessionCredentialsSoftwareKeysForManualTesting"
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--enable-features={FEATURES}"]

# Signs in, and asks until the session is bound; then once more after its cookie has ended.
SCRIPT = """
const [done] = arguments;
const pause = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));
const ask = async () => { const answer = await fetch('/dbsc'); return [answer.status, answer.ok ? await answer.json() : null]; };
(async () => {
    const body = JSON.stringify({ username: 'emma', password: 'p\\u00e4ssw\\u00f6rd-emma' });
    const signed = await fetch('/dbsc/sign-in', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
    let first = await ask();
    for (let tries = 0; first[0] !== 200 && tries < 100; tries++) { await pause(100); first = await ask(); }
    await pause(11000);
    const later = await ask();
    const ended = await fetch('/dbsc', { method: 'DELETE' });
    done([signed.status, first, later, ended.status, (await ask())[0]]);
})().catch(error => done(String(error)));
"""


class Driver:
    """The WebDriver of Chromium, as far as it is needed."""

    def __init__(self, home):
        environment = {**os.environ, "HOME": str(home)}
        self.process = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True, env=environment)
        lines = iter(self.process.stdout.readline, "")
        self.port = next(int(found[1]) for line in lines if (found := re.search(r"on port (\d+)\.", line)))
        options = {"binary": "/usr/bin/chromium", "args": [*ARGUMENTS, f"--user-data-dir={home / 'profile'}"]}
        wanted = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options, "timeouts": {"script": 60000}}}}
        self.session = ""
        self.session = "/" + self.ask("", wanted)["sessionId"]

    def ask(self, path, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=90)
        connection.request("POST", f"/session{self.session}{path}", json.dumps(body))
        answer = json.loads(connection.getresponse().read())["value"]
        if isinstance(answer, dict) and "error" in answer:
            raise RuntimeError(answer["message"])
        return answer

    def end(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("DELETE", f"/session{self.session}")
        connection.getresponse().read()
        self.process.terminate()
        self.process.wait()


with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
    home = pathlib.Path(folder)
    database = home / ".pki" / "nssdb"
    database.mkdir(parents=True)
    subprocess.run(["certutil", "-d", f"sql:{database}", "-N", "--empty-password"], check=True)
    subprocess.run(["certutil", "-d", f"sql:{database}", "-A", "-t", "C,,", "-n", "test", "-i", told["ca"]], check=True)
    driver = Driver(home)
    try:
        # The pages of the gallery run no scripts; this one is the test's.
        driver.ask("/goog/cdp/execute", {"cmd": "Page.enable", "params": {}})
        driver.ask("/goog/cdp/execute", {"cmd": "Page.setBypassCSP", "params": {"enabled": True}})
        driver.ask("/url", {"url": f"https://localhost:{told['port']}/dbsc"})
        said = driver.ask("/execute/async", {"script": SCRIPT, "args": []})
    finally:
        driver.end()

emma = {"caller": {"name": "emma", "scheme": "dbsc", "bound": True}}
assert said == [204, [200, emma], [200, emma], 204, 401], said
print("done")
