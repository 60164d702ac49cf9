#!/usr/bin/env python3
"""The lint refuses what it is there for: one planted fault of each kind, in a copy of the tree."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FAULTS = (
    ("lib/spec/planted.h", '#include "jobs/sync/run.h"\n', "spec includes sync"),
    ("lib/base/planted.h", '#include "crypto/crypto.h"\n', "base includes crypto"),
    ("jobs/operate/planted.cpp", '#include "jobs/present/terminal.h"\n', "operate includes present"),
    ("jobs/sync/planted.cpp", "#include <sqlite3.h>\n", "sync includes <sqlite3.h>"),
    ("daemon/planted.cpp", "#include <boost/asio/io_context.hpp>\n", "daemon includes <boost/asio/io_context.hpp>"),
    ("lib/platform/planted.cpp", "#include <curl/curl.h>\n", "platform includes <curl/curl.h>"),
    ("jobs/operate/planted.cpp", "void f() { std::cerr << 1; }\n", "operate (floor 7) writes to a stream"),
    ("jobs/sync/planted.cpp", '#include "ledger/sql/session.h"\n', "is ledger's own"),
    ("lib/planted/planted.h", "", "stands in no room"),
    ("jobs/sync/planted.h", "namespace kaigo::jobs {\nstruct Decided {\n};\n}\n", "kaigo::jobs::Decided is defined in"),
)


def check(root: Path) -> tuple[int, str]:
    result = subprocess.run([sys.executable, HERE / "check-floors.py", root], capture_output=True, text=True)
    return result.returncode, result.stdout + result.stderr


def a_command_without_a_right() -> None:
    """The compiler refuses it: a right has no default."""
    registry = ROOT / "jobs/commands/registry.cpp"
    text = registry.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if ".right = Right::view," in line)
    for what, planted, good in (("as it is", text, True), ("without a right", text.replace(line + "\n", "", 1), False)):
        result = subprocess.run(["clang++-16", "-std=c++20", "-fsyntax-only", f"-I{ROOT}", f"-I{ROOT}/lib", "-x", "c++", "-"],
                                input=planted, capture_output=True, text=True)
        assert (result.returncode == 0) == good, f"a command {what}: {result.stderr}"
        assert good or "std::vector<Command>" in result.stderr, result.stderr


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copy(ROOT / "rooms.cmake", root)
        for part in ("lib", "jobs", "daemon"):
            shutil.copytree(ROOT / part, root / part)
        assert check(root)[0] == 0, check(root)[1]
        for name, text, told in FAULTS:
            planted = root / name
            planted.parent.mkdir(exist_ok=True)
            planted.write_text(text, encoding="utf-8")
            status, said = check(root)
            assert status == 1 and name in said and told in said, f"{name}: {status} {said}"
            planted.unlink()
        table = (root / "rooms.cmake").read_text(encoding="utf-8")
        (root / "rooms.cmake").write_text(table.replace("room(lib/spec FLOOR 2 ROOMS base", "room(lib/spec FLOOR 2 ROOMS ledger base"),
                                          encoding="utf-8")
        status, said = check(root)
        assert status == 1 and "spec names ledger, which does not stand before it" in said, said
    a_command_without_a_right()
    print(f"{len(FAULTS) + 2} planted faults were found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
