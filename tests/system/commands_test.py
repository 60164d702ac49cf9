#!/usr/bin/env python3
"""The commands as the contract has them: exit statuses, one JSON document, languages, and words that say why."""

import json
import os
import subprocess
from pathlib import Path

from harness import City, expect, main


def statuses(city: City) -> None:
    for arguments, status in ((("--help",), 0), (("--version",), 0), ((), 2), (("no-such-command",), 2),
                              (("run", "no-such-job"), 2), (("run", "daily-sync", "--insurer", "999999"), 2),
                              (("run", "daily-sync", "--wait", "soon"), 2), (("explain", "--insured", "1"), 2),
                              (("run", "daily-sync"), 1), (("run", "daily-sync", "--record", "no-such-kind"), 2),
                              (("validate-mapping", "--record", "no-such-kind"), 2), (("status",), 0), (("jobs", "999"), 2)):
        result = city.gateway(*arguments)
        expect(result.returncode == status, f"{arguments}: {result.returncode}, not {status}\n{result.stderr}")


def a_setup_is_asked_for(city: City) -> None:
    result = city.run_job("initial-setup", status=1)
    expect("--yes" in result.stderr and city.effects() == 0, "the setup began without a yes")
    plan = city.json("run", "initial-setup", "--dry-run")["plan"]
    expect(plan[0]["rows"]["new"] > 250 and city.effects() == 0, str(plan))
    city.run_job("initial-setup", "--yes", "--base-date", "2026-11-01", "--wait", "1h", status=1)
    city.settle()
    result = city.run_job("initial-setup", "--yes", status=0)
    expect("complete" in result.stderr, "a complete setup ran again")


def json_everywhere(city: City) -> None:
    for arguments in (("doctor",), ("check-spec",), ("validate-mapping",), ("jobs",), ("jobs", "1"), ("status",),
                      ("held", "list"), ("explain", "--insured", "0000000001"), ("audit", "verify"),
                      ("run", "daily-sync"), ("run", "collect-results"), ("run", "daily-sync", "--dry-run")):
        result = city.gateway(*arguments, "--format", "json")
        json.loads(result.stdout)
        expect(result.stdout.count("\n") == 1, f"{arguments}: more than one document")
    status = city.json("status")
    states = status["insurers"][0]["records"]["insured-persons"]
    expect(states["registered"] > 250 and states["stored_in_error"] > 0, str(states))
    expect(status["insurers"][0]["openCases"] == states["stored_in_error"], "cases are not counted")
    expect(status["insurers"][0]["certificateDaysLeft"] > 3000, "certificate days")
    expect(status["lastRuns"]["daily-sync"]["outcome"] == "needs-person", str(status["lastRuns"]))
    expect(status["lastRuns"]["daily-sync"]["startedAt"].endswith("+09:00"), "times carry Japan's offset")


def the_cron_world(city: City) -> None:
    """Nothing in the environment, Japanese configured: Japanese text, and silence where nothing is new."""
    city.write_config(language="ja")
    bare = {"PATH": os.environ["PATH"]}
    quiet = city.gateway("run", "daily-sync", "--quiet", environment=bare)
    expect(quiet.returncode == 1 and quiet.stdout == "" and quiet.stderr == "", f"not quiet: {quiet.stdout}{quiet.stderr}")
    shown = city.gateway("status", environment=bare)
    expect("登録済み" in shown.stdout and "PMHキー" in shown.stdout, shown.stdout)
    trouble = city.gateway("run", "initial-setup", "--yes", "--base-date", "2026-11-31", environment=bare)
    expect(trouble.returncode == 2 and "日付" in trouble.stderr, trouble.stderr)
    gateway = city.binaries / "kaigo-gateway"
    for config in (["--config", city.folder / "gateway.yaml"], [f"--config={city.folder}/gateway.yaml"]):
        helped = subprocess.run([gateway, *config, "cases", "decide", "--help"], env=bare, capture_output=True, text=True)
        expect(helped.returncode == 0 and "使い方" in helped.stdout and "Usage" not in helped.stdout, helped.stdout)
        wrong = subprocess.run([gateway, *config, "cases", "show", "062"], env=bare, capture_output=True, text=True)
        expect(wrong.returncode == 2 and "番号" in wrong.stderr, wrong.stderr)
    city.write_config(language="en")
    expect("registered" in city.gateway("status", environment=bare).stdout, "English")


