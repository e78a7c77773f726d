"""Nothing of a framework, nor of another crate, may show in the core's public surface, but for async-trait and serde's traits.

Reads what rustdoc knows of every public item, as JSON, and follows each path to the crate that it comes from.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

ALLOWED = {"std", "core", "alloc", "countersign", "async_trait", "serde_core"}
FRAMEWORKS = re.compile(r"^(http|http-body|hyper|tower|tower-.*|axum|axum-.*|actix-.*|rocket|rocket_.*) ")

# What the HTTP client is made of, which the feature `remote` brings, is nobody's framework.
tree = ["cargo", "tree", "--locked", "--package", "countersign", "--edges", "normal", "--all-features", "--prefix", "none",
        "--prune", "reqwest"]
dependencies = subprocess.run(tree, check=True, capture_output=True, text=True).stdout.splitlines()
shown = [f"the core depends on {line}" for line in dependencies if FRAMEWORKS.match(line)]

# The format is not stable, so the compiler has to be told that it may be used.
document = ["cargo", "rustdoc", "--locked", "--package", "countersign", "--all-features", "--lib", "--quiet", "--",
            "-Z", "unstable-options", "--output-format", "json", "--cap-lints", "allow"]
subprocess.run(document, check=True, env={**os.environ, "RUSTC_BOOTSTRAP": "1"})
target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"))
docs = json.loads((target / "doc" / "countersign.json").read_text())


def crates(node):
    """Every (crate, path) that this part of an item names."""
    if isinstance(node, dict):
        known = docs["paths"].get(str(node.get("id"))) if "path" in node else None
        if known and known["crate_id"] != 0:
            yield docs["external_crates"][str(known["crate_id"])]["name"], "::".join(known["path"])
        for child in node.values():
            yield from crates(child)
    elif isinstance(node, list):
        for child in node:
            yield from crates(child)


for item in docs["index"].values():
    inner = item["inner"]
    implementation = inner.get("impl")
    if item["crate_id"] != 0 or (implementation and (implementation["is_synthetic"] or implementation["blanket_impl"])):
        continue
    for crate, path in crates(inner):
        if crate not in ALLOWED:
            shown.append(f"{item['name'] or 'an impl'} shows {path} ({(item['span'] or {}).get('filename')})")

print(f"{len(docs['index'])} items looked at")
for line in sorted(set(shown)):
    print(line, file=sys.stderr)
sys.exit(1 if shown else 0)
