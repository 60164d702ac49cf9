#!/usr/bin/env python3
"""The benchmark: a setup and days of dense cities over real TLS, beside what simpler programs take for the same rows.

The platform is the simulator as a sink: it accepts and answers, and its own CPU time is told apart. No time is ever
asserted; what fails is a program that fails or a count that is wrong. `steal` and `idle` are shares of the whole
machine while something was measured: a figure with much steal says little.

usage: bench.py BINARIES [--quick | --persons N | --receptions N] [--beside BINARIES] [--work FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

BENCH = Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH.parent / "system"))
from harness import INSURER, ROOT, City, Failure, expect  # noqa: E402

FULL, QUICK = 1_000_000, 100_000
SIZES = (10_000, 100_000)  # smaller cities, which show how time and memory grow
PEERS_AT_MOST = 100_000  # persons: the peers' rates do not depend on the size
TURNS = 5  # of a comparison
KINDS = 3  # records of a person in a dense city, one of each kind
CHANGED_EVERY = 333  # persons whose 住所 changes: 0.3 %
TICKS = os.sysconf("SC_CLK_TCK")
REGISTERED = 5  # state of a record in the ledger
TABLES = "宛名 被保険者資格 要介護認定 認定調査 認定調査サービス 認定調査特記 主治医意見書 主治医意見書傷病 同意"
PIPE = r"""
set -euo pipefail
for table in $TABLES; do
    sqlite3 -csv core.db "SELECT * FROM $table" | split -l 1000 -a 5 - "pipe/$table."
