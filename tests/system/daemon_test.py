#!/usr/bin/env python3
"""The daemon keeps its schedule, obeys over its socket, reloads, renews certificates, and stops and starts without loss."""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import urllib.error
import urllib.request
from pathlib import Path

from harness import DAY_MS, ROOT, City, Daemon, expect, main, tonight

SCHEDULE = """\
control: {socket: state/control.sock}
http: {listen: "127.0.0.1:0"}
schedule:
  - {job: daily-sync, at: "02:30"}
  - {job: collect-results, every: 1m}
  - {job: retry-due, every: 1m}
"""
HOUR_MS = 3_600_000


def runs(city: City, job: str) -> list[tuple[str, str]]:
    connection = sqlite3.connect(city.ledger)
    try:
        return connection.execute("SELECT outcome, actor FROM run WHERE job = ? ORDER BY id", (job,)).fetchall()
    finally:
        connection.close()


def fetch(daemon: Daemon, path: str) -> tuple[int, str]:
    port = daemon.events("started")[-1]["metricsPort"]
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def faulty_configuration(city: City) -> None:
    config = city.folder / "gateway.yaml"
    plain = config.read_text(encoding="utf-8")
    config.write_text(plain + "shedule: []\nretention: {history: soon}\n", encoding="utf-8")
    ended = subprocess.run([city.binaries / "kaigo-gatewayd", "--config", config], capture_output=True, text=True)
    expect(ended.returncode == 78, f"a faulty configuration: {ended.returncode}")
    expect("shedule" in ended.stderr and "duration" in ended.stderr, f"not every fault is told: {ended.stderr}")
    config.write_text(plain, encoding="utf-8")


