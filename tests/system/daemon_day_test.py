#!/usr/bin/env python3
"""A day of a daemon with fifty insurers: a certificate renewed, a reload refused, the platform closed for two hours, the
daemon killed, one database gone, one certificate of another municipality. At its end everything that can be linked is."""

import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from harness import DAY_MS, ROOT, City, Daemon, expect, main, tonight

HOUR_MS = 3_600_000
FIRST = 131_001
MOODS = "polls: 2\nmiddle_server: {unknown_share: 60, several_share: 10}\n"


class District(City):
    """Many municipalities behind one daemon. The first is City's own."""

    def __init__(self, binaries: Path, insurers: int) -> None:
        self.numbers = [str(FIRST + i) for i in range(insurers)]
        self.without_database, self.strange, self.renewed = self.numbers[2], self.numbers[3], self.numbers[4]
        super().__init__(binaries, 15, insurer=self.numbers[0])
        for i, number in enumerate(self.numbers[1:], 1):
            self.run_tool("kaigo-sample-db", "--persons", "15", "--seed", str(i), "--insurer", number, "--output",
                          str(self.database(number)))
        others = [n for n in self.numbers if n not in (self.strange, self.renewed)]
        self.issue(",".join(others), "gateway")
        self.issue("999999", self.strange)  # of some other municipality
        self.issue(self.renewed, self.renewed, days=50)

    @property
    def sources(self) -> list[Path]:
        return [self.database(number) for number in self.numbers]

    def issue(self, insurers: str, name: str, days: int = 3650) -> None:
        subprocess.run([ROOT / "tests/support/make-pki.sh", self.folder / "pki", insurers, name, str(days)], check=True)

    def database(self, number: str) -> Path:
        return self.source if number == self.insurer else self.folder / f"{number}.db"

    def write_config(self, *_: object, **__: object) -> None:
        own = {self.strange, self.renewed}
        mapping = self.folder / "mapping.yaml"
        if not mapping.exists():
            shutil.copy(self.mapping, mapping)
        sources = "".join(f"  s{n}: {{driver: sqlite, database: {self.database(n).name}, mapping: mapping.yaml}}\n"
                          for n in self.numbers)
        insurers = "".join(
            f'  - {{number: "{n}", source: s{n}, new_form_from: 2026-04-01'
            + (f", certificate_file: pki/{n}.pem, private_key_file: pki/{n}.key" if n in own else "")
            + (', schedule: [{job: daily-sync, at: "04:30"}, {job: retry-due, every: 5m}]' if n == self.numbers[5] else "")
            + "}\n" for n in self.numbers)
        (self.folder / "gateway.yaml").write_text(f"""\
language: en
interface_spec: {self.spec}
my_number_check: test
sources:
{sources}insurers:
{insurers}platform:
  url: https://127.0.0.1:{self.port}/kaigo/v1
  ca_file: pki/ca.pem
  certificate_file: pki/gateway.pem
  private_key_file: pki/gateway.key
  request_timeout: 20s
ledger: {{path: state/ledger.db}}
spool: {{directory: state/spool, key_file: pki/spool.key}}
audit: {{path: state/audit.log}}
control: {{socket: state/control.sock}}
http: {{listen: "127.0.0.1:0"}}
daemon: {{jobs_at_once: 3}}
safety: {{drop_percent: 60}}
schedule:
  - {{job: daily-sync, at: "02:30"}}
  - {{job: collect-results, every: 1m}}
  - {{job: retry-due, every: 1m}}
""", encoding="utf-8")

    def mood(self, scenario: str) -> None:
        """What the platform does from now on."""
        self.write_scenario(scenario)
        assert self.simulator
        self.simulator.send_signal(signal.SIGHUP)

    def ask(self, daemon: Daemon, *arguments: str, step: int = 30_000) -> subprocess.CompletedProcess[str]:
        """A command that may wait for its job, while time passes beside it."""
        with open(self.folder / "asked.log", "w+", encoding="utf-8") as said:
            asked = subprocess.Popen([self.binaries / "kaigo-gateway", "--config", self.folder / "gateway.yaml", *arguments],
                                     stdout=said, stderr=said, text=True)
            while asked.poll() is None:
                daemon.until(daemon.now + step)
            said.seek(0)
            return subprocess.CompletedProcess(arguments, asked.returncode, said.read(), "")

    def set_up(self) -> set[str]:
        connection = sqlite3.connect(self.ledger)
        try:
            return {n for (n,) in connection.execute("SELECT number FROM insurer i JOIN setup s ON s.insurer = i.id "
                                                     "WHERE completed_at IS NOT NULL")}
        finally:
            connection.close()

    def check_all(self, today: str) -> None:
        for number in self.numbers:
            result = subprocess.run(
                [sys.executable, ROOT / "tests/system/checker.py", "--source", self.database(number), "--insurer", number,
                 "--platform", self.platform, "--ledger", self.ledger, "--today", today, "--new-form-from", "2026-04-01",
                 "--quiescent"], capture_output=True, text=True)
            expect(result.returncode == 0, f"{number}: the checker finds faults:\n{result.stdout}{result.stderr}")


