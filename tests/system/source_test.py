#!/usr/bin/env python3
"""A source that is a little off: what leaves is what it says, what is held is told wherever people look."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

from harness import City, expect, main

CURRENT = "最新フラグ = '1' AND 削除フラグ = '0'"


def rows(database: Path, sql: str) -> list[tuple]:
    connection = sqlite3.connect(database)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def remap(city: City, *pairs: tuple[str, str]) -> None:
    text = city.mapping.read_text(encoding="utf-8")
    for old, new in pairs:
        expect(old in text, f"not in the mapping: {old}")
        text = text.replace(old, new)
    city.mapping = city.folder / "mapping.yaml"
    city.mapping.write_text(text, encoding="utf-8")
    if city.simulator is not None:
        city.write_config()


def findings(city: City, kind: str, status: int) -> dict[tuple[str, str], dict]:
    result = city.gateway("validate-mapping", "--record", kind, "--format", "json")
    expect(result.returncode == status, f"validate-mapping: {result.returncode} {result.stdout[:500]} {result.stderr}")
    return {(each["item"], each["rule"]): each for each in json.loads(result.stdout)["kinds"][0]["findings"]}


def told_everywhere(city: City, sentence: str, run_output: str) -> None:
    """One list stands behind all of them."""
    expect(sentence in run_output and "everything is settled" not in run_output, f"the run: {run_output}")
    for command in (("status",), ("report",), ("held", "list")):
        output = city.gateway(*command).stdout
        expect(sentence in output, f"{command} does not say {sentence!r}: {output}")
    for command in (("status",), ("report",)):
        expect(any(sentence in each for each in city.json(*command)["toDo"]), f"{command} --format json")


def every_finding_has_its_cause(binaries: Path) -> None:
    with City(binaries, 200, seed=5) as city:
        city.write_config()
        persons = [row[0] for row in rows(city.source, f"SELECT 宛名番号 FROM 被保険者資格 WHERE {CURRENT} ORDER BY 被保険者番号")]
        for person, (column, value) in zip(persons, (("生年月日", "1943-02-29"), ("性別", "７"), ("支援措置フラグ", "Y"),
                                                     ("氏名", "山\ufffd子"), ("住所", "見本市\n一丁目"))):
            city.change_source(f"UPDATE 宛名 SET {column} = '{value}' WHERE {CURRENT} AND 宛名番号 = '{person}'")
        columns = [row[1] for row in rows(city.source, "PRAGMA table_info(宛名)")]
        city.change_source(f"INSERT INTO 宛名 SELECT 宛名番号, 履歴番号, 枝番号 + 50, {','.join(columns[3:])} FROM 宛名 WHERE 宛名番号 = "
                           f"'{persons[6]}' AND 最新フラグ = '1'; UPDATE 宛名 SET 住所 = '別の住所' WHERE 枝番号 >= 50")
        found = findings(city, "insured-persons", 1)
        expect(found[("birthDate", "not-a-date")]["values"] == [], "a date of birth is shown")
        expect(found[("sex", "code")]["values"] == ["７"], str(found))
        expect(found[("nonDisclosure", "code-not-in-table")]["values"] == ["Y"], str(found))
        expect(found[("name", "suspicious")]["severity"] == "warning", str(found))
        expect(("address", "control") in found, str(found))
        twice = found[("", "duplicate-key")]
        expect(twice["count"] == 2 and len(twice["examples"]) == 1, str(twice))
        forecast = json.loads(city.gateway("validate-mapping", "--record", "insured-persons", "--format", "json").stdout)
        kind = forecast["kinds"][0]
        expect(kind["setupErrors"]["sameMyNumber"] == [], "one person's two rows are two persons")
        standard = city.mapping
        remap(city, ("form: {column: 様式の版, codes: form}", "form: {column: 様式の版}"))
        city.write_config()
        said = findings(city, "care-certifications", 1)
        expect(("consentAtApplication", "consent-evidence") in said, f"a form that is neither old nor new: {sorted(said)}")
        city.mapping = standard
        # The order of the rows changes nothing of it.
        evidence, records = city.mapping.read_text(encoding="utf-8").split("records:\n")
        city.mapping = city.folder / "mapping.yaml"
        city.mapping.write_text(evidence + "records:\n" + records.replace("ORDER BY q.被保険者番号", "ORDER BY q.被保険者番号 DESC"),
                                encoding="utf-8")
        city.write_config()
        again = json.loads(city.gateway("validate-mapping", "--record", "insured-persons", "--format", "json").stdout)["kinds"][0]
        expect(again["setupErrors"] == kind["setupErrors"] and again["usable"] == kind["usable"], "another order, another forecast")


def nobody_is_no_setup(binaries: Path) -> None:
    with City(binaries, 60, seed=5) as city:
        city.start_simulator()
        for table in ("被保険者資格", "要介護認定", "同意"):
            columns = ", ".join("0 + 保険者番号 AS 保険者番号" if row[1] == "保険者番号" else row[1]
                                for row in rows(city.source, f"PRAGMA table_info({table})"))
            city.change_source(f"ALTER TABLE {table} RENAME TO b_{table}; CREATE VIEW {table} AS SELECT {columns} FROM b_{table}")
        expect(("", "no-rows") in findings(city, "insured-persons", 1), "no row is no finding")
        warned = city.gateway("doctor")
        expect("has no row" in warned.stdout, warned.stdout)
        asked = city.gateway("run", "initial-setup", "--yes", "--wait", "0")
        expect(asked.returncode == 1 and "--accept-drop" in asked.stderr and city.effects() == 0, asked.stderr)
        expect(not city.json("status")["insurers"][0]["setupComplete"], "an empty setup is complete")


def a_missing_right_is_named(binaries: Path) -> None:
    """As another user than root: root may read everything."""
    nobody = 65534
    with City(binaries, 30, seed=5) as city:
        # That user may not look into the folder of whoever runs this.
        city.spec = shutil.copytree(city.spec, city.folder / "spec")
        city.mapping = Path(shutil.copy(city.mapping, city.folder))
        city.write_config()
        folder = city.folder / "source"
        folder.mkdir()
        city.source.rename(folder / "core.db")
        text = (city.folder / "gateway.yaml").read_text(encoding="utf-8")
        (city.folder / "gateway.yaml").write_text(text.replace("core.db", "source/core.db"), encoding="utf-8")
        for path in (city.folder, *city.folder.rglob("*")):
            os.chown(path, nobody, nobody)
        mine = city.folder / "source/core.db"

        def tried() -> "subprocess.CompletedProcess[str]":
            return subprocess.run(["setpriv", f"--reuid={nobody}", f"--regid={nobody}", "--clear-groups",
                                   city.binaries / "kaigo-gateway", "--config", city.folder / "gateway.yaml", "validate-mapping",
                                   "--record", "comprehensive-consents"], capture_output=True, text=True)
        expect(tried().returncode in (0, 1), f"with every right: {tried()}")
        os.chmod(mine, 0)
        expect(tried().returncode == 77 and "may not read" in tried().stderr, f"an unreadable file: {tried()}")
        os.chmod(mine, 0o600)
        os.chmod(folder, 0)
        expect(tried().returncode == 77 and "may not enter" in tried().stderr, f"a closed folder: {tried()}")
        os.chmod(folder, 0o700)


def orphans_are_told_and_hold(city: City) -> None:
    mapping, before = city.mapping, city.effects()
    remap(city, ("SELECT n.被保険者番号, n.申請日, n.認定履歴番号, v.特記番号",
                 "SELECT n.被保険者番号 || ' ' AS 被保険者番号, n.申請日, n.認定履歴番号, v.特記番号"))
    orphan = findings(city, "care-certifications", 1)[("survey-remarks", "orphan")]
    expect(orphan["count"] > 10 and orphan["examples"][0].startswith("'0000"), str(orphan))
    held = city.run_job("daily-sync", "--accept-resend", status=1)
    expect("--accept-change" in held.stderr and "survey-remarks" in held.stderr and city.effects() == before, held.stderr)
    told_everywhere(city, "survey-remarks", held.stdout)
    city.mapping = mapping
    city.write_config()
    city.run_job("daily-sync", "--accept-resend")
    expect("survey-remarks" not in city.gateway("status").stdout, "what was mended is still told")
    expect(city.effects() == before, "a mapping that was put right sent something")


def a_key_that_cannot_be_read_withholds_deletions(city: City) -> None:
    gone = city.query(city.source, f"SELECT max(被保険者番号) FROM 被保険者資格 WHERE {CURRENT} AND 被保険者番号 < 'H' AND 被保険者番号 NOT IN "
                                   "(SELECT 被保険者番号 FROM 要介護認定 UNION SELECT 被保険者番号 FROM 同意)")
    bad = city.query(city.source, f"SELECT min(被保険者番号) FROM 被保険者資格 WHERE {CURRENT} AND 被保険者番号 NOT IN "
                                  "(SELECT 被保険者番号 FROM 要介護認定 UNION SELECT 被保険者番号 FROM 同意)")
    city.change_source(f"CREATE TABLE 控え AS SELECT * FROM 被保険者資格; DELETE FROM 被保険者資格 WHERE 被保険者番号 = '{gone}';"
                       f"UPDATE 被保険者資格 SET 被保険者番号 = '' WHERE 被保険者番号 = '{bad}'")
    before = city.effects()
    run = city.run_job("daily-sync", status=1)
    expect(city.effects() == before, "a deletion went out although a key could not be read")
    told_everywhere(city, "cannot be read: no deletions; 2 records", run.stdout)
    expect("nothing is deleted before" in city.gateway("explain", "--insured", gone).stdout, "explain does not say it")
    city.change_source("DELETE FROM 被保険者資格; INSERT INTO 被保険者資格 SELECT * FROM 控え; DROP TABLE 控え")
    city.run_job("daily-sync")
    expect("no deletions" not in city.gateway("status").stdout, "what was mended is still told")


def one_record_is_not_believed_either(city: City) -> None:
    """A record that is read again for itself reads a half-loaded source as well."""
    key = rows(city.source, f"SELECT n.被保険者番号, n.認定履歴番号, n.申請区分 FROM 要介護認定 n JOIN 認定調査 s ON s.被保険者番号 = n.被保険者番号 "
                            f"AND s.認定履歴番号 = n.認定履歴番号 WHERE n.最新フラグ = '1' AND n.削除フラグ = '0' ORDER BY 1 LIMIT 1")[0]
    where = f"被保険者番号 = '{key[0]}' AND 認定履歴番号 = {key[1]}"
    city.change_source(f"UPDATE 要介護認定 SET 申請区分 = '9' WHERE {where}")
    city.run_job("daily-sync", status=1)
    city.change_source(f"UPDATE 要介護認定 SET 申請区分 = '{key[2]}', 支給限度基準額 = 4711 WHERE {where};"
                       "CREATE TABLE 控え AS SELECT * FROM 認定調査; DELETE FROM 認定調査")
    before = city.effects()
    city.gateway("held", "resend", "--insured", key[0])
    held = city.run_job("retry-due", "--wait", "10m", status=1)
    expect("--accept-change" in held.stderr and city.effects() == before, f"{city.effects() - before} sent: {held.stderr}")
    told_everywhere(city, "survey", held.stdout)
    city.run_job("retry-due", "--wait", "10m")
    expect(city.effects() == before, "a held kind was read once more")
    city.change_source("INSERT INTO 認定調査 SELECT * FROM 控え; DROP TABLE 控え")
    city.run_job("daily-sync")
    city.settle()
    expect(city.effects() == before + 1, f"{city.effects() - before} effects, not the one that was owed")


def a_withdrawal_stays(city: City) -> None:
    """Neither a table that lost it, nor its deletion, grants the consent before it again."""
    certified, acted = [row[0] for row in rows(
        city.source, f"SELECT 被保険者番号 FROM 要介護認定 WHERE 同意有無 = '1' AND 様式の版 = '2' AND 申請日 >= '20260401' AND {CURRENT} "
                     "AND 被保険者番号 NOT IN (SELECT 被保険者番号 FROM 同意) ORDER BY 1 LIMIT 2")]
    names = [row[1] for row in rows(city.source, "PRAGMA table_info(同意)")]
    model = dict(zip(names, rows(city.source, "SELECT * FROM 同意 LIMIT 1")[0]))

    def act(person: str, sequence: int, day: str, kind: str) -> str:
        values = model | {"被保険者番号": person, "同意連番": sequence, "同意年月日": day, "同意区分": kind, "取得経路": "2", "最新フラグ": "1",
                          "削除フラグ": "0"}
        return "INSERT INTO 同意 VALUES (" + ", ".join(
            str(value) if isinstance(value, int) else "NULL" if value is None else f"'{value}'" for value in values.values()) + ");"

    city.change_source(act(certified, 900, "2026-10-30", "3") + act(acted, 900, "2026-10-01", "1") + act(acted, 901, "2026-10-30", "3"))
    city.run_job("daily-sync")
    city.settle()

    def granted(person: str) -> bool:
        return bool(city.query(city.platform, "SELECT max(json_extract(content, '$.consentAtApplication')) FROM record WHERE kind = "
                                              "'care-certifications' AND key LIKE ? || '/%'", person))

    def acts(person: str) -> list:
        return [row[0] for row in rows(city.platform, "SELECT json_extract(content, '$.consent') FROM record WHERE kind = "
                                                                f"'comprehensive-consents' AND key LIKE '{person}/%' ORDER BY key")]
    expect(not granted(certified) and acts(acted) == ["1", "3"], f"{granted(certified)} {acts(acted)}")

    city.change_source("CREATE TABLE 控え AS SELECT * FROM 同意; DELETE FROM 同意 WHERE 同意連番 >= 900 AND 同意区分 = '3'")
    run = city.run_job("daily-sync", status=1)
    city.settle()
    expect(not granted(certified) and acts(acted) == ["1", "3"], f"granted again: {granted(certified)} {acts(acted)}")
    held = {each["key"].split(" ")[0]: each for each in city.json("held", "list", "--reason", "withdrawn-before")["held"]}
    expect(set(held) == {certified, acted}, str(held))
    expect("withdrawn would be granted again" in run.stdout, run.stdout)
    # Neither a resend of everything, nor of the person alone, nor of the reason alone releases it.
    for words in (("--yes",), ("--insured", certified), ("--reason", "withdrawn-before"), ("--record", "care-certifications")):
        city.gateway("held", "resend", *words)
    city.run_job("daily-sync", status=1)
    # A night that finds nothing new says so too: what is held waits for a person still.
    city.run_job("daily-sync", status=1)
    city.settle()
    expect(not granted(certified) and acts(acted) == ["1", "3"], "released without being named")
    # Under another number it is the same withdrawal: the new record comes, and the former one goes.
    city.change_source(f"INSERT INTO 同意 SELECT * FROM 控え WHERE 被保険者番号 = '{acted}' AND 同意連番 = 901;"
                       f"UPDATE 同意 SET 同意連番 = 950 WHERE 被保険者番号 = '{acted}' AND 同意連番 = 901")
    city.run_job("daily-sync")
    city.settle()
    expect(acts(acted) == ["1", "3"] and city.query(city.platform, "SELECT max(key) FROM record WHERE kind = "
           "'comprehensive-consents' AND key LIKE ? || '/%'", acted).endswith("/950"), f"renumbered: {acts(acted)}")
    asked = city.gateway("held", "resend")
    expect(asked.returncode == 1 and "stay held" in asked.stderr, asked.stderr)
    # By name: for this person the withdrawal was a mistake.
    released = city.gateway("held", "resend", "--reason", "withdrawn-before", "--insured", certified)
    expect(released.returncode == 0 and f"released: {city.insurer} 要介護認定情報 {certified}" in released.stdout, released.stdout)
    city.settle()
    city.run_job("daily-sync")
    city.settle()
    expect(granted(certified) and acts(acted) == ["1", "3"], "named, but not released")
    log = (city.folder / "state/audit.log").read_text(encoding="utf-8")
    expect("held-resend" in log and "withdrawn-before" in log and certified in log, "the release is not in the audit log")
    city.change_source(f"DELETE FROM 同意; INSERT INTO 同意 SELECT * FROM 控え; DROP TABLE 控え; DELETE FROM 同意 WHERE 被保険者番号 = '{certified}'")
    city.run_job("daily-sync")
    city.settle()
    expect("withdrawn-before" not in city.gateway("held", "list", "--format", "json").stdout, "what came back is still held")


def a_withdrawal_outlives_its_record(binaries: Path) -> None:
    """Persons who are lost for a night, and come back without their withdrawals, have not consented again."""
    with City(binaries, 300, seed=5) as city:
        city.start_simulator()
        city.run_job("initial-setup", "--yes", "--wait", "1h")
        city.settle()
        half, whole = [row[0] for row in rows(
            city.platform, "SELECT DISTINCT substr(key, 1, 10) FROM record WHERE kind = 'care-certifications' AND json_extract(content, "
                           "'$.consentAtApplication') AND substr(key, 1, 10) NOT IN (SELECT substr(key, 1, 10) FROM record "
                           "WHERE kind = 'comprehensive-consents') ORDER BY 1 LIMIT 2")]
        columns = [row[1] for row in rows(city.source, "PRAGMA table_info(同意)")]
        chosen = {"被保険者番号": "p", "同意連番": "n", "同意年月日": "d", "同意区分": "k", "取得経路": "'2'", "最新フラグ": "'1'", "削除フラグ": "'0'"}
        for person in (half, whole):
            for sequence, day, kind in ((900, "2026-10-01", "1"), (901, "2026-10-30", "3")):
                city.change_source(f"INSERT INTO 同意 SELECT {', '.join(chosen.get(each, each) for each in columns)} FROM "
                                   f"(SELECT * FROM 同意 LIMIT 1), (SELECT '{person}' AS p, {sequence} AS n, '{day}' AS d, '{kind}' AS k)")
        city.run_job("daily-sync")
        city.settle()

        def grants() -> list:
            """Of both persons: applications and, where no act after it says otherwise, acts."""
            return rows(city.platform, f"""
                SELECT key FROM record WHERE kind = 'care-certifications' AND json_extract(content, '$.consentAtApplication')
                    AND substr(key, 1, 10) IN ('{half}', '{whole}')
                UNION ALL SELECT key FROM record r WHERE kind = 'comprehensive-consents' AND json_extract(content, '$.consent') = '1'
                    AND substr(key, 1, 10) IN ('{half}', '{whole}') AND NOT EXISTS (SELECT 1 FROM record w WHERE w.kind = r.kind AND
                    substr(w.key, 1, 10) = substr(r.key, 1, 10) AND json_extract(w.content, '$.consent') = '3')""")
        expect(grants() == [], f"granted before anything was lost: {grants()}")
        tables = ("被保険者資格", "要介護認定", "同意")
        for table in tables:
            city.change_source(f"CREATE TABLE 控え_{table} AS SELECT * FROM {table}")
        city.change_source(f"DELETE FROM 被保険者資格 WHERE 被保険者番号 IN ('{half}', '{whole}'); DELETE FROM 要介護認定 WHERE 被保険者番号 = '{whole}';"
                           f"DELETE FROM 同意 WHERE 被保険者番号 = '{whole}' OR (被保険者番号 = '{half}' AND 同意区分 = '3')")
        for night in range(2):
            city.run_job("daily-sync")
            city.settle()
            expect(grants() == [], f"granted in night {night} without them: {grants()}")
        for table in tables:
            keep = " WHERE 同意連番 != 901" if table == "同意" else ""
            city.change_source(f"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM 控え_{table}{keep}")
        for night in range(3):
            city.run_job("daily-sync")
            city.settle()
            expect(grants() == [], f"granted in night {night} after they came back: {grants()}")
        held = city.gateway("held", "list", "--reason", "withdrawn-before", "--format", "json").stdout
        expect(half in held and whole in held, f"nobody is told: {held}")
        city.change_source("DELETE FROM 同意; INSERT INTO 同意 SELECT * FROM 控え_同意")
        for night in range(2):
            city.run_job("daily-sync")
            city.settle()
            expect(grants() == [], f"granted in night {night} after all came back: {grants()}")


def longest_commit(binaries: Path, delay: int) -> tuple[float, int]:
    """Of the core system, while a setup runs whose requests take so many milliseconds; and how many there were."""
    with City(binaries, 1000, seed=5) as city:
        city.platform_extra = "  max_records: 20"
        slow = f"faults:\n  - {{on: submit, every: 1, do: delay, milliseconds: {delay}}}\n" if delay else ""
        city.start_simulator("polls: 1\n" + slow)
        city.change_source("PRAGMA journal_mode = DELETE")
        longest = 0.0
        over = threading.Event()

        def core_system() -> None:
            nonlocal longest
            writer = sqlite3.connect(city.source, timeout=1000, isolation_level=None)
            while not over.wait(0.02):
                begun = time.monotonic()
                writer.execute("BEGIN IMMEDIATE")
                writer.execute("UPDATE 宛名 SET 操作時刻 = 'x' WHERE 宛名番号 = '000000000000005'")
                writer.execute("COMMIT")
                longest = max(longest, time.monotonic() - begun)
            writer.close()

        writing = threading.Thread(target=core_system)
        writing.start()
        city.run_job("initial-setup", "--yes", "--wait", "1h")
        over.set()
        writing.join()
        return longest, city.query(city.ledger, "SELECT count(*) FROM batch")


def nobody_waits_for_the_network(binaries: Path) -> None:
    """The source is held while it is read, not while requests are on their way."""
    alone, _ = longest_commit(binaries, 0)
    beside, requests = longest_commit(binaries, 400)
    network = requests * 0.4 / 4  # with four connections, whatever this machine does
    print(f"the longest commit took {alone:.2f} s; {beside:.2f} s while the network took {network:.1f} s")
    expect(beside - alone < network / 2, f"the core system waited {beside:.1f} s for a commit")


def source(binaries: Path) -> None:
    every_finding_has_its_cause(binaries)
    nobody_is_no_setup(binaries)
    nobody_waits_for_the_network(binaries)
    a_withdrawal_outlives_its_record(binaries)
    if os.geteuid() == 0:
        a_missing_right_is_named(binaries)
    else:
        print("skipped: a missing right is named (it takes root to be somebody else)")
    with City(binaries, 400, seed=3) as city:
        city.start_simulator("middle_server: {unknown_share: 0}\n")
        city.run_job("initial-setup", "--yes", "--wait", "1h")
        city.settle()
        for step in (orphans_are_told_and_hold, a_key_that_cannot_be_read_withholds_deletions,
                     one_record_is_not_believed_either, a_withdrawal_stays):
            print(step.__name__.replace("_", " "))
            step(city)
        city.check()
        city.search_my_numbers()


if __name__ == "__main__":
    main(source)
