#!/usr/bin/env python3
"""Which crates with `unsafe` code the published crates stand on, against what is on record in tests/unsafe.txt.

`python3 .ci/unsafe.py` compares; `python3 .ci/unsafe.py --record` writes the record anew. Counted are the crates that end up in a build with
every feature on Linux, not those that build it or test it. In ours the compiler forbids it, by the lints of the workspace, which each crate
must take over: that is looked at, too.
"""
import json, os, re, subprocess, sys

HERE = os.path.dirname(os.path.abspath(__file__))
RECORD = os.path.join(HERE, "..", "tests", "unsafe.txt")
PLATFORM = "x86_64-unknown-linux-gnu"
HEAD = f"# Crates with `unsafe` code beneath the published ones, with every feature, on {PLATFORM}. Written by `python3 .ci/unsafe.py --record`.\n"
# What is no code: comments, and strings, which may speak of it.
NO_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|b?r#"(?:.|\n)*?"#|b?"(?:\\.|[^"\\])*"', re.S)
UNSAFE = re.compile(r"\bunsafe\b\s*(?:\{|fn\b|impl\b|trait\b|extern\b)")


def uses_unsafe(folder):
    for place, _, names in os.walk(os.path.join(folder, "src")):
        for name in names:
            if name.endswith(".rs"):
                with open(os.path.join(place, name), encoding="utf-8", errors="replace") as text:
                    if UNSAFE.search(NO_CODE.sub(" ", text.read())):
                        return True
    return False


def main():
    command = ["cargo", "metadata", "--format-version=1", "--locked", "--all-features", f"--filter-platform={PLATFORM}"]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    packages = {package["id"]: package for package in told["packages"]}
    nodes = {node["id"]: node for node in told["resolve"]["nodes"]}
    ours = [id for id in told["workspace_members"] if packages[id]["publish"] != []]
    wrong = []
    for id in told["workspace_members"]:
        with open(packages[id]["manifest_path"]) as manifest:
            if not re.search(r"^\[lints\]\nworkspace = true$", manifest.read(), re.M):
                wrong.append(f"{packages[id]['name']} does not take over the lints of the workspace, which forbid unsafe code")
    found, waiting = set(ours), list(ours)
    while waiting:
        for dependency in nodes[waiting.pop()]["deps"]:
            is_built_in = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            is_macro = any("proc-macro" in target["kind"] for target in packages[dependency["pkg"]]["targets"])
            if is_built_in and not is_macro and dependency["pkg"] not in found:
                found.add(dependency["pkg"])
                waiting.append(dependency["pkg"])
    strangers = [packages[id] for id in found if id not in told["workspace_members"]]
    names = sorted({package["name"] for package in strangers if uses_unsafe(os.path.dirname(package["manifest_path"]))})
    if "--record" in sys.argv:
        with open(RECORD, "w") as record:
            record.write(HEAD + "".join(f"{name}\n" for name in names))
    with open(RECORD) as record:
        known = [line.strip() for line in record if line.strip() and not line.startswith("#")]
    wrong += [f"{name} has unsafe code and is not on record: look at it, then record it" for name in names if name not in known]
    wrong += [f"{name} is on record, and there is no such crate with unsafe code any more" for name in known if name not in names]
    print(f"{len(names)} of {len(strangers)} crates have unsafe code")
    if wrong:
        sys.exit("\n".join(wrong))


main()