def first_day(district: District, daemon: Daemon) -> None:
    """Everyone is set up but those who cannot be, and they keep nobody waiting."""
    setup = district.ask(daemon, "run", "initial-setup", "--yes", "--quiet")
    expect(setup.returncode > 1, "two insurers cannot be set up, and nobody says so")
    others = set(district.numbers) - {district.without_database, district.strange}
    expect(district.set_up() == others, f"not set up: {sorted(others - district.set_up())}")
    failed = {event["insurer"] for event in daemon.events("run-failed")}
    expect(failed == {district.without_database, district.strange}, f"failed: {failed}")


def night(district: District, daemon: Daemon, midnight: int) -> None:
    """The platform is closed from two to four; the nightly run waits for it. A reload with a fault changes nothing."""
    district.mood(MOODS + "maintenance: true\n")
    mapping = district.folder / "mapping.yaml"
    whole = mapping.read_text(encoding="utf-8")
    mapping.write_text(whole.replace("records:", "recrods:", 1), encoding="utf-8")
    daemon.signal(signal.SIGHUP)
    daemon.await_event("reload-refused")
    daemon.until(midnight + 4 * HOUR_MS)
    expect(daemon.events("run-later"), "nobody found the platform closed")
    sent = district.effects()
    district.mood(MOODS)
    daemon.until(midnight + 4 * HOUR_MS + 7 * 60_000)
    expect(district.effects() > sent, "nothing was sent once it opened again")
    mapping.write_text(whole, encoding="utf-8")


def mended(district: District, daemon: Daemon) -> None:
    """The database comes back, the right certificate is put in place: both go on without a restart."""
    district.folder.joinpath("away.db").rename(district.database(district.without_database))
    district.issue(district.strange, district.strange)
    district.issue(district.renewed, district.renewed, days=3000)
    daemon.until(daemon.now + 2 * 60_000)
    renewed = {event["insurer"] for event in daemon.events("certificate-renewed")}
    expect(renewed == {district.strange, district.renewed}, f"renewed: {renewed}")
    for number in (district.without_database, district.strange):
        setup = district.ask(daemon, "run", "initial-setup", "--insurer", number, "--yes", "--quiet")
        expect(setup.returncode in (0, 1), f"{number}: {setup.returncode} {setup.stdout}")
    expect(district.set_up() == set(district.numbers), "someone is still not set up")


def day(binaries: Path, insurers: str = "50") -> None:
    with District(binaries, int(insurers)) as district:
        midnight = tonight() - 5 * HOUR_MS // 2
        district.start_simulator(MOODS)
        district.database(district.without_database).rename(district.folder / "away.db")
        config = district.folder / "gateway.yaml"
        with Daemon(binaries, config, midnight - 4 * HOUR_MS) as daemon:
            first_day(district, daemon)
            expect({e["insurer"] for e in daemon.events("certificate-ends-soon")} == {district.renewed}, "whose ends soon?")
            daemon.until(midnight + HOUR_MS)
            for number in district.numbers:
                if number != district.without_database:
                    district.run_tool("kaigo-sample-db", "--advance-days", "1", "--output", str(district.database(number)))
            night(district, daemon, midnight)
            # Killed in the middle of the morning's work.
            daemon.process.kill()
            daemon.process.wait()
        with Daemon(binaries, config, midnight + 4 * HOUR_MS + 20 * 60_000) as daemon:
            daemon.until(midnight + 12 * HOUR_MS)
            mended(district, daemon)
            daemon.until(midnight + DAY_MS)
            # What the first day could not, the second night's run does; then the source stands still.
            daemon.until(midnight + DAY_MS + 8 * HOUR_MS)
            told = {event["event"] for event in daemon.events()}
            expect({"started", "run-begun", "run-ended", "certificate-renewed"} <= told, f"the story: {sorted(told)}")
            expect(daemon.stop() == 0, "the daemon's end")
        unsettled = district.query(district.ledger, "SELECT (SELECT count(*) FROM record WHERE state IN (1, 2)) + "
                                                    "(SELECT count(*) FROM batch WHERE state < 6)")
        expect(unsettled == 0, f"{unsettled} are still under way")
        twice = district.query(district.ledger, "SELECT count(*) FROM run WHERE job = 'daily-sync' AND insurer = ? AND "
                                                "outcome IN ('done', 'needs-person')", district.numbers[1])
        expect(twice == 2, f"two nights, {twice} runs that did their work")
        district.now = midnight + DAY_MS + 8 * HOUR_MS
        district.check_all(district.today())
        district.search_my_numbers()


if __name__ == "__main__":
    main(day)
