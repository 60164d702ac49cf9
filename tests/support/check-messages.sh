#!/usr/bin/env bash
# Every message of the sources has its Japanese text, with the same {} places.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git ls-files 'lib/*.cpp' 'jobs/*.cpp' 'daemon/*.cpp' 'packaging/*.cpp' |
    xgettext --from-code=UTF-8 --keyword=tr --keyword=N_ --language=C++ --sort-output --no-location \
        --files-from=- --output="$work/messages.pot"
msgcmp po/ja.po "$work/messages.pot"
msgfmt --check --output-file=/dev/null po/ja.po
python3 - po/ja.po <<'PY'
import re, sys
def entries(path):
    text = open(path, encoding="utf-8").read()
    for block in re.split(r"\n\s*\n", text):
        parts = {}
        for field in ("msgid", "msgstr"):
            match = re.search(rf'^{field} ((?:"(?:[^"\\]|\\.)*"\n?)+)', block, re.M)
            if match:
                parts[field] = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', match[1]))
        if parts.get("msgid"):
            yield parts["msgid"], parts["msgstr"]
bad = [i for i, s in entries(sys.argv[1]) if i.count("{}") != s.count("{}")]
for message in bad:
    print(f"another number of places: {message}")
sys.exit(1 if bad else 0)
PY
echo "messages: complete"
