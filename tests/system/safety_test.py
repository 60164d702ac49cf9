#!/usr/bin/env python3
"""What must not happen by mistake: deleting half a city, sending everything again, going on with a broken source."""

import sqlite3
import sys
from pathlib import Path

from harness import City, expect, main


def set_up(city: City) -> None:
    city.start_simulator("middle_server: {unknown_share: 100}\n")
    city.run_job("initial-setup", "--yes", "--wait", "1h")
    city.settle()


def a_drop_holds_the_run(city: City) -> None:
    before = city.effects()
    city.change_source("UPDATE 被保険者資格 SET 削除フラグ = '1' WHERE 被保険者番号 > '0000000200'")
    held = city.run_job("daily-sync", status=1)
    expect("--accept-drop" in held.stderr, held.stderr)
    expect(city.effects() == before, "a held run sent something")
    city.run_job("daily-sync", "--yes", status=1)
    expect(city.effects() == before, "--yes was taken for --accept-drop")
    city.run_job("daily-sync", "--accept-drop")
    city.settle()
    left = city.query(city.platform, "SELECT count(*) FROM record WHERE kind = 'insured-persons' AND key > '0000000200' "
                                     "AND key NOT IN (SELECT substr(key, 1, 10) FROM record WHERE kind != 'insured-persons')")
    expect(left == 0, f"{left} persons without dependants are still on the platform")
    # Certifications and consents are still in the source: their persons' deletion waits, and says so.
    blocked = city.query(city.ledger, "SELECT count(*) FROM record WHERE state = 8 AND reason = 'dependants-on-platform'")
    expect(blocked > 0, "no deletion waits for its dependants")
    # They never come by themselves, and so every place says that a person must act.
    insured = city.query(city.ledger, "SELECT CAST(min(key) AS TEXT) FROM record WHERE state = 8 AND reason = 'dependants-on-platform'")
    told = f"{blocked} persons left the source"
    run = city.run_job("daily-sync", status=1)
    expect(told in run.stdout and "everything is settled" not in run.stdout, run.stdout)
    for command in (("status",), ("report",), ("held", "list")):
        expect(told in city.gateway(*command).stdout, f"{command} does not say it")
    expect("a person must act" in city.gateway("explain", "--insured", insured).stdout, "explain says that it goes by itself")
    for table in ("要介護認定", "同意"):
        city.change_source(f"DELETE FROM {table} WHERE 被保険者番号 > '0000000200' OR 被保険者番号 = '0000000003'")
    city.run_job("daily-sync", "--accept-drop")
    city.settle()
    expect(told not in city.gateway("status").stdout, "what was mended is still told")


def an_empty_source_deletes_nothing(city: City) -> None:
    before = city.effects()
    city.change_source("CREATE TABLE 控え AS SELECT * FROM 同意; DELETE FROM 同意")
    city.run_job("daily-sync", status=1)
    expect(city.effects() == before, "consents were deleted because a table was empty")
    city.change_source("INSERT INTO 同意 SELECT * FROM 控え; DROP TABLE 控え")
    city.run_job("daily-sync")


def a_changed_mapping_holds_before_it_resends(city: City) -> None:
    before = city.effects()
    changed = city.folder / "changed.yaml"
    changed.write_text(city.mapping.read_text(encoding="utf-8").replace(
        "address: {column: 住所, text: [trim]}", "address: {constant: 見本市役所}"), encoding="utf-8")
    original, city.mapping = city.mapping, changed
    city.write_config()
    held = city.run_job("daily-sync", status=1)
    expect("--accept-resend" in held.stderr and "mapping" in held.stderr, held.stderr)
    expect(city.effects() == before, "a held run sent something")
    city.run_job("daily-sync", "--accept-resend")
    city.settle()
    expect(city.effects() > before + 100, "the accepted resend sent little")
    # A comment changes the fingerprint, and no record: nothing holds, nothing is sent.
    city.mapping = original
    changed.write_text(changed.read_text(encoding="utf-8") + "# a comment\n", encoding="utf-8")
    city.mapping = changed
    city.write_config()
    before = city.effects()
    city.run_job("daily-sync", status=1)
    expect(city.effects() == before, "a comment in the mapping resent records")