def completion(city: City) -> None:
    """What bash offers behind a command, a group, an option with few values."""
    script = subprocess.run([city.binaries / "documents", "completion"], capture_output=True, text=True, check=True).stdout
    for words, offered in ((["ca"], "cases"), (["ledger", ""], "check backup rotate-key"), (["run", "re"], "retry-due reconcile"),
                           (["cases", "decide", "--finding", "mynumber-w"], "mynumber-wrong"),
                           (["cases", "list", "--state", "left"], "left-in-error"), (["--config", "x", "report", "--format", "h"], "html")):
        line = " ".join(f"'{word}'" for word in ["kaigo-gateway", *words])
        asked = f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words)}; _kaigo_gateway; echo ${{COMPREPLY[@]}}"
        said = subprocess.run(["bash", "-c", asked], capture_output=True, text=True).stdout.strip()
        expect(said == offered, f"behind {words}: {said}, not {offered}")


def words_that_say_why(city: City) -> None:
    in_error = city.query(city.ledger, "SELECT CAST(key AS TEXT) FROM record WHERE state = 4 LIMIT 1")
    shown = city.gateway("explain", "--insured", str(in_error)).stdout
    for part in ("KJP0001", "マイナンバー", "check the マイナンバー", "request:", "next:", "→ stored, but the PMH key is not linked"):
        expect(part in shown, f"explain does not say {part}:\n{shown}")
    expect(city.gateway("explain", "--insured", "9999999999").returncode == 1, "an unknown person")
    bare = city.query(city.ledger, "SELECT CAST(key AS TEXT) FROM record WHERE reason = 'my-number-missing' LIMIT 1")
    shown = city.gateway("explain", "--insured", str(bare)).stdout
    expect("住所地特例" in shown and "no マイナンバー" in shown, shown)


def held_records_go_when_corrected_or_resent(city: City) -> None:
    held = city.json("held", "list")["held"]
    expect(held and held[0]["reason"] == "validation:address:required", str(held))
    insured = held[0]["key"]
    city.change_source(f"UPDATE 宛名 SET 住所 = '見本市1番' WHERE 宛名番号 = '00000{insured}'")
    expect(city.json("held", "resend", "--insured", insured)["resent"] == 1, "resend")
    city.run_job("retry-due", "--wait", "1m")
    expect(city.json("explain", "--insured", insured)["records"][0]["state"] == "registered", "not registered")
    expect("held-resend" in (city.folder / "state/audit.log").read_text(encoding="utf-8"), "the operator's word is not in the audit log")


def a_bad_configuration_is_told_whole(city: City) -> None:
    path = city.folder / "gateway.yaml"
    good = path.read_text(encoding="utf-8")
    path.write_text(good.replace("language: en", "langauge: en").replace("driver: sqlite", "driver: paper"), encoding="utf-8")
    result = city.gateway("status")
    expect(result.returncode == 78 and "langauge" in result.stderr and "driver" in result.stderr, result.stderr)
    path.write_text(good, encoding="utf-8")


def a_closed_platform_is_for_later(city: City) -> None:
    city.advance()
    city.change_scenario("maintenance: true\n")
    city.run_job("daily-sync", "--wait", "1m", status=75)
    expect(city.unsettled() > 0, "nothing is owed")
    city.change_scenario("")
    city.settle()


def commands(binaries: Path) -> None:
    with City(binaries, 300, seed=11) as city:
        city.change_source("UPDATE 宛名 SET 個人番号 = NULL WHERE 宛名番号 = '000000000000007';"
                           "UPDATE 宛名 SET 住所 = NULL WHERE 宛名番号 = '000000000000009'")
        city.start_simulator("middle_server: {unknown_share: 200}\n")
        a_setup_is_asked_for(city)
        json_everywhere(city)
        statuses(city)
        completion(city)
        the_cron_world(city)
        words_that_say_why(city)
        held_records_go_when_corrected_or_resent(city)
        a_bad_configuration_is_told_whole(city)
        a_closed_platform_is_for_later(city)
        city.run_job("daily-sync")
        city.settle()
        city.check()
    with City(binaries, 20) as fresh:
        fresh.start_simulator()
        expect(fresh.gateway("status").returncode == 1, "no ledger yet")


if __name__ == "__main__":
    main(commands)