def schedule(city: City) -> None:
    """An initial setup over the socket, two nights, a missed one."""
    with Daemon(city.binaries, city.folder / "gateway.yaml", city.now) as daemon:
        refused = city.gateway("run", "initial-setup")
        expect(refused.returncode == 1 and "--yes" in refused.stderr, f"an unasked question: {refused.stderr}")
        daemon.idle()
        # A setup that the daemon's end interrupts goes on with its next start.
        begun = len(daemon.events("run-begun"))
        cut_short = subprocess.Popen([city.binaries / "kaigo-gateway", "--config", city.folder / "gateway.yaml", "run",
                                      "initial-setup", "--yes", "--quiet"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        daemon.await_event("run-begun", begun + 1)
        daemon.idle()
        expect(daemon.stop() == 0, "the daemon's end")
        cut_short.communicate()
        expect(cut_short.returncode == 75, f"the interrupted setup: {cut_short.returncode}")
    with Daemon(city.binaries, city.folder / "gateway.yaml", city.now) as daemon:
        daemon.await_event("run-begun")
        daemon.until(daemon.now + HOUR_MS)
        expect(runs(city, "initial-setup")[-1] == ("done", "resumed"), f"it did not go on: {runs(city, 'initial-setup')}")
        # The command waits for the job, which waits for answers: time passes beside it.
        proof = subprocess.Popen([city.binaries / "kaigo-gateway", "--config", city.folder / "gateway.yaml", "run",
                                  "reconcile"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while proof.poll() is None:
            daemon.until(daemon.now + 10_000)
        out, err = proof.communicate()
        expect(proof.returncode == 0 and "registered" in out, f"reconcile: {proof.returncode} {out} {err}")
        expect(not daemon.events("run-failed"), "a run failed")
        alone = city.gateway("run", "daily-sync", "--standalone")
        expect(alone.returncode == 75, f"two writers at one ledger: {alone.returncode}")
        status = json.loads(city.gateway("status", "--format", "json").stdout)
        expect(status["insurers"][0]["setupComplete"], "status over the socket")
        before = len(runs(city, "daily-sync"))
        daemon.until(city.now + DAY_MS + HOUR_MS)
        expect(len(runs(city, "daily-sync")) == before + 1, f"one night: {runs(city, 'daily-sync')}")
        expect(runs(city, "daily-sync")[-1] == ("done", "schedule") or runs(city, "daily-sync")[-1][0] == "needs-person",
               f"the night's run: {runs(city, 'daily-sync')}")
        expect(daemon.stop() == 0, "the daemon's end")
    city.now += 3 * DAY_MS + 8 * HOUR_MS
    before = len(runs(city, "daily-sync"))
    with Daemon(city.binaries, city.folder / "gateway.yaml", city.now) as daemon:
        daemon.until(city.now + HOUR_MS)
        expect(len(runs(city, "daily-sync")) == before + 1, "missed nights are caught up once")
        expect(daemon.stop() == 0, "the daemon's end")


def watched(city: City) -> None:
    with Daemon(city.binaries, city.folder / "gateway.yaml", city.now) as daemon:
        daemon.idle()
        status, body = fetch(daemon, "/healthz")
        expect(status == 200, f"healthz: {status} {body}")
        status, body = fetch(daemon, "/readyz")
        expect(status == 200 and json.loads(body)["ready"], f"readyz: {status} {body}")
        status, body = fetch(daemon, "/metrics")
        for name in ("kaigo_records", "kaigo_certificate_days", "kaigo_ledger_bytes", "kaigo_last_run_exit_status"):
            expect(f"\n{name}{{" in body or f"\n{name} " in body, f"no {name} in {body}")
        expect(f'kaigo_records{{insurer="{city.insurer}",kind="insured-persons",state="registered"}}' in body, body)
        expect(fetch(daemon, "/")[0] == 404, "an unknown path")
        expect(daemon.stop() == 0, "the daemon's end")


def a_silent_platform_does_not_silence_healthz(city: City) -> None:
    """/readyz asks a platform that says nothing; /healthz is answered meanwhile, however many ask."""
    good = city.port
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        city.port = silent.getsockname()[1]
        city.write_config()
        with Daemon(city.binaries, city.folder / "gateway.yaml", city.now) as daemon:
            askers = [threading.Thread(target=fetch, args=(daemon, "/readyz")) for _ in range(8)]
            for asker in askers:
                asker.start()
            platform, _ = silent.accept()  # one of them is being answered, the others wait for it
            answers = [fetch(daemon, "/healthz")[0] for _ in range(16)]
            expect(answers == [200] * 16, f"healthz: {answers}")
            expect(all(asker.is_alive() for asker in askers), "healthz was answered after readyz alone")
            platform.close()
            for asker in askers:
                asker.join()
            expect(daemon.stop() == 0, "the daemon's end")
    city.port = good
    city.write_config()


def reload(city: City) -> None:
    mapping = city.folder / "mapping.yaml"
    shutil.copy(city.mapping, mapping)
    city.mapping = mapping
    city.write_config()
    with Daemon(city.binaries, city.folder / "gateway.yaml", city.now) as daemon:
        whole = mapping.read_text(encoding="utf-8")
        mapping.write_text(whole.replace("records:", "recrods:", 1), encoding="utf-8")
        daemon.signal(signal.SIGHUP)
        refused = daemon.await_event("reload-refused")
        expect("recrods" in refused["error"], f"why it was refused: {refused}")
        city.run_tool("kaigo-sample-db", "--advance-days", "1", "--output", str(city.source))
        job = subprocess.Popen([city.binaries / "kaigo-gateway", "--config", city.folder / "gateway.yaml", "run", "daily-sync",
                                "--quiet"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while job.poll() is None:
            daemon.until(daemon.now + 10_000)
        expect(job.returncode in (0, 1), f"the old mapping goes on: {job.communicate()}")
        mapping.write_text(whole, encoding="utf-8")
        daemon.signal(signal.SIGHUP)
        daemon.await_event("reloaded")
        expect(daemon.stop() == 0, "the daemon's end")


def certificates(city: City) -> None:
    pki = city.folder / "pki"
    with Daemon(city.binaries, city.folder / "gateway.yaml", city.now) as daemon:
        daemon.idle()
        # A pair that does not fit is not taken, and said once.
        subprocess.run([ROOT / "tests/support/make-pki.sh", pki, city.insurer, "renewed", "4000"], check=True)
        old = (pki / "gateway.pem").read_bytes(), (pki / "gateway.key").read_bytes()
        shutil.copy(pki / "renewed.pem", pki / "gateway.pem")
        daemon.until(daemon.now + 5 * 60_000)
        expect(len(daemon.events("certificate-not-usable")) == 1, "a key that does not fit")
        # A pair of another insurer is refused by the platform's answer, not used.
        shutil.copy(pki / "renewed.key", pki / "gateway.key")
        daemon.until(daemon.now + 2 * 60_000)
        renewed = daemon.await_event("certificate-renewed")
        expect(int(renewed["daysLeft"]) > 3700, f"the renewed certificate: {renewed}")
        # Shortly before its end it is warned of.
        subprocess.run([ROOT / "tests/support/make-pki.sh", pki, city.insurer, "short", "40"], check=True)
        for kind in ("pem", "key"):
            shutil.copy(pki / f"short.{kind}", pki / f"gateway.{kind}")
        daemon.until(daemon.now + 2 * 60_000)
        daemon.await_event("certificate-ends-soon")
        (pki / "gateway.pem").write_bytes(old[0])
        (pki / "gateway.key").write_bytes(old[1])
        daemon.until(daemon.now + 2 * 60_000)
        expect(daemon.stop() == 0, "the daemon's end")


def rights(city: City) -> None:
    """Who is in no group may not ask; who only looks may not run."""
    if os.geteuid() != 0:
        print("rights: not shown, for it takes root to become someone else")
        return
    os.chmod(city.folder, 0o755)
    os.chmod(city.folder / "state", 0o755)
    with Daemon(city.binaries, city.folder / "gateway.yaml", city.now) as daemon:
        ask = ("import http.client, socket, sys\n"
               "c = http.client.HTTPConnection('localhost')\n"
               "c.sock = socket.socket(socket.AF_UNIX)\n"
               f"c.sock.connect('{city.folder}/state/control.sock')\n"
               "c.request('GET', '/v1/status')\n"
               "print(c.getresponse().status)\n")
        nobody = subprocess.run(["python3", "-c", ask], capture_output=True, text=True, user=65534, group=65534, extra_groups=[])
        expect(nobody.stdout == "403\n", f"nobody was answered: {nobody.stdout}{nobody.stderr}")
        daemon.await_event("control-refused")
        strange = ask.replace("'GET', '/v1/status'", "'DELETE', '/v1/runs/%ff'")
        subprocess.run(["python3", "-c", strange], capture_output=True, user=65534, group=65534, extra_groups=[])
        daemon.await_event("control-refused", 2)
        told = subprocess.run(["python3", "-c", ask.replace("/v1/status", "/v1/events")], capture_output=True, text=True)
        expect(told.stdout == "200\n", f"a strange request broke the list of events: {told.stdout}{told.stderr}")
        own = subprocess.run(["python3", "-c", ask], capture_output=True, text=True)
        expect(own.stdout == "200\n", f"root was answered: {own.stdout}{own.stderr}")
        # A stranger who only connects is sent away at once; he cannot fill the places of those who may ask.
        crowd = ("import socket, sys\n"
                 "crowd = [socket.socket(socket.AF_UNIX) for _ in range(64)]\n"
                 "for each in crowd:\n"
                 f"    each.connect('{city.folder}/state/control.sock')\n"
                 "print(sum(each.recv(12) in (b'HTTP/1.1 403', b'') for each in crowd), flush=True)\n"
                 "sys.stdin.read()\n")
        with subprocess.Popen(["python3", "-c", crowd], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                              user=65534, group=65534, extra_groups=[]) as stranger:
            assert stranger.stdout
            told = stranger.stdout.readline()
            expect(told == "64\n", f"so many of 64 silent strangers were sent away: {told}")
            expect(city.gateway("status").returncode == 0, "an operator's status beside them")
            stranger.communicate()
        expect(daemon.stop() == 0, "the daemon's end")


def notified(city: City) -> None:
    """What systemd is told, and that a hanging daemon is no longer called alive."""
    address = str(city.folder / "notify.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        said: list[str] = []

        def listen() -> None:
            while not said or said[-1] != "STOPPING=1":
                said.extend(manager.recv(4096).decode().splitlines())

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        with Daemon(city.binaries, city.folder / "gateway.yaml", city.now,
                    {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "300000000"}) as daemon:
            daemon.until(daemon.now + 10 * 60_000)
            daemon.signal(signal.SIGHUP)
            daemon.await_event("reloaded")
            expect(daemon.stop() == 0, "the daemon's end")
        listener.join(timeout=60)
        words = [line.split("=")[0] for line in said]
        expect(words[0] == "READY" and words[-1] == "STOPPING", f"systemd was told: {said}")
        expect(words.count("WATCHDOG") >= 4, f"fed {words.count('WATCHDOG')} times in ten minutes")
        expect("RELOADING" in words and "READY" in words[words.index("RELOADING"):], f"systemd was told: {said}")
        expect("STATUS" in words, f"systemd was told: {said}")


def tables_through_the_daemon(city: City) -> None:
    """A clerk's file is taken, or refused in the same words, whoever reads it."""
    table = city.folder / "cases.csv"
    expect(city.gateway("cases", "export", str(table)).returncode == 0, "no export")
    text = table.read_text(encoding="utf-8-sig")
    files = {"utf-8.csv": text.encode(), "cp932.csv": text.encode("cp932", "replace"),
             "utf-16.txt": text.replace(",", "\t").encode("utf-16"), "bytes.csv": bytes(range(256)),
             "book.xlsx": b"PK\x03\x04 [Content_Types].xml xl/workbook.xml \xff\xfe", "large.csv": b"x" * (17 << 20),
             "not-there.csv": None}
    for name, content in files.items():
        if content is not None:
            (city.folder / name).write_bytes(content)

    def said(name: str) -> tuple[int, str]:
        result = subprocess.run([city.binaries / "kaigo-gateway", "--config", city.folder / "gateway.yaml", "cases", "import",
                                 city.folder / name, "--dry-run"], capture_output=True, text=True)
        return result.returncode, result.stdout + result.stderr

    alone = {name: said(name) for name in files}
    with Daemon(city.binaries, city.folder / "gateway.yaml", city.now) as daemon:
        daemon.idle()
        for name in files:
            expect(said(name) == alone[name], f"{name}: {said(name)} through the daemon, {alone[name]} without it")
        expect(daemon.stop() == 0, "the daemon's end")
    expect(all(alone[name][0] == 0 for name in ("utf-8.csv", "cp932.csv", "utf-16.txt")), str(alone))
    expect(alone["book.xlsx"][0] == 65 and ".xlsx" in alone["book.xlsx"][1], str(alone["book.xlsx"]))
    expect(alone["large.csv"][0] == 65 and "larger" in alone["large.csv"][1], str(alone["large.csv"]))
    (city.folder / "large.csv").unlink()  # the search for マイナンバー would go through it letter by letter


def from_cron(city: City) -> None:
    """The same line works with the daemon and without it, silent when all is well, with one message when it is not."""
    line = ("run", "daily-sync", "--quiet")
    config = city.folder / "gateway.yaml"
    with Daemon(city.binaries, config, city.now) as daemon:
        daemon.idle()
        before = len(runs(city, "daily-sync"))
        asked = subprocess.Popen([city.binaries / "kaigo-gateway", "--config", config, *line], stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True)
        while asked.poll() is None:
            daemon.until(daemon.now + 10_000)
        said = asked.communicate()[0]
        expect(len(runs(city, "daily-sync")) == before + 1, "through the daemon: no run")
        expect(said == "" or asked.returncode == 1, f"through the daemon: {asked.returncode} {said}")
        expect(daemon.stop() == 0, "the daemon's end")
    alone = city.gateway(*line)
    expect(len(runs(city, "daily-sync")) == before + 2, "without the daemon: no run")
    expect(alone.returncode == asked.returncode and alone.stdout + alone.stderr == said, f"another answer: {alone} {said}")
    city.source.rename(city.folder / "away.db")
    failed = city.gateway(*line)
    expect(failed.returncode == 69 and failed.stderr, f"a database that is gone: {failed}")
    (city.folder / "away.db").rename(city.source)


def alerts(city: City) -> None:
    """Alert rules, template and dashboard speak of metrics that there are."""
    known = set(re.findall(r'out\.set\("(\w+)"', (ROOT / "daemon/health.cpp").read_text(encoding="utf-8")))
    for file in sorted((ROOT / "packaging/monitoring").iterdir()):
        named = set(re.findall(r"kaigo_(\w+)", file.read_text(encoding="utf-8"))) - {"gateway"}
        expect(named and named <= known, f"{file.name}: {named - known}")


def token(city: City) -> None:
    """A private key that never leaves its token."""
    modules = sorted(Path("/usr/lib").glob("*/softhsm/libsofthsm2.so"))
    expect(modules, "softhsm2 is not installed")
    tokens = city.folder / "tokens"
    tokens.mkdir()
    settings = city.folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {tokens}\n", encoding="utf-8")
    # The engine's own leaks are not ours to find.
    env = dict(os.environ, SOFTHSM2_CONF=str(settings), PKCS11_MODULE_PATH=str(modules[0]), ASAN_OPTIONS="detect_leaks=0")
    pki = city.folder / "pki"
    subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "kaigo", "--pin", "1234", "--so-pin", "5678"],
                   check=True, env=env, stdout=subprocess.DEVNULL)
    subprocess.run(["openssl", "pkcs8", "-topk8", "-nocrypt", "-in", pki / "gateway.key", "-out", pki / "token.key"], check=True)
    subprocess.run(["softhsm2-util", "--import", pki / "token.key", "--token", "kaigo", "--label", "gateway", "--id", "01",
                    "--pin", "1234"], check=True, env=env, stdout=subprocess.DEVNULL)
    (pki / "token.key").unlink()
    config = city.folder / "gateway.yaml"
    plain = config.read_text(encoding="utf-8")
    uri = '"pkcs11:token=kaigo;object=gateway;type=private?pin-value=1234"'
    config.write_text(plain.replace("private_key_file: pki/gateway.key", f"private_key_file: {uri}"), encoding="utf-8")
    done = city.gateway("run", "daily-sync", "--wait", "10m", environment=env)
    expect(done.returncode in (0, 1), f"with a token: {done.returncode} {done.stdout}{done.stderr}")
    wrong = plain.replace("private_key_file: pki/gateway.key", "private_key_file: " + uri.replace("object=gateway", "object=other"))
    config.write_text(wrong, encoding="utf-8")
    failed = city.gateway("run", "daily-sync", environment=env)
    expect(failed.returncode == 78 and "1234" not in failed.stderr, f"a key that is not in the token: {failed}")
    config.write_text(plain, encoding="utf-8")


def daemon_life(binaries: Path) -> None:
    with City(binaries, 60) as city:
        city.extra = SCHEDULE
        city.now = tonight()
        city.start_simulator("polls: 20\n")
        faulty_configuration(city)
        schedule(city)
        watched(city)
        a_silent_platform_does_not_silence_healthz(city)
        reload(city)
        certificates(city)
        rights(city)
        notified(city)
        tables_through_the_daemon(city)
        from_cron(city)
        alerts(city)
        token(city)
        city.search_my_numbers()


if __name__ == "__main__":
    main(daemon_life)
