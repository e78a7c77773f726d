#!/usr/bin/env python3
"""Counts what each case of the benches costs, and compares it with what is on record in tests/cost.txt.

`python3 .ci/cost.py` compares; `python3 .ci/cost.py --record` writes the record anew. Blocks of memory, which the bench counts itself, must be
as many as on record: of fewer the record has to be told. Instructions, which callgrind counts, may be 5 % more; another compiler than that of the
record makes others, and they are then shown and not judged.
"""
import json, os, re, subprocess, sys, tempfile

BENCHES = {"core": "countersign-conformance", "axum": "countersign-axum", "actix-web": "countersign-actix-web", "rocket": "countersign-rocket"}
RECORD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "cost.txt")
TIMES, SLACK = 2000, 0.05
# What is counted, and nothing of what comes before it: a cryptographic library that gathers randomness at start never takes as long twice.
COUNTED = "*cost::counted*"


def executables():
    packages = [part for package in BENCHES.values() for part in ("-p", package)]
    command = ["cargo", "bench", "--locked", "-q", "--no-run", *packages, "--bench", "core", "--bench", "cost", "--message-format=json"]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    built = [message for message in map(json.loads, lines) if message.get("executable") and "bench" in message["target"]["kind"]]
    for name, package in BENCHES.items():
        folder = "/tests#" if name == "core" else f"/{name}#"
        yield name, next(message["executable"] for message in built if folder in message["package_id"])


def blocks(program):
    lines = subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return {m[1]: int(m[2]) for m in (re.match(r"(.*?)\s+(\d+) blocks", line) for line in lines) if m}


def instructions(program, case):
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", f"--toggle-collect={COUNTED}", f"--callgrind-out-file={folder}/out", program, case, str(TIMES)]
        said = subprocess.run(command, check=True, stderr=subprocess.PIPE, text=True).stderr
        return round(int(re.search(r"Collected : (\d+)", said)[1]) / TIMES)


def recorded():
    with open(RECORD) as lines:
        text = lines.read()
    cases = {m[1]: (int(m[2]), int(m[3])) for m in re.finditer(r"^(\S+: .*?) +(\d+) +(\d+)$", text, re.M)}
    return re.search(r"rustc \S+", text)[0], cases


def main():
    recording = "--record" in sys.argv
    compiler = re.search(r"rustc \S+", subprocess.run(["rustc", "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout)[0]
    of, record = (compiler, {}) if recording else recorded()
    wrong, lines = [], []
    for name, program in executables():
        for case, count in blocks(program).items():
            case, each = f"{name}: {case}", instructions(program, case)
            lines.append(f"{case:<40} {each:>8} {count:>4}")
            known = record.get(case)
            print(lines[-1] + (f"   on record {known[0]}, {known[1]}" if known else ""), flush=True)
            if recording:
                continue
            if known is None:
                wrong.append(f"{case} is not on record")
            elif count != known[1]:
                wrong.append(f"{case} takes {count} blocks, and {known[1]} are on record")
            elif of == compiler and each > known[0] * (1 + SLACK):
                wrong.append(f"{case} takes {each} instructions, and {known[0]} are on record")
    if recording:
        with open(RECORD, "w") as out:
            out.write(f"Instructions and blocks of memory of one request, by `python3 .ci/cost.py --record` and {compiler}.\n\n" + "\n".join(lines) + "\n")
    if wrong:
        sys.exit("\n".join(wrong))


main()
