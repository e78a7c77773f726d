"""Every link of the documentation that was built leads somewhere: to a page that is there, and to a place on it.

Looked at are the crates that are published, in the folder `doc` below the target folder. Links to other sites are not followed.
"""

import html.parser
import json
import os
import pathlib
import subprocess
import sys
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What others wrote about the traits that they implement for every type, and rustdoc shows on our pages as it stands.
OF_OTHERS = {"dispatcher#setting-the-default-subscriber", "crate#per-style"}
DOC = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "doc"


class Page(html.parser.HTMLParser):
    """Where a page leads, and the places on it."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.links, self.places, self.elsewhere = set(), set(), None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        if tag == "meta" and known.get("http-equiv", "").lower() == "refresh":
            self.elsewhere = known["content"].partition("URL=")[2]
        for name, value in attributes:
            if name == "id":
                self.places.add(value)
            elif name == "href" and value and tag == "a":
                self.links.add(value)


def crates():
    known = subprocess.run(
        ["cargo", "metadata", "--no-deps", "--format-version", "1", "--locked"], cwd=ROOT, check=True, capture_output=True
    )
    packages = json.loads(known.stdout)["packages"]
    targets = [target["name"] for package in packages for target in package["targets"] if "lib" in target["kind"]]
    names = {name.replace("-", "_") for name in targets if name.startswith("countersign")}
    return sorted(name for name in names - {"countersign_conformance"} if (DOC / name).is_dir())


def beside(path, link):
    return pathlib.Path(os.path.normpath(path.parent / urllib.parse.unquote(link)))


def main():
    pages, names = {}, crates()
    if "countersign" not in names:
        sys.exit(f"no documentation stands in {DOC}: cargo doc --workspace --all-features --no-deps")

    def page(path):
        path = path / "index.html" if path.is_dir() else path
        if path not in pages:
            pages[path] = Page(path.read_text()) if path.is_file() else None
        found = pages[path]
        return page(beside(path, found.elsewhere)) if found and found.elsewhere else found

    for path in (path for name in names for path in (DOC / name).rglob("*.html")):
        page(path)

    faults, followed = [], 0
    for path in sorted(path for path in pages if pages[path]):
        for link in sorted(set() if pages[path].elsewhere else pages[path].links):
            parts = urllib.parse.urlsplit(link)
            # A link to source lines names several of them, by a script. What is a path of Rust still is in a crate whose pages are not built here.
            if parts.scheme or parts.netloc or "/src/" in link or "::" in link or link in OF_OTHERS:
                continue
            target = beside(path, parts.path) if parts.path else path
            followed += 1
            if page(target) is None:
                faults.append(f"{path.relative_to(DOC)}: no page {link}")
            elif parts.fragment and not {parts.fragment, urllib.parse.unquote(parts.fragment)} & page(target).places:
                faults.append(f"{path.relative_to(DOC)}: no place {link}")
    if faults:
        sys.exit("\n".join(faults[:50] + [f"{len(faults)} links lead nowhere"]))
    print(f"{followed} links of {len(names)} crates lead somewhere")


if __name__ == "__main__":
    main()