done
next=
for file in pipe/*; do
    printf '%surl="%s"\ndata-binary="@%s"\nheader="Content-Type: text/csv"\nheader="Expect:"\n' "$next" "$URL" "$file"
    printf 'cacert=pki/ca.pem\ncert=pki/gateway.pem\nkey=pki/gateway.key\ntlsv1.3\nsilent\nshow-error\noutput=/dev/null\n'
    printf 'write-out="%%{http_code} %%{num_connects}\\n"\n'
    next=$'next\n'
done > pipe.config
curl -K pipe.config
"""


class Measured(NamedTuple):
    what: str
    records: int
    wall: float
    cpu: float
    platform_cpu: float
    resident: float  # MiB at its peak, of the greatest process
    steal: float
    idle: float

    @property
    def rate(self) -> float:
        return self.records / self.wall

    def __str__(self) -> str:
        return (f"{self.what:<34} {self.wall:9.2f} {self.cpu:9.2f} {self.platform_cpu:9.2f} {self.rate:10,.0f} "
                f"{self.cpu / self.records * 1e6:9.1f} {self.resident:7.0f} {self.steal:6.1f} {self.idle:6.1f}")


HEADER = (f"{'':<34} {'wall s':>9} {'CPU s':>9} {'sink CPU':>9} {'records/s':>10} {'CPU µs':>9} {'MiB':>7} "
          f"{'steal%':>6} {'idle%':>6}")


def machine_ticks() -> tuple[int, int, int]:
    """All, stolen by other guests of the host, idle."""
    user, nice, system, idle, wait, irq, soft_irq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return user + nice + system + idle + wait + irq + soft_irq + steal, steal, idle + wait


def process_cpu(pid: int) -> float:
    """Seconds so far, of a process that still runs."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class DenseCity(City):
    """A city of three faultless records a person, whose programs are measured."""

    def __init__(self, binaries: Path, persons: int) -> None:
        super().__init__(binaries, persons)
        self.persons, self.records = persons, persons * KINDS

    def run_tool(self, program: str, *arguments: str) -> None:
        super().run_tool(program, "--dense", *arguments)

    def start_sink(self, waits_for: int = 0) -> None:
        """waits_for: receptions that must have come before the first is told as completed"""
        self.stop_simulator()
        log = self.folder / "simulator.log"
        with log.open("w", encoding="utf-8") as errors:
            self.simulator = subprocess.Popen(
                [self.binaries / "kaigo-platform-sim", "--sink", "--sink-waits-for", str(waits_for),
                 "--listen", "127.0.0.1:0", "--state", self.platform,
                 "--certificate", self.folder / "pki/platform.pem", "--private-key", self.folder / "pki/platform.key",
                 "--client-ca", self.folder / "pki/ca.pem", "--interface-spec", self.spec],
                stdout=subprocess.PIPE, stderr=errors, text=True)
        assert self.simulator.stdout is not None
        expect(self.simulator.stdout.readline() == "ready\n", "the sink did not start")
        self.port = int(log.read_text().strip().rsplit(":", 1)[1])
        self.write_config()

    def sink_counts(self) -> dict[str, int]:
        """What the sink took and told, which it says when it stops."""
        self.stop_simulator()
        said = (self.folder / "simulator.log").read_text().rsplit("sink: ", 1)[1]
        return {name: int(number) for number, name in
                (part.split(maxsplit=1) for part in said.strip().split(", "))}

    def measure(self, what: str, records: int, command: list[str | Path],
                environment: dict[str, str] | None = None) -> Measured:
        assert self.simulator is not None
        ticks, platform_cpu = machine_ticks(), process_cpu(self.simulator.pid)
        with self.output.open("w", encoding="utf-8") as output:
            start = time.monotonic()
            process = subprocess.Popen(command, cwd=self.folder, stdout=output, stderr=output,
                                       env={**os.environ, **(environment or {})})
            _, code, usage = os.wait4(process.pid, 0)
            wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(code)
        expect(process.returncode == 0, f"{what}: ended with {process.returncode}\n{self.output.read_text()[-4000:]}")
        whole, steal, idle = (after - before for before, after in zip(ticks, machine_ticks()))
        measured = Measured(what, records, wall, usage.ru_utime + usage.ru_stime,
                            process_cpu(self.simulator.pid) - platform_cpu, usage.ru_maxrss / 1024,
                            100 * steal / whole, 100 * idle / whole)
        print(measured, flush=True)
        return measured

    def command(self, what: str, *arguments: str) -> Measured:
        return self.measure(what, self.records,
                            [self.binaries / "kaigo-gateway", "--config", self.folder / "gateway.yaml", *arguments])

    def expect_count(self, sql: str, wanted: int, what: str) -> None:
        got = self.query(self.ledger, sql)
        expect(got == wanted, f"{what}: {got}, not {wanted}")

    def expect_registered(self, wanted: int) -> None:
        self.expect_count(f"SELECT count(*) FROM record WHERE state = {REGISTERED}", wanted, "registered")

    def expect_compared(self, term: str, wanted: int) -> None:
        self.expect_count(f"SELECT sum({term}) FROM comparison WHERE run = (SELECT max(id) FROM run)", wanted, term)


class Setup(NamedTuple):
    """A setup and its parts: peers do the middle one alone."""

    whole: Measured
    check: Measured  # measured again, alone
    certificate: Measured  # measured again, alone
    sending: float  # seconds from the consent to the last result, as the ledger has it

    @property
    def sending_rate(self) -> float:
        return self.whole.records / self.sending

    @property
    def sending_cpu(self) -> float:
        return self.whole.cpu - self.check.cpu - self.certificate.cpu

    def __str__(self) -> str:
        return (f"{'  of it sending and settling':<34} {self.sending:9.2f} {self.sending_cpu:9.2f} {'':9} "
                f"{self.sending_rate:10,.0f} {self.sending_cpu / self.whole.records * 1e6:9.1f}")


def measure_gateway(city: DenseCity) -> tuple[Setup, Measured, Measured]:
    """@return setup, a day without changes, a day with some"""
    city.start_sink()
    check = city.command("the check of all rows alone", "validate-mapping")
    whole = city.command("setup, everything on", "run", "initial-setup", "--yes", "--quiet")
    city.expect_registered(city.records)
    begun = city.query(city.ledger, "SELECT min(started_at) FROM setup")
    settled = city.query(city.ledger, "SELECT max(settled_at) FROM batch")
    ledger = sum(file.stat().st_size for file in city.ledger.parent.glob("ledger.db*")) / city.records
    certificate = city.command("the certificate alone", "run", "reconcile", "--quiet")
    setup = Setup(whole, check, certificate, (settled - begun) / 1000)
    print(setup, flush=True)
    same = city.command("a day without changes", "run", "daily-sync", "--quiet")
    city.expect_compared("unchanged", city.records)
    changed = city.persons // CHANGED_EVERY
    city.change_source("UPDATE 宛名 SET 住所 = 住所 || '２０１' WHERE 最新フラグ = '1' AND 削除フラグ = '0' AND "
                       f"CAST(宛名番号 AS INTEGER) % {CHANGED_EVERY} = 0")
    other = city.command("a day with 0.3 % of them changed", "run", "daily-sync", "--quiet")
    city.expect_compared("changed", changed)
    city.expect_registered(city.records)
    print(f"ledger: {ledger:.0f} bytes a record")
    return setup, same, other


def measure_receptions(binaries: Path, receptions: int) -> None:
    """So many requests of one record each, completed one by one, and all at once after the last."""
    rates = []
    with DenseCity(binaries, receptions) as city:
        city.settings["record_kinds"] = "[insured-persons]"
        city.platform_extra = "  max_records: 1"
        print(f"\n{receptions:,} requests of one record\n{HEADER}", flush=True)
        for what, waits_for in (("completed as they come", 0), ("all waiting at once", receptions)):
            shutil.rmtree(city.ledger.parent, ignore_errors=True)
            city.start_sink(waits_for)
            rates.append(city.measure(what, receptions, [
                city.binaries / "kaigo-gateway", "--config", city.folder / "gateway.yaml",
                "run", "initial-setup", "--yes", "--quiet"]).rate)
            city.expect_registered(receptions)
            counts = city.sink_counts()
            # Any other question the sink answers with an error, which would be retried beyond all bounds.
            expect(counts["requests"] == counts["results told"] == receptions, f"{what}: the sink counted {counts}")
            print(f"  listings asked for: {counts['listings']:,}", flush=True)
    print(f"all waiting at once: {rates[1] / rates[0]:.2f} x the requests/s")


def measure_python(city: DenseCity) -> tuple[Measured, Measured]:
    """@return setup, a day without changes"""
    city.start_sink()
    command = [sys.executable, BENCH / "plain_python.py", "--database", city.source, "--insurer", city.insurer,
               "--url", f"https://127.0.0.1:{city.port}/kaigo/v1", "--ca", city.folder / "pki/ca.pem",
               "--certificate", city.folder / "pki/gateway.pem", "--private-key", city.folder / "pki/gateway.key",
               "--state", city.folder / "python", "--key", city.folder / "pki/spool.key",
               "--mapping", city.mapping, "--spec", city.spec]

    def run(what: str, term: str) -> Measured:
        measured = city.measure(what, city.records, command)
        counts = city.output.read_text().split()
        got = int(counts[counts.index(term) + 1])
        expect(got == city.records, f"{what}: {got} {term}, not {city.records}")
        return measured

    return run("plain Python: setup", "registered"), run("plain Python: without changes", "unchanged")


def measure_pipe(city: DenseCity) -> Measured | None:
    """The tables that hold the records as CSV, 1,000 lines a request: no record is made, checked, noted or asked for."""
    if shutil.which("curl") is None:
        print("the unchecked pipe is left out: there is no curl")
        return None
    city.start_sink()
    (city.folder / "pipe").mkdir()
    url = f"https://127.0.0.1:{city.port}/kaigo/v1/insurers/{INSURER}/insured-persons/registrations"
    measured = city.measure("unchecked pipe: sqlite3, split, curl", city.records, ["bash", "-c", PIPE],
                            environment={"URL": url, "TABLES": TABLES})
    answers = [line.split() for line in city.output.read_text().splitlines()]
    files = sum(city.query(city.source, f"SELECT (count(*) + 999) / 1000 FROM {table}") for table in TABLES.split())
    expect(len(answers) == files and all(code in ("200", "202") for code, _ in answers),
           f"the pipe: {len(answers)} answers of {files}, or other codes than 200 and 202")
    expect(sum(int(connects) for _, connects in answers) == 1, "the pipe opened more than one connection")
    shutil.rmtree(city.folder / "pipe")
    return measured


def compare(binaries: Path, former: Path, persons: int) -> None:
    """Setup, day and reconciliation of two builds in turn, over the same city and the same sink."""
    measured: dict[str, dict[Path, list[Measured]]] = {}
    with DenseCity(binaries, persons) as city:
        print(f"\n{persons:,} persons, {city.records:,} records\n{HEADER}", flush=True)
        for turn in range(TURNS):
            for side, name in ((former, "before"), (binaries, "now")):
                city.stop_simulator()
                shutil.rmtree(city.ledger.parent, ignore_errors=True)
                city.start_sink()
                for what, arguments in (("setup", ("initial-setup", "--yes")), ("day without changes", ("daily-sync",)),
                                        ("reconcile", ("reconcile",))):
                    one = city.measure(f"{turn + 1} {name}: {what}", city.records, [
                        side / "kaigo-gateway", "--config", city.folder / "gateway.yaml", "run", *arguments, "--quiet"])
                    measured.setdefault(what, {}).setdefault(side, []).append(one)
                city.expect_registered(city.records)
    print(f"\nNow beside before, median of {TURNS} turns: below 1 is faster\n{'':<24}{'wall':>8}{'CPU':>8}{'of each turn, wall':>24}")
    for what, sides in measured.items():
        pairs = list(zip(sides[binaries], sides[former]))
        walls = [now.wall / before.wall for now, before in pairs]
        cpu = median(now.cpu / before.cpu for now, before in pairs)
        print(f"{what:<24}{median(walls):8.3f}{cpu:8.3f}{' '.join(f'{ratio:.3f}' for ratio in walls):>24}")


def run_stages(binaries: Path) -> None:
    result = subprocess.run([binaries / "bench-stages", "--benchmark_format=json"], capture_output=True, text=True,
                            env={**os.environ, "TMPDIR": tempfile.gettempdir()})
    expect(result.returncode == 0, f"bench-stages ended with {result.returncode}:\n{result.stderr}")
    figures: dict[str, dict[str, dict[str, float]]] = {}
    for each in json.loads(result.stdout)["benchmarks"]:
        stage, kind, _ = each["name"].split("/")
        expect("error_occurred" not in each, f"{stage}: {each.get('error_message')}")
        figures.setdefault(stage, {})[kind] = each
    kinds = ("insured-persons", "care-certifications", "comprehensive-consents")
    print(f"\nStages alone, CPU µs a record (wall where the disk is waited for), one thread\n{'':<22}" +
          "".join(f"{kind:>26}" for kind in kinds))
    for stage, by_kind in figures.items():
        cells = [by_kind[kind] if kind in by_kind else None for kind in kinds]
        print(f"{stage:<22}" + "".join(f"{'':>26}" if cell is None else f"{cell['cpu_time']:>16.2f}"
                                       f"{'(%.2f)' % cell['real_time']:>10}" for cell in cells))

    def mean(*stages: str) -> float:
        return sum(each["cpu_time"] for stage in stages for each in figures[stage].values()) / KINDS

    fetched = mean("fetch", "fetch children")
    budget = (  # CPU seconds for 3,000,000 records, as the design has it
        ("fetch", 6, fetched),
        ("map, validate, canonical JSON", 5, mean("fetch and map", "validate", "canonical JSON") - fetched),
        ("keyed digests (record, request)", 3, mean("keyed digest", "request digests")),
        ("compress + encrypt spool", 5, mean("spool store")),
        ("ledger: intent, accepted, landed", 11, mean("ledger write")),
        ("compose, parse (TLS not in it)", 5, mean("compose body", "parse results")))
    print(f"\n{'stage, mean of the three kinds':<36} {'budget µs':>10} {'measured µs':>12}")
    for stage, seconds, measured in budget:
        print(f"{stage:<36} {seconds / 3:10.2f} {measured:12.2f}")
    print(f"{'together':<36} {sum(each[1] for each in budget) / 3:10.2f} {sum(each[2] for each in budget):12.2f}")
    print(f"{'ledger read (a comparison)':<36} {'':10} {mean('ledger read'):12.2f}", flush=True)


def bench(binaries: Path, persons: int) -> None:
    sizes = sorted({size for size in SIZES if size < persons} | {persons})
    peers_at = max((size for size in sizes if size <= PEERS_AT_MOST), default=sizes[0])
    ratios = []
    for size in sizes:
        with DenseCity(binaries, size) as city:
            print(f"\n{size:,} persons, {city.records:,} records\n{HEADER}", flush=True)
            setup, same, other = measure_gateway(city)
            ratios.append((f"{size:,} persons: changed day, wall, beside the day without changes",
                           f"{100 * (other.wall / same.wall - 1):+.1f} %"))
            if size != peers_at:
                continue
            python_setup, python_same = measure_python(city)
            pipe = measure_pipe(city)
            ratios += [(f"{size:,} persons: {what}", f"{rate / peer.rate:.2f} x") for what, rate, peer in (
                ("sending and settling beside plain Python's setup", setup.sending_rate, python_setup),
                ("whole setup beside plain Python's", setup.whole.rate, python_setup),
                ("day without changes beside plain Python's", same.rate, python_same),
                ("sending and settling beside the unchecked pipe", setup.sending_rate, pipe),
                ("whole setup beside the unchecked pipe", setup.whole.rate, pipe)) if peer is not None]
    print("\nRatios")
    for what, ratio in ratios:
        print(f"{what:<72} {ratio:>9}")
    run_stages(binaries)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures a setup, a day without changes and a day with some.")
    parser.add_argument("binaries", type=Path)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_const", dest="persons", const=QUICK, help=f"{QUICK:,} persons")
    size.add_argument("--persons", type=int, help=f"three records each; {FULL:,}")
    size.add_argument("--receptions", type=int, help="instead: so many requests of one record, all waiting at once")
    parser.add_argument("--beside", type=Path, metavar="BINARIES", help="instead: this build and another one in turn")
    parser.add_argument("--work", type=Path, help="folder for the databases, which go at the end")
    options = parser.parse_args()
    if options.work:
        options.work.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="kaigo-bench-", dir=options.work))
    tempfile.tempdir = str(work)
    try:
        if options.beside:
            compare(options.binaries.resolve(), options.beside.resolve(), options.persons or QUICK)
        elif options.receptions:
            measure_receptions(options.binaries.resolve(), options.receptions)
        else:
            bench(options.binaries.resolve(), options.persons or FULL)
    except Failure as failure:
        print(f"FAILED: {failure}")
        return 1
    shutil.rmtree(work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
