#!/usr/bin/env python3
"""Another key without sending anything again; a backup while jobs run; a bundle for the vendor without a secret."""

import json
import os
import shutil
from pathlib import Path

from harness import City, expect, main

MOODS = "polls: 1\nmiddle_server: {unknown_share: 30, several_share: 5}\n"
SECRET = "hunter2-secret"


def key_ids(city: City) -> int:
    return city.query(city.ledger, "SELECT count(DISTINCT digest_key) FROM record WHERE acknowledged IS NOT NULL")


def rotate(city: City) -> None:
    # Some of the day's records are still owed, with their bodies in the spool.
    city.advance()
    city.change_scenario("maintenance: true\n")
    city.run_job("daily-sync", "--wait", "0", status=(1, 69, 75))
    expect(list((city.folder / "state/spool").glob("*.spool")), "nothing lies in the spool")
    city.change_scenario(MOODS)
    pki = city.folder / "pki"
    shutil.copy(pki / "spool.key", pki / "former.key")
    (pki / "spool.key").write_bytes(os.urandom(32))
    # Without the former key nothing is done, and nothing is sent.
    expect(city.gateway("ledger", "rotate-key").returncode == 2, "rotated without a former key")
    held = city.gateway("run", "daily-sync", "--wait", "0")
    expect(held.returncode not in (0, 2), f"a sync under a strange key: {held.returncode} {held.stdout}{held.stderr}")
    city.spool_extra = ", former_key_file: pki/former.key"
    city.write_config()
    effects = city.effects()
    # One source row changes before the rotation: it alone keeps the former key, and is sent.
    city.change_source("UPDATE 宛名 SET 郵便番号 = '2900001' WHERE 宛名番号 = '000000000000021' AND 最新フラグ = '1'")
    first = city.json("ledger", "rotate-key")
    expect(first["records"] > 100 and first["spoolFiles"] > 0, f"{first}")
    again = city.json("ledger", "rotate-key")
    expect(again["records"] == 0 and again["spoolFiles"] == 0, f"done twice: {again}")
    expect(city.effects() == effects, "the rotation sent something")
    city.spool_extra = ""
    city.write_config()
    city.settle()
    city.run_job("daily-sync")
    city.settle()
    city.check()
    calm = city.effects()
    city.run_job("daily-sync")
    expect(city.effects() == calm, "the new key made records go out again")
    expect(key_ids(city) == 1, "two keys are left")


def backup(city: City) -> None:
    copy = city.folder / "backup.db"
    made = city.json("ledger", "backup", str(copy))
    expect(made["bytes"] == copy.stat().st_size and copy.stat().st_mode & 0o077 == 0, f"{made}")
    expect(city.gateway("ledger", "backup", str(copy)).returncode == 73, "a backup overwrote a file")
    for table in ("record", "batch", "run"):
        count = f"SELECT count(*) FROM {table}"
        expect(city.query(copy, count) == city.query(city.ledger, count), f"{table} differs")
    expect(city.json("ledger", "check") == {"sound": True, "faults": []}, "the ledger is not sound")
    damaged = city.folder / "damaged.db"
    shutil.copy(copy, damaged)
    with open(damaged, "r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 4096)
    kept = city.folder / "kept.db"
    city.ledger.rename(kept)
    shutil.copy(damaged, city.ledger)
    expect(city.gateway("ledger", "check").returncode == 65, "a damaged ledger is called sound")
    doctor = {check["check"]: check["level"] for check in city.json("doctor")["checks"]}
    expect(doctor["ledger"] == "error" and doctor["source"] == "ok", f"doctor beside a damaged ledger: {doctor}")
    city.ledger.unlink()
    kept.rename(city.ledger)


def restore(city: City) -> None:
    """A backup is put back: what the platform got since is asked for, not sent again, and not lost."""
    shutil.copy(city.folder / "backup.db", city.folder / "restored.db")
    for _ in range(2):
        city.advance()
        city.run_job("daily-sync")
        city.settle()
    city.check()
    effects = city.effects()
    for suffix in ("-wal", "-shm"):
        city.ledger.with_name(city.ledger.name + suffix).unlink(missing_ok=True)
    shutil.copy(city.folder / "restored.db", city.ledger)
    # As long as the platform cannot be asked, nothing is decided.
    city.change_scenario("maintenance: true\n")
    batches = city.query(city.ledger, "SELECT count(*) FROM batch")
    city.run_job("daily-sync", status=(69, 75))
    expect(city.query(city.ledger, "SELECT count(*) FROM batch") == batches, "something was owed before the platform was asked")
    city.change_scenario(MOODS)
    result = city.run_job("daily-sync")
    expect("receptions that this ledger does not know" in result.stderr, f"nobody noticed: {result.stderr}")
    city.settle()
    # A case deletes and registers anew once more: of two versions under one key the platform names the last.
    again = city.query(city.platform, "SELECT count(*) FROM effect WHERE id > ? AND NOT (kind = 'insured-persons' AND key IN "
                                      "(SELECT key FROM effect WHERE update_kind = 3 AND outcome = 'ok'))", effects)
    expect(again == 0, f"{again} records were sent again")
    effects = city.effects()
    city.check()
    again = city.run_job("daily-sync")
    expect("does not know" not in again.stderr and city.effects() == effects, f"told twice: {again.stderr}")


def bundle(city: City) -> None:
    config = city.folder / "gateway.yaml"
    plain = config.read_text(encoding="utf-8")
    config.write_text(plain.replace("sources:\n", "sources:\n  other: {driver: postgresql, database: "
                                    f'"host=db password={SECRET}", mapping: {city.mapping}}}\n'), encoding="utf-8")
    out = city.folder / "bundle.json"
    made = city.gateway("support-bundle", "--output", str(out))
    expect(made.returncode == 0, f"no bundle: {made.stderr}")
    document = json.loads(out.read_text(encoding="utf-8"))
    expect(set(document) == {"madeAt", "versions", "configuration", "doctor", "specification", "status", "jobs", "events"},
           f"{sorted(document)}")
    expect(SECRET not in out.read_text(encoding="utf-8"), "a secret stands in the bundle")
    expect("0000000001" not in out.read_text(encoding="utf-8"), "a person stands in the bundle")
    config.write_text(plain, encoding="utf-8")


def keys(binaries: Path) -> None:
    with City(binaries, 120) as city:
        city.start_simulator(MOODS)
        city.run_job("initial-setup", "--yes")
        city.settle()
        rotate(city)
        backup(city)
        bundle(city)
        restore(city)
        city.search_my_numbers()


if __name__ == "__main__":
    main(keys)
