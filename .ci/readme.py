"""The README's starts are the quickstart examples to the letter, and work when pasted into new crates outside the workspace. So does the
example of an app's own store, which the suite of stores finds right there, and wrong when it forgets whose a session is.

`write` puts the examples into the README. Without it, the starts are compared, pasted, built, started, and asked; the three
must answer alike.
"""

import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
HOWTO = ROOT / "core" / "src" / "manual" / "howto.md"
START = re.compile(r"```toml\n(?P<manifest>.*?)```\n<!-- (?P<path>\S+) -->\n```rust\n(?P<program>.*?)```\n", re.S)

ASKED = [
    ("/", []),
    ("/", ["-H", "Authorization: Bearer wrong"]),
    ("/", ["-u", "emily:s3cret"]),
    ("/me", []),
    ("/me", ["-u", "emily:s3cret"]),
    ("/me", ["-u", "emily:wrong"]),
    ("/me", ["-H", "authorization: bearer a-long-random-token"]),
    ("/me", ["-H", "Authorization: Bearer a", "-H", "Authorization: Bearer b"]),
    ("/reports", ["-X", "POST"]),
    ("/reports", ["-X", "POST", "-u", "emily:s3cret"]),
    ("/reports", ["-X", "POST", "-H", "Authorization: Bearer a-long-random-token"]),
]
# What a newcomer writes instead, and what the compiler must tell them.
MISTAKES = [
    ("visitor: Visitor<User>", "visitor: Option<Granted<User>>", "write `Visitor<_>`, which is somebody or nobody"),
    ('scope("reports:write")).enforce', '"reports:write").enforce', 'for a scope `scope("reports:write")`'),
    ('scope("reports:write")).enforce', "|_: &countersign::Grant<User>| true).enforce", "for a closure `permits(|grant, request| …)`"),
]
# Where the message is the framework's own: the how-to quotes it, and says what to write.
OF_FRAMEWORKS = {
    "start-axum": [
        (".layer(gate.attach())", ".layer(gate.clone())", "Layer<Route>` is not satisfied"),
        (".with_state(gate)", ".with_state(())", "expected `Gate<User>`, found"),
    ],
    "start-actix-web": [(".wrap(gate.attach())", ".wrap(gate.clone())", "Gate<User>: Transform<")],
    "start-rocket": [(".attach(gate.attach())", ".attach(gate.clone())", "Fairing` is not satisfied")],
}
COMPARED = re.compile(r"^(HTTP|www-authenticate|cache-control|content-type|vary|retry-after)", re.I)


def starts():
    found = [match.groupdict() for match in START.finditer(README.read_text())]
    assert len(found) == 3, f"the README has {len(found)} starts"
    return found


def write():
    def replaced(match):
        program = (ROOT / match["path"]).read_text()
        return f"```toml\n{match['manifest']}```\n<!-- {match['path']} -->\n```rust\n{program}```\n"
    README.write_text(START.sub(replaced, README.read_text()))


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(port, server):
    for _ in range(200):
        assert server.poll() is None, "the program ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the program does not listen")


def answers(binary):
    port = free_port()
    server = subprocess.Popen([binary, f"127.0.0.1:{port}"])
    try:
        wait_for(port, server)
        return [ask(port, path, options) for path, options in ASKED]
    finally:
        server.terminate()
        server.wait(10)


def ask(port, path, options):
    curl = ["curl", "--silent", "--include", "--max-time", "10", *options, f"http://127.0.0.1:{port}{path}"]
    head, _, body = subprocess.run(curl, check=True, capture_output=True, text=True).stdout.partition("\n\n")
    lines = [line.strip() for line in head.splitlines() if COMPARED.match(line)]
    status, fields = lines[0].split()[1], [f"{name.lower()}:{value}" for name, _, value in (line.partition(":") for line in lines[1:])]
    return status, sorted(field for field in fields if not field.startswith("content-type: text/plain")), body


