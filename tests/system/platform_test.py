#!/usr/bin/env python3
"""How the gateway meets the platform's limits and moods, and a server that is no platform at all."""

import shutil
import signal
import ssl
import time
from pathlib import Path

from harness import City, Failure, TlsServer, expect, main


def lost_answers_settle_in_the_same_run(binaries: Path) -> None:
    with City(binaries, 300) as city:
        city.platform_extra = "  max_records: 50"
        city.start_simulator("faults: [{on: submit, every: 2, do: drop-after}, {on: submit, every: 3, do: 500-after}]\n")
        city.run_job("initial-setup", "--yes", "--wait", "10m")
        expect(city.unsettled() == 0, f"{city.unsettled()} are still under way")
        twice = city.query(city.platform, "SELECT count(*) FROM (SELECT key FROM effect GROUP BY kind, key HAVING count(*) > 1)")
        expect(twice == 0, f"{twice} records arrived twice")
        city.check()


def receptions_that_no_listing_names_are_asked_for(binaries: Path) -> None:
    with City(binaries, 150) as city:
        city.platform_extra = "  max_records: 1"
        city.start_simulator("unlisted: true\n")
        city.run_job("initial-setup", "--yes", "--wait", "2h")
        receptions = city.query(city.platform, "SELECT count(*) FROM reception")
        expect(receptions > 150, f"only {receptions} receptions: one question's worth")
        expect(city.unsettled() == 0, f"{city.unsettled()} are still under way")
        city.check()


def too_large_batches_are_split(binaries: Path) -> None:
    with City(binaries, 200) as city:
        smaller = city.folder / "smaller"
        shutil.copytree(city.spec, smaller)
        limits = smaller / "endpoints.yaml"
        limits.write_text(limits.read_text(encoding="utf-8").replace("max_records: 1000", "max_records: 30"), encoding="utf-8")
        city.start_simulator(spec=smaller)
        city.run_job("initial-setup", "--yes", "--wait", "10m")
        expect(city.unsettled() == 0, "not settled")
        largest = city.query(city.platform, "SELECT max(record_count) FROM reception")
        expect(largest <= 30, f"a batch of {largest} was accepted")
        city.check()


def changed_names_on_the_wire_go_under_another_request(binaries: Path) -> None:
    """The interface's files are corrected while requests are owed under the old names."""
    with City(binaries, 60) as city:
        city.start_simulator("faults: [{on: submit, every: 1, do: '503', retry_after: 60}]\n")
        city.run_job("initial-setup", "--yes", "--wait", "0", status=75)
        expect(city.unsettled() > 0, "nothing is owed")
        city.stop_simulator()
        corrected = city.folder / "corrected"
        shutil.copytree(city.spec, corrected)
        names = corrected / "endpoints.yaml"
        names.write_text(names.read_text(encoding="utf-8").replace("records: records", "records: recordItems"), encoding="utf-8")
        city.spec = corrected
        city.now += 3_600_000
        city.start_simulator()
        city.run_job("initial-setup", "--wait", "1h")
        expect(city.unsettled() == 0 and city.effects() > 60, "what was owed did not arrive")
        city.check()


def compressed_and_within_a_small_spool(binaries: Path) -> None:
    with City(binaries, 600) as city:
        city.platform_extra = "  gzip: true\n  max_records: 20\n  max_bytes: 64KiB"
        city.spool_extra = ", quota: 32KiB"
        city.start_simulator("polls: 2\n")
        city.run_job("initial-setup", "--yes", "--wait", "1h")
        expect(city.unsettled() == 0, "not settled")
        city.check()


def outside_the_window_nothing_leaves(binaries: Path) -> None:
    with City(binaries, 50) as city:
        city.platform_extra = '  service_window: "03:00-04:00"'
        city.start_simulator()
        city.run_job("initial-setup", "--yes", "--wait", "10m", status=75)
        expect(city.effects() == 0, "records left before the window opened")
        city.run_job("initial-setup", "--wait", "1h")  # waits, and goes on by itself at 03:00
        expect(city.unsettled() == 0 and city.effects() > 50, "nothing left within the window")
        city.check()


def a_scenario_is_read_again_on_sighup(binaries: Path) -> None:
    with City(binaries, 20) as city:
        city.start_simulator("maintenance: true\n")
        expect("closed" in city.gateway("doctor").stdout, "the platform is open")
        city.write_scenario("")
        assert city.simulator is not None
        city.simulator.send_signal(signal.SIGHUP)
        for _ in range(200):
            if ": open" in city.gateway("doctor").stdout:
                return
            time.sleep(0.05)
        raise Failure("the scenario was not read again")


ANSWERS = {
    "endless headers": b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"b" * 900 + b"\r\n" + b"X-B: c\r\n" * 40_000,
    "too long a body": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * (17 << 20),
    "a truncated body": b"HTTP/1.1 202 Accepted\r\nContent-Length: 500\r\n\r\n{\"receptionNumber\":",
    "a redirect": b"HTTP/1.1 307 Temporary Redirect\r\nLocation: https://elsewhere.example/\r\nContent-Length: 0\r\n\r\n",
    "no JSON": b"HTTP/1.1 202 Accepted\r\nContent-Length: 5\r\n\r\nhello",
    "deep JSON": b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"[" * 200_000,
    "another request's answer": b"HTTP/1.1 202 Accepted\r\nContent-Length: 95\r\n\r\n"
                                b'{"receptionNumber":"R1","requestId":"01JD3X7Q2M8V5K9T4N6R1B0ZWF","recordCount":1,"a":"12345678"}',
    "no HTTP": b"\x00\x01\x02\xff" * 100,
}


def a_misbehaving_server_breaks_nothing(binaries: Path) -> None:
    """Every answer is garbage; afterwards the true platform gets everything once."""
    with City(binaries, 20) as city:
        answer = b""

        def misbehave(stream: ssl.SSLSocket) -> None:
            data = b""
            while b"\r\n\r\n" not in data:
                data += stream.recv(65_536)
            stream.sendall(answer)

        with TlsServer(city, misbehave):
            for name, bytes_to_send in ANSWERS.items():
                answer = bytes_to_send
                result = city.gateway("run", "initial-setup", "--yes", "--wait", "20s")
                expect(result.returncode in (69, 75), f"{name}: {result.returncode}\n{result.stderr}")
                city.now += 3_600_000
        city.start_simulator()
        city.settle()
        city.run_job("initial-setup", "--yes", "--wait", "1h")
        city.settle()
        city.check()


def the_same_seed_gives_the_same_bytes(binaries: Path) -> None:
    with City(binaries, 200, seed=5) as one, City(binaries, 200, seed=5) as two, City(binaries, 200, seed=6) as other:
        expect(one.source.read_bytes() == two.source.read_bytes(), "a new database differs")
        expect(one.source.read_bytes() != other.source.read_bytes(), "another seed gives the same")
        one.advance(3)
        two.advance(3)
        expect(one.source.read_bytes() == two.source.read_bytes(), "days of change differ")


def platform(binaries: Path) -> None:
    for test in (the_same_seed_gives_the_same_bytes, lost_answers_settle_in_the_same_run,
                 receptions_that_no_listing_names_are_asked_for, too_large_batches_are_split,
                 changed_names_on_the_wire_go_under_another_request,
                 compressed_and_within_a_small_spool, outside_the_window_nothing_leaves, a_scenario_is_read_again_on_sighup,
                 a_misbehaving_server_breaks_nothing):
        print(test.__name__.replace("_", " "), flush=True)
        test(binaries)


if __name__ == "__main__":
    main(platform)
