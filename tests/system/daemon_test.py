#!/usr/bin/env python3
"""The daemon runs what is due, catches up what it missed, and stops when it is told to."""

import sqlite3
import subprocess
import time
from pathlib import Path

from harness import City, Failure, expect, main


def runs(city: City) -> list[str]:
    connection = sqlite3.connect(city.ledger)
    try:
        return [job for (job,) in connection.execute("SELECT job FROM run WHERE ended_at IS NOT NULL ORDER BY id")]
    finally:
        connection.close()


def daemon(binaries: Path) -> None:
    with City(binaries, 50) as city:
        city.start_simulator()
        # The city's clock stands in November 2026: by the daemon's own clock that run may lie in the future, so the
        # last run is dated two days before now.
        city.now = int(time.time() * 1000) - 2 * 86_400_000
        city.run_job("initial-setup", "--yes", "--wait", "1h")
        city.settle()
        city.run_job("daily-sync")
        config = city.folder / "gateway.yaml"
        plain = config.read_text(encoding="utf-8")
        without = subprocess.run([binaries / "kaigo-gatewayd", "--config", config], capture_output=True, text=True)
        expect(without.returncode == 78, f"no schedule: {without.returncode}")
        config.write_text(plain + 'schedule:\n  - {job: daily-sync, at: "02:30"}\n  - {job: collect-results, every: 1d}\n',
                          encoding="utf-8")
        before = runs(city)
        process = subprocess.Popen([binaries / "kaigo-gatewayd", "--config", config], stderr=subprocess.PIPE, text=True)
        try:
            for _ in range(600):
                new = runs(city)[len(before):]
                if sorted(new) == ["collect-results", "daily-sync"]:
                    break
                time.sleep(0.05)
            else:
                raise Failure(f"the missed run was not caught up: {new}")
        finally:
            process.terminate()
        expect(process.wait() == 0, f"the daemon ended with {process.returncode}")
        expect(sorted(runs(city)[len(before):]) == ["collect-results", "daily-sync"], "a missed run was caught up twice")


if __name__ == "__main__":
    main(daemon)
