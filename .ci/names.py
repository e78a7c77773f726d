"""Every test that the manual names exists.

The manual says which test holds against which mistake. A test that was renamed, or lost, is found here: each name in backticks in the pages
below that has the form of a test's (lower case, two underscores at least) must be the name of a test or of a conformance case, and what stands in front of `::` must be where
it is. What the crate offers by such a name, a setting say, is no test and passes too.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = ["core/src/manual/pitfalls.md", "core/src/manual/threats.md"]
NAMED = re.compile(r"`(?P<name>(?:[a-z0-9-]+::)*[a-z0-9_]*_[a-z0-9_]*_[a-z0-9_]*)`")
FUNCTION = re.compile(r"#\[(?:[a-z_]+::)?test(?:\([^\]]*\))?\]\s*(?:#\[[^\]]*\]\s*)*(?:async )?fn (\w+)|proptest! *\{|^\s*fn (\w+)\(\w+ in ", re.M)
OFFERED = re.compile(r"\bpub (?:async )?fn (\w+)")
CASE = re.compile(r"pub\(crate\) fn (\w+)\(lab: &Lab\)")
CASE_OF_HTTP2 = re.compile(r"pub\(super\) fn (\w+)\(site: &Site\)")


def tests():
    """The name of each test, with the files that hold one of it."""
    found = {}
    for path in ROOT.rglob("*.rs"):
        if "target" in path.relative_to(ROOT).parts:
            continue
        text = path.read_text()
        names = [one or other for one, other in FUNCTION.findall(text)]
        names += OFFERED.findall(text) if "src" in path.parts else []
        names += CASE.findall(text) if "tests/src/cases" in path.as_posix() else []
        names += CASE_OF_HTTP2.findall(text) if "tests/src/http2" in path.as_posix() else []
        for name in filter(None, names):
            found.setdefault(name, set()).add(path.relative_to(ROOT))
    return found


def places(path):
    """The words by which a test in this file may be found: its folders, its modules, its crate."""
    words = {part.replace("-", "_") for part in path.with_suffix("").parts} | {"tests"}
    return words | {"_".join(path.parts[1:3]).replace("-", "_")}


def main():
    found, wrong, count = tests(), [], 0
    for page in PAGES:
        for named in NAMED.finditer((ROOT / page).read_text()):
            *words, name = named["name"].split("::")
            count += 1
            paths = found.get(name, set())
            wanted = {word.replace("-", "_") for word in words}
            if not any(wanted <= places(path) for path in paths):
                wrong.append(f"{page}: {named['name']} is no test" + (f" there, but in {', '.join(map(str, paths))}" if paths else ""))
    print("\n".join(wrong) or f"{count} tests are named, and each is there")
    sys.exit(bool(wrong) or not count)


main()
