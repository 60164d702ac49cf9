"""What the system tests share: a PKI, a sample city, the real simulator and the real gateway over real TLS."""

from __future__ import annotations

import base64
import datetime
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INSURER = "122192"
DAY_MS = 86_400_000
START_MS = 1_793_554_200_000  # 2026-11-02 02:30 in Japan


class Failure(AssertionError):
    pass


def tonight() -> int:
    """The next 02:30 in Japan: certificates made now are valid then."""
    now = int(time.time() * 1000)
    return now + DAY_MS - (now - START_MS) % DAY_MS


def expect(condition: object, message: str) -> None:
    if not condition:
        raise Failure(message)


class City:
    """One municipality: its database, its gateway and the simulated platform. Use as a context manager."""

    def __init__(self, binaries: Path, persons: int, seed: int = 1, insurer: str = INSURER) -> None:
        self.binaries = binaries
        self.insurer = insurer
        self.folder = Path(tempfile.mkdtemp(prefix="kaigo-"))
        self.now = START_MS
        self.port = 0
        self.simulator: subprocess.Popen[str] | None = None
        self.output = self.folder / "output.log"  # everything the programs print
        self.settings = {"new_form_from": "2026-04-01"}
        self.spec = ROOT / "interface-spec/2.02"
        self.mapping = ROOT / "etc/mappings/sample-standard.yaml"
        self.platform_extra = ""  # further lines of the platform section
        self.spool_extra = ""  # further keys of the spool section
        self.extra = ""  # further sections
        subprocess.run([ROOT / "tests/support/make-pki.sh", self.folder / "pki", insurer], check=True)
        self.run_tool("kaigo-sample-db", "--persons", str(persons), "--seed", str(seed), "--insurer", insurer,
                      "--output", str(self.source))

    def __enter__(self) -> "City":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.stop_simulator()
        if kind is None:
            shutil.rmtree(self.folder)
        else:
            print(f"left for a look: {self.folder}", file=sys.stderr)

    @property
    def source(self) -> Path:
        return self.folder / "core.db"

    @property
    def sources(self) -> list[Path]:
        return [self.source]

    @property
    def ledger(self) -> Path:
        return self.folder / "state/ledger.db"

    @property
    def platform(self) -> Path:
        return self.folder / "platform.db"

    def write_config(self, certificate: str = "gateway", language: str = "en", ca: str = "ca.pem") -> None:
        settings = "".join(f", {key}: {value}" for key, value in self.settings.items())
        (self.folder / "gateway.yaml").write_text(f"""\
language: {language}
interface_spec: {self.spec}
my_number_check: test
sources:
  core: {{driver: sqlite, database: core.db, mapping: {self.mapping}}}
insurers:
  - {{number: "{self.insurer}", name: 見本市, source: core{settings}}}
platform:
  url: https://127.0.0.1:{self.port}/kaigo/v1
  ca_file: pki/{ca}
  certificate_file: pki/{certificate}.pem
  private_key_file: pki/{certificate}.key
  request_timeout: 20s
{self.platform_extra}
ledger: {{path: state/ledger.db}}
spool: {{directory: state/spool, key_file: pki/spool.key{self.spool_extra}}}
audit: {{path: state/audit.log}}
{self.extra}""", encoding="utf-8")

    def run_tool(self, program: str, *arguments: str) -> None:
        subprocess.run([self.binaries / program, *arguments], check=True)

    def start_simulator(self, scenario: str = "", certificate: str = "platform", seed: int = 1,
                        spec: Path | None = None) -> None:
        self.write_scenario(scenario)
        log = open(self.folder / "simulator.log", "a", encoding="utf-8")
        self.simulator = subprocess.Popen(
            [self.binaries / "kaigo-platform-sim", "--listen", f"127.0.0.1:{self.port}",
             "--certificate", self.folder / f"pki/{certificate}.pem", "--private-key", self.folder / f"pki/{certificate}.key",
             "--client-ca", self.folder / "pki/ca.pem", "--interface-spec", spec or self.spec, "--state", self.platform,
             "--scenario", self.folder / "scenario.yaml", "--seed", str(seed)],
            stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.simulator.stdout is not None
        line = self.simulator.stdout.readline()
        expect(line == "ready\n", f"the simulator did not start: {line!r}")
        self.port = int((self.folder / "simulator.log").read_text().strip().splitlines()[-1].rsplit(":", 1)[1])
        self.write_config()

    def write_scenario(self, scenario: str) -> None:
        (self.folder / "scenario.yaml").write_text(scenario or "polls: 1\n", encoding="utf-8")

    def change_scenario(self, scenario: str) -> None:
        """The simulator starts anew with its state: faults are counted from the first request on."""
        self.stop_simulator()
        self.start_simulator(scenario)

    def today(self) -> str:
        return datetime.datetime.fromtimestamp(self.now / 1000 + 9 * 3600, datetime.timezone.utc).strftime("%Y-%m-%d")

    def stop_simulator(self) -> None:
        if self.simulator is None:
            return
        self.simulator.terminate()
        self.simulator.wait()
        self.simulator = None

    def gateway(self, *arguments: str, kill_at: int = 0, environment: dict[str, str] | None = None,
                failpoints: Path | None = None,
                disturbances: dict[str, int] | None = None) -> subprocess.CompletedProcess[str]:
        """One command of the gateway, at the city's time.

        disturbances: KILL, TERM or JUMP (of the clock, by 45 minutes), each at which failpoint."""
        env = dict(os.environ if environment is None else environment)
        env["KAIGO_TEST_NOW"] = str(self.now)
        if kill_at:
            env["KAIGO_TEST_KILL_AT"] = str(kill_at)
        for what, failpoint in (disturbances or {}).items():
            env[f"KAIGO_TEST_{what}_AT"] = str(failpoint)
            env["KAIGO_TEST_JUMP_MS"] = str(45 * 60_000)
        if failpoints:
            env["KAIGO_TEST_FAILPOINTS"] = str(failpoints)
        result = subprocess.run([self.binaries / "kaigo-gateway-under-test", "--config", self.folder / "gateway.yaml",
                                 *arguments], env=env, capture_output=True, text=True)
        with open(self.output, "a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(arguments)} → {result.returncode}\n{result.stdout}{result.stderr}")
        return result

    def run_job(self, job: str, *arguments: str, status: int | tuple[int, ...] = (0, 1)) -> subprocess.CompletedProcess[str]:
        result = self.gateway("run", job, *arguments)
        allowed = status if isinstance(status, tuple) else (status,)
        expect(result.returncode in allowed,
               f"run {job} ended with {result.returncode}, not {allowed}:\n{result.stdout}{result.stderr}")
        return result

    def json(self, *arguments: str) -> dict:
        result = self.gateway(*arguments, "--format", "json")
        return json.loads(result.stdout)

    def advance(self, days: int = 1) -> None:
        self.run_tool("kaigo-sample-db", "--advance-days", str(days), "--output", str(self.source))
        self.now += days * DAY_MS

    def settle(self, rounds: int = 30) -> None:
        """Collects and retries until nothing is owed or in flight: an hour between two rounds."""
        for _ in range(rounds):
            self.run_job("retry-due", "--wait", "30m", status=(0, 1, 69, 75))
            if self.unsettled() == 0:
                return
            self.now += 3_600_000
        raise Failure(f"{self.unsettled()} records are still under way")

    def unsettled(self) -> int:
        return self.query(self.ledger, "SELECT (SELECT count(*) FROM record WHERE state IN (1, 2)) + "
                                       "(SELECT count(*) FROM batch WHERE state < 6)")

    @staticmethod
    def query(database: Path, sql: str, *parameters: object) -> int:
        connection = sqlite3.connect(database)
        try:
            return connection.execute(sql, parameters).fetchone()[0]
        finally:
            connection.close()

    @staticmethod
    def values(database: Path, sql: str, *parameters: object) -> list[str]:
        """The first column of all rows."""
        connection = sqlite3.connect(database)
        try:
            return [row[0] for row in connection.execute(sql, parameters)]
        finally:
            connection.close()

    def change_source(self, sql: str) -> None:
        connection = sqlite3.connect(self.source)
        with connection:
            connection.executescript(sql)
        connection.close()

    def effects(self) -> int:
        return self.query(self.platform, "SELECT count(*) FROM effect")

    def check(self) -> None:
        """The independent checker, and the search for マイナンバー."""
        arguments = [sys.executable, ROOT / "tests/system/checker.py", "--source", self.source, "--insurer", self.insurer,
                     "--platform", self.platform, "--ledger", self.ledger, "--today", self.today(),
                     "--quiescent"]
        for key, value in self.settings.items():
            arguments += [f"--{key.replace('_', '-')}", value]
        result = subprocess.run(arguments, capture_output=True, text=True)
        expect(result.returncode == 0, f"the checker finds faults:\n{result.stdout}{result.stderr}")
        self.search_my_numbers()

    def search_my_numbers(self) -> None:
        """No マイナンバー in clear in anything that was written: raw, full-width, hexadecimal, UTF-16 or base64."""
        numbers = set()
        for source in self.sources:
            connection = sqlite3.connect(source)
            numbers |= {row[0] for row in connection.execute("SELECT DISTINCT 個人番号 FROM 宛名 WHERE 個人番号 IS NOT NULL")}
            connection.close()
        expect(numbers, "the source has no マイナンバー to search for")
        needles = set()
        for number in numbers:
            for shift in range(3):
                # The characters of base64 that depend on the number alone.
                coded = base64.b64encode(b"\0" * shift + number.encode()).decode()
                needles.add(coded[(shift * 8 + 5) // 6:(shift * 8 + 96) // 6])
        lengths = {len(needle) for needle in needles}
        for path in sorted(self.folder.rglob("*")):
            if not path.is_file() or path in self.sources:
                continue
            data = path.read_bytes()
            found = {m[1].decode() for m in re.finditer(rb"(?=([0-9]{12}))", data)}
            found |= {bytes.fromhex(m[1].decode()).decode() for m in re.finditer(rb"(?=((?:3[0-9]){12}))", data)}
            found |= {m[1].decode("utf-16-le") for m in re.finditer(rb"(?=((?:[0-9]\0){12}))", data)}
            wide = "[" + "０-９" + "]"
            found |= {m[1].translate({0xFF10 + i: 48 + i for i in range(10)})
                      for m in re.finditer(f"(?=({wide}{{12}}))", data.decode("utf-8", "ignore"))}
            expect(not found & numbers, f"a マイナンバー stands in {path.relative_to(self.folder)}")
            for m in re.finditer(rb"[A-Za-z0-9+/]{14,}", data):
                token = m[0].decode()
                for length in lengths:
                    for at in range(len(token) - length + 1):
                        expect(token[at:at + length] not in needles,
                               f"a マイナンバー in base64 stands in {path.relative_to(self.folder)}")


class Daemon:
    """kaigo-gatewayd with a clock that passes when it is told to. Use as a context manager."""

    LOOKS = 6_000

    def __init__(self, binaries: Path, config: Path, now: int, environment: dict[str, str] | None = None) -> None:
        self.config, self.now = config, now
        self.log = config.parent / "daemon.log"
        env = dict(os.environ, KAIGO_TEST_NOW=str(now), **(environment or {}))
        self.seen = self.log.stat().st_size if self.log.exists() else 0
        self.process = subprocess.Popen([binaries / "kaigo-gatewayd-under-test", "--config", config], env=env, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(self.log, "a"))

    def __enter__(self) -> "Daemon":
        self.await_event("started")
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def say(self, line: str) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        expect(answer.startswith("at "), f"the daemon ended: {self.tail()}")
        self.now = int(answer.split()[1])

    def until(self, milliseconds: int) -> None:
        self.say(f"until {milliseconds}")

    def idle(self) -> None:
        self.say("idle")

    def events(self, name: str = "") -> list[dict]:
        """What this process told so far."""
        with open(self.log, encoding="utf-8") as log:
            log.seek(self.seen)
            lines = [json.loads(line) for line in log if line.startswith("{") and line.endswith("\n")]
        return [line for line in lines if not name or line["event"] == name]

    def await_event(self, name: str, count: int = 1) -> dict:
        for _ in range(self.LOOKS):
            found = self.events(name)
            if len(found) >= count:
                return found[-1]
            expect(self.process.poll() is None, f"the daemon ended before {name}: {self.tail()}")
            time.sleep(0.01)
        raise Failure(f"no event {name}: {self.tail()}")

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait()

    def tail(self) -> str:
        return "".join(self.log.read_text(encoding="utf-8").splitlines(keepends=True)[-15:])


class TlsServer:
    """A server of the test's own in the platform's place. Use as a context manager.

    `handle` gets every TLS stream that came about; what it raises as OSError ends that connection alone.
    """

    CONNECTIONS = 2_000

    def __init__(self, city: City, handle: Callable[[ssl.SSLSocket], None], newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> None:
        self.city, self.handle = city, handle
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.maximum_version = newest
        self.context.load_cert_chain(city.folder / "pki/platform.pem", city.folder / "pki/platform.key")

    def __enter__(self) -> "TlsServer":
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.city.port = self.listener.getsockname()[1]
        self.city.write_config()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()

    def serve(self) -> None:
        for _ in range(self.CONNECTIONS):
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            try:
                with self.context.wrap_socket(peer, server_side=True) as stream:
                    stream.settimeout(10)
                    self.handle(stream)
            except OSError:
                pass


def main(test) -> None:
    """Runs one test with the folder of binaries from the command line."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        test(Path(sys.argv[1]), *sys.argv[2:])
    except Failure as failure:
        print(f"FAILED: {failure}")
        sys.exit(1)
    print("passed")
