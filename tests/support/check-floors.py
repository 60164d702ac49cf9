#!/usr/bin/env python3
"""A room may include only rooms on floors below it (docs/architecture.md, Floors). Exits 1 with every breach."""

import re
import subprocess
import sys

FLOORS = {
    "daemon": 5,
    "jobs": 4,
    "mapping": 3,
    "ledger": 3,
    "spec": 2,
    "source": 2,
    "registration": 2,
    "platform": 2,
    "spool": 2,
    "audit": 2,
    "config": 2,
    "control": 2,
    "http": 1,
    "observe": 1,
    "crypto": 0.5,
    "base": 0,  # beneath all, observe included
}


def room_of_file(path: str) -> str | None:
    parts = path.split("/")
    if parts[0] == "lib":
        return parts[1]
    return parts[0] if parts[0] in FLOORS else None


def main() -> int:
    files = subprocess.run(["git", "ls-files", "*.h", "*.cpp"], capture_output=True, text=True, check=True).stdout.split()
    breaches = []
    for path in files:
        room = room_of_file(path)
        if room is None:
            continue
        if room not in FLOORS:
            breaches.append(f"{path}: room {room} stands on no floor")
            continue
        with open(path, encoding="utf-8") as source:
            for number, line in enumerate(source, 1):
                match = re.match(r'#include "([a-z_]+)/', line)
                if not match or match[1] == room:
                    continue
                other = match[1]
                if other not in FLOORS:
                    breaches.append(f"{path}:{number}: {other} is no room")
                elif FLOORS[other] >= FLOORS[room]:
                    breaches.append(f"{path}:{number}: {room} (floor {FLOORS[room]}) includes {other} (floor {FLOORS[other]})")
    print("\n".join(breaches) or f"{len(files)} files, every include goes downwards")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