def tells(crate, target, program, wrote, instead, sentence):
    """A mistake is not built, and the compiler says what to write."""
    assert wrote in program, f"the start holds no {wrote}"
    mistaken = program.replace(wrote, instead).replace("visitor.grant().map_or", "visitor.map_or") if "Option" in instead else program.replace(wrote, instead)
    mistaken = mistaken.replace('map_or("stranger", |me| &me.name)', 'map_or("stranger".to_owned(), |me| me.name.clone())')
    (crate / "src" / "main.rs").write_text(mistaken)
    built = subprocess.run(["cargo", "build", "--quiet", "--target-dir", target], cwd=crate, capture_output=True, text=True)
    assert built.returncode and sentence in built.stderr, f"{instead}: {built.stderr}"
    quoted = sentence.replace("|", "\\|")
    assert quoted in HOWTO.read_text(), f"the how-to does not say what {instead} gives: {quoted}"
    print("not built:", instead, "->", sentence)


def own_store(outside, target):
    """A store of somebody else's, in a crate of their own."""
    crate, example = pathlib.Path(outside) / "own-store", ROOT / "examples" / "own-store"
    manifest = f'''[package]
name = "own-store"
version = "0.1.0"
edition = "2024"

[dependencies]
countersign = {{ path = "{ROOT}/core" }}

[dev-dependencies]
countersign-conformance = {{ path = "{ROOT}/tests" }}

[workspace]
'''
    for part in ["src/lib.rs", "tests/suite.rs"]:
        (crate / part).parent.mkdir(parents=True, exist_ok=True)
        (crate / part).write_text((example / part).read_text())
    (crate / "Cargo.toml").write_text(manifest)
    (crate / "Cargo.lock").write_text((ROOT / "Cargo.lock").read_text())
    store = crate / "src" / "lib.rs"
    right = store.read_text()
    whose = "*kept.subject == *subject && *kept.id == *id"
    assert right.count(whose) == 1, "the store asks elsewhere whose a session is"
    for program, passes in [(right, True), (right.replace(whose, "!subject.is_empty() && *kept.id == *id"), False)]:
        store.write_text(program)
        tests = subprocess.run(["cargo", "test", "--quiet", "--target-dir", target, "--test", "suite"], cwd=crate, capture_output=True, text=True)
        assert (tests.returncode == 0) is passes and " passed; " in tests.stdout, tests.stdout + tests.stderr
        print("a store of one's own:", next(line for line in tests.stdout.splitlines() if " passed; " in line))


def main():
    seen = {}
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "readme"
    with tempfile.TemporaryDirectory() as outside:
        for start in starts():
            assert start["program"] == (ROOT / start["path"]).read_text(), f"{start['path']} is not what the README shows: python3 .ci/readme.py write"
            name = "start-" + pathlib.Path(start["path"]).parts[2]
            crate = pathlib.Path(outside) / name
            (crate / "src").mkdir(parents=True)
            manifest = start["manifest"].replace('path = "../countersign/', f'path = "{ROOT}/')
            (crate / "Cargo.toml").write_text(f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2024"\n\n{manifest}\n[workspace]\n')
            (crate / "src" / "main.rs").write_text(start["program"])
            # The versions that everything else is tested with.
            (crate / "Cargo.lock").write_text((ROOT / "Cargo.lock").read_text())
            subprocess.run(["cargo", "build", "--quiet", "--target-dir", target], cwd=crate, check=True)
            seen[name] = answers(target / "debug" / name)
            # Elsewhere the framework itself makes an `Option` of every guard.
            ours = MISTAKES if name == "start-axum" else MISTAKES[1:]
            for mistake in ours + OF_FRAMEWORKS[name]:
                tells(crate, target, start["program"], *mistake)
        own_store(outside, target)
    first, *others = seen
    for other in others:
        for (path, options), one, two in zip(ASKED, seen[first], seen[other]):
            assert one == two, f"{path} {options}:\n{first}: {one}\n{other}: {two}"
    for (path, options), (status, _, body) in zip(ASKED, seen[first]):
        print(status, path, *options, "->", body[:60])


if sys.argv[1:] == ["write"]:
    write()
else:
    main()
