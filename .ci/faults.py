#!/usr/bin/env python3
"""Says which of the faults in tests/faults do not apply: the text of each change must stand in its file exactly once.

`seed-faults` says so too, but only after it has built everything; a fault that no longer applies proves nothing meanwhile."""

import pathlib
import sys

wrong = []


def judge(listed: pathlib.Path, name: str, path: str, old: list[str]) -> None:
    file = pathlib.Path(path)
    places = file.read_text().count("".join(line + "\n" for line in old)) if old and file.exists() else 0
    if places != 1:
        wrong.append(f"{listed}: {name!r} stands {places} times in {path}, not once")


count = 0
for listed in sorted(pathlib.Path("tests/faults").glob("*.txt")):
    name, path, old = "", "", []
    for line in [*listed.read_text().splitlines(), "== "]:
        if line.startswith(("== ", "@@ ")):
            if path:
                judge(listed, name, path, old)
            path, old = "", []
        if line.startswith("== "):
            name = line[3:]
            count += bool(name)
        elif line.startswith("@@ "):
            path = line[3:]
        elif line.startswith("-"):
            old.append(line[1:])

for sentence in wrong:
    print(sentence)
sys.exit(f"{len(wrong)} changes of {count} faults do not apply" if wrong else 0)
