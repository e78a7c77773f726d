#!/usr/bin/env python3
"""Counts the instructions of each case of the benches, by callgrind, and compares them with what is on record in tests/cost.txt.

`python3 .ci/cost.py` compares; `python3 .ci/cost.py --record` writes the record anew. A case may cost 3 % more than on record; one that
costs less is told, so that the record follows. Blocks of memory are counted by the bench itself, and may not grow at all.
"""
import json, os, re, subprocess, sys, tempfile

BENCHES = [
    ("countersign-conformance", "core"),
    ("countersign-axum", "cost"),
    ("countersign-actix-web", "cost"),
    ("countersign-rocket", "cost"),
]
RECORD = os.path.join(os.path.dirname(__file__), "..", "tests", "cost.txt")
TIMES, SLACK = 2000, 0.03
# What is counted, and nothing of what comes before it: a cryptographic library that gathers randomness at start never takes as long twice.
COUNTED = "*cost::counted*"


def executable(package, bench):
    command = ["cargo", "bench", "--locked", "-q", "--no-run", "-p", package, "--bench", bench, "--message-format=json"]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return [message["executable"] for message in map(json.loads, lines) if message.get("executable")][-1]


def blocks(program):
    lines = subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return {m[1]: int(m[2]) for m in (re.match(r"(.*?)\s+(\d+) blocks", line) for line in lines) if m}


def instructions(program, case):
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", f"--toggle-collect={COUNTED}", f"--callgrind-out-file={folder}/out", program, case, str(TIMES)]
        said = subprocess.run(command, check=True, stderr=subprocess.PIPE, text=True).stderr
        return round(int(re.search(r"Collected : (\d+)", said)[1]) / TIMES)


def measured():
    for package, bench in BENCHES:
        program = executable(package, bench)
        for case, count in blocks(program).items():
            yield f"{package.removeprefix('countersign-')}: {case}".replace("conformance", "core"), instructions(program, case), count


def main():
    record = {}
    if "--record" not in sys.argv:
        if not os.path.exists(RECORD):
            sys.exit("nothing is on record: run `python3 .ci/cost.py --record` on the tree to compare with")
        with open(RECORD) as lines:
            record = {m[1]: (int(m[2]), int(m[3])) for m in (re.match(r"(.*?)\s+(\d+)\s+(\d+)$", line) for line in lines) if m}
    worse, lines = [], []
    for case, count, allocated in measured():
        known = record.get(case)
        lines.append(f"{case:<40} {count:>8} {allocated:>4}")
        print(lines[-1] + (f"   on record {known[0]}, {known[1]}" if known else ""), flush=True)
        if record and (known is None or count > known[0] * (1 + SLACK) or allocated > known[1]):
            worse.append(case)
    if "--record" in sys.argv:
        with open(RECORD, "w") as out:
            out.write("Instructions and blocks of memory of one request, by `python3 .ci/cost.py --record`.\n\n" + "\n".join(lines) + "\n")
    if worse:
        sys.exit("costs more than on record: " + "; ".join(worse))


main()
