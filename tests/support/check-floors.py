#!/usr/bin/env python3
"""What a room may include, by the table in rooms.cmake: its own files, the rooms it names, which stand below it, and
the third-party headers it names. Below floor 8 nothing writes to a stream. No two files define the same class: the linker
would take one for the other. Exits 1 with every breach.

usage: check-floors.py [ROOT]
"""

import re
import sys
from pathlib import Path
from typing import NamedTuple

FIRST_FLOOR_THAT_PRINTS = 8
OPERATING_SYSTEM = re.compile(r"(sys|netinet|arpa)/|(unistd|fcntl|signal|pwd|grp|time|pthread)\.h$")
STREAM = re.compile(r"std::(cout|cerr|clog|ostream|ostringstream|ofstream)\b|\bf?printf\(|#include <(iostream|ostream|iosfwd)>")


class Room(NamedTuple):
    path: str
    floor: int
    inner: list[str]
    rooms: list[str]
    headers: list[str]

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]


def read_table(text: str) -> tuple[list[Room], list[str]]:
    text = re.sub(r"#.*", "", text)
    rooms = []
    for call in re.findall(r"^room\(([^)]*)\)", text, re.MULTILINE):
        words = call.split()
        lists: dict[str, list[str]] = {"FLOOR": [], "INNER": [], "ROOMS": [], "HEADERS": [], "LINKS": []}
        current = lists["FLOOR"]
        for word in words[1:]:
            if word in lists:
                current = lists[word]
            else:
                current.append(word)
        rooms.append(Room(words[0], int(lists["FLOOR"][0]), lists["INNER"], lists["ROOMS"], lists["HEADERS"]))
    everywhere = re.search(r"set\(EVERYWHERE ([^)]*)\)", text)
    return rooms, everywhere[1].split() if everywhere else []


def breaches_of_table(rooms: list[Room]) -> list[str]:
    out, below = [], {}
    for room in rooms:
        for other in room.rooms:
            if other not in below:
                out.append(f"rooms.cmake: {room.name} names {other}, which does not stand before it")
            elif below[other].floor > room.floor:
                out.append(f"rooms.cmake: {room.name} (floor {room.floor}) names {other} (floor {below[other].floor})")
        below[room.name] = room
    return out


def is_named(header: str, names: list[str]) -> bool:
    return any(header == name or header.startswith((name + "/", name + ".")) for name in names)


def breaches_of_file(root: Path, path: Path, room: Room, rooms: list[Room], everywhere: list[str]) -> list[str]:
    out = []
    where = path.relative_to(root)
    # lib/http/client.h is "http/client.h", jobs/sync/run.h is "jobs/sync/run.h".
    prefixes = {each.path.removeprefix("lib/") + "/": each.name for each in rooms}
    inner = tuple(f"{each.path.removeprefix('lib/')}/{folder}/" for each in rooms for folder in each.inner)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if room.floor < FIRST_FLOOR_THAT_PRINTS and STREAM.search(line):
            out.append(f"{where}:{number}: {room.name} (floor {room.floor}) writes to a stream")
        own = re.match(r'#include "([^"]+)"', line)
        if own:
            other = next((name for prefix, name in prefixes.items() if own[1].startswith(prefix)), None)
            if other is None:
                out.append(f"{where}:{number}: {own[1]} stands in no room")
            elif other != room.name and other not in room.rooms:
                out.append(f"{where}:{number}: {room.name} includes {other}, which rooms.cmake does not give it")
            elif other != room.name and own[1].startswith(inner):
                out.append(f"{where}:{number}: {own[1]} is {other}'s own")
        foreign = re.match(r"#include <([^>]+)>", line)
        # The language's own headers have neither a folder nor an ending.
        if foreign and ("/" in foreign[1] or "." in foreign[1]) and not OPERATING_SYSTEM.match(foreign[1]):
            if not is_named(foreign[1], room.headers + everywhere):
                out.append(f"{where}:{number}: {room.name} includes <{foreign[1]}>, which rooms.cmake does not give it")
    return out


def classes_of(text: str) -> list[str]:
    """Full names of the classes that a file defines, but for those that no other file can see."""
    text = re.sub(r"^namespace \{$.*?^\}  // namespace$", "", text, flags=re.MULTILINE | re.DOTALL)
    out, namespace = [], ""
    for line in text.splitlines():
        if opened := re.match(r"namespace ([\w:]+) \{", line):
            namespace = opened[1]
        if defined := re.match(r"(?:class|struct) (\w+)(?: final)?(?: : [^;]*)? \{", line):
            out.append(f"{namespace}::{defined[1]}")
    return out


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    rooms, everywhere = read_table((root / "rooms.cmake").read_text(encoding="utf-8"))
    breaches = breaches_of_table(rooms)
    count = 0
    defined: dict[str, Path] = {}
    for room in rooms:
        for path in sorted((root / room.path).rglob("*")):
            if path.suffix not in (".h", ".cpp"):
                continue
            count += 1
            breaches += breaches_of_file(root, path, room, rooms, everywhere)
            for name in classes_of(path.read_text(encoding="utf-8")):
                other = defined.setdefault(name, path)
                if other != path:
                    breaches.append(f"{path.relative_to(root)}: {name} is defined in {other.relative_to(root)} too")
    known = [root / room.path for room in rooms]
    for folder in ("lib", "jobs", "daemon"):
        for path in (root / folder).rglob("*.*"):
            if path.suffix in (".h", ".cpp") and not any(room in path.parents for room in known):
                breaches.append(f"{path.relative_to(root)}: stands in no room")
    print("\n".join(breaches) or f"{count} files in {len(rooms)} rooms, every include is in the table")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