def a_changed_key_is_noticed(city: City) -> None:
    before = city.effects()
    key = city.folder / "pki/spool.key"
    former = key.read_bytes()
    key.write_bytes(bytes(range(32)))
    held = city.run_job("daily-sync", status=1)
    expect("--accept-resend" in held.stderr and "digest key" in held.stderr, held.stderr)
    expect(city.effects() == before, "a held run sent something")
    key.write_bytes(former)
    city.run_job("daily-sync", status=1)


def duplicates_and_bad_keys_hold_back_deletions(city: City) -> None:
    city.change_source("""
        UPDATE 被保険者資格 SET 被保険者番号 = '00000x#001' WHERE 被保険者番号 = '0000000003' AND 最新フラグ = '1';
        INSERT INTO 被保険者資格 SELECT 保険者番号, 被保険者番号, 宛名番号, 履歴番号 + 50, 枝番号, 被保険者区分, '1999-01-01',
            資格喪失日, 資格喪失事由, 最新フラグ, 削除フラグ, 操作者ID, 操作年月日, 操作時刻
            FROM 被保険者資格 WHERE 被保険者番号 = '0000000005' AND 最新フラグ = '1'""")
    city.run_job("daily-sync")
    city.settle()
    explained = city.json("explain", "--insured", "0000000005")["records"][0]
    expect(explained["state"] == "rejected" and explained["reason"] == "duplicate-key", str(explained))
    expect(explained["onPlatform"], "the acknowledged version was given up")
    city.change_source("DELETE FROM 被保険者資格 WHERE 被保険者番号 = '0000000005' AND 履歴番号 > 50")
    city.run_job("daily-sync")
    city.settle()
    explained = city.json("explain", "--insured", "0000000005")["records"][0]
    expect(explained["state"] == "registered", str(explained))


def a_source_out_of_order_is_sorted(city: City) -> None:
    before = city.effects()
    shuffled = city.folder / "shuffled.yaml"
    evidence, records = city.mapping.read_text(encoding="utf-8").split("records:\n")
    shuffled.write_text(evidence + "records:\n" + records.replace("ORDER BY q.被保険者番号", "ORDER BY q.宛名番号 DESC"),
                        encoding="utf-8")
    city.mapping = shuffled
    city.write_config()
    result = city.run_job("daily-sync", status=1)
    expect("order: sort" in result.stderr, result.stderr)
    expect(city.effects() == before, "another order of rows sent something")


def a_renamed_column_is_told_before_a_row_is_read(city: City) -> None:
    before = city.effects()
    city.change_source("ALTER TABLE 宛名 RENAME COLUMN 住所 TO 現住所")
    result = city.run_job("daily-sync", status=65)
    expect("shuffled.yaml:" in result.stderr, result.stderr)
    expect(city.effects() == before, "a broken mapping sent something")
    city.change_source("ALTER TABLE 宛名 RENAME COLUMN 現住所 TO 住所")


def a_locked_ledger_is_busy(city: City) -> None:
    import fcntl
    with open(str(city.ledger) + ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        city.run_job("daily-sync", status=75)


def a_cut_audit_log_is_seen(city: City) -> None:
    expect(city.gateway("audit", "verify").returncode == 0, "the audit log does not hold")
    log = city.folder / "state/audit.log"
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    log.write_text("".join(lines[:-1]), encoding="utf-8")
    expect(city.gateway("audit", "verify").returncode == 65, "a cut tail was not seen")
    log.write_text("".join(lines), encoding="utf-8")


def the_newest_program_wins(city: City) -> None:
    connection = sqlite3.connect(city.ledger)
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    city.run_job("daily-sync", status=73)
    connection = sqlite3.connect(city.ledger)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()


def safety(binaries: Path) -> None:
    with City(binaries, 400, seed=3) as city:
        set_up(city)
        for step in (an_empty_source_deletes_nothing, a_changed_mapping_holds_before_it_resends, a_changed_key_is_noticed,
                     duplicates_and_bad_keys_hold_back_deletions, a_drop_holds_the_run, a_source_out_of_order_is_sorted,
                     a_renamed_column_is_told_before_a_row_is_read, a_locked_ledger_is_busy, a_cut_audit_log_is_seen,
                     the_newest_program_wins):
            print(step.__name__.replace("_", " "))
            sys.stdout.flush()
            step(city)
        city.search_my_numbers()


if __name__ == "__main__":
    main(safety)
