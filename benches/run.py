#!/usr/bin/env python3
"""What pollm takes beside the answer itself, and what other programs take for
the same: time and memory, all in one run. Everything stays on 127.0.0.1.

  version   what the program's start takes; `help` the same for its help
  ask       one prompt, 20 events: the whole process, pollm's with its ledger
  long      20,000 events to a pipe, an HTTP chunk each
  joined    20,000 events to a pipe, in HTTP chunks of 16 KiB
  lanes     ten models at once, each with an answer that takes a second

The times are medians with the fastest and the slowest run; the programs take
turns, so that a busy machine slows all of them. The fastest run is what a
quiet machine gives, and so is the time of the processors. The memory is the
most that was resident. A program that doesn't show the whole answer isn't
measured, and the row says what it showed.

A target is printed where pollm has one, and the exit code is 1 if it is missed.

Needs hyperfine, GNU time and curl; --peers also pip with venv, and cargo:
  apt-get install hyperfine time curl python3 python3-venv
"""

import argparse
import json
import os
import pathlib
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import peers
import server

ROWS = ("version", "help", "ask", "long", "joined", "lanes")
ANSWERS = {"ask": "short", "long": "long", "joined": "joined", "lanes": "paced"}
LANES = 10
ROUNDS = 5
# The most of pollm's: milliseconds, or a multiple of curl's time; megabytes.
TARGETS = {"version": ("ms", 2.0), "ask": ("curl", 1.0), "long": ("curl", 2.0), "joined": ("curl", 2.0)}
MEMORY = 20.0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pollm", help="the executable, instead of building one")
    parser.add_argument("--peers", action="store_true", help="other clients too; they are kept in target/peers")
    parser.add_argument("--runs", type=int, default=100, help="the most runs of a program in a row [100]")
    parser.add_argument("--seconds", type=float, default=20, help="the most for a program in a row, about [20]")
    parser.add_argument("--rows", default=",".join(ROWS), help="some of these only [%(default)s]")
    parser.add_argument("--only", default="", help="these programs only, beside pollm and curl")
    return parser.parse_args()


def build():
    # What is released; `cargo install` builds for less time, and gives a somewhat slower one.
    subprocess.run(["cargo", "build", "--profile", "dist", "--quiet", "--locked"], check=True)
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"), "dist/pollm")


class Bench:
    """A folder with a server, a home without keys or proxies, and what was measured."""

    def __init__(self, folder, options):
        self.folder, self.options = folder, options
        self.times, self.cpu, self.memory, self.remarks = {}, {}, {}, {}
        self.home = folder / "home"
        self.home.mkdir()
        self.process = subprocess.Popen([sys.executable, "benches/server.py", str(folder)])
        while not (folder / "port").exists():
            time.sleep(0.05)
        self.url = f"http://127.0.0.1:{(folder / 'port').read_text()}"
        kept = ("PATH", "LANG", "RUSTUP_HOME", "CARGO_HOME")
        self.environment = {name: os.environ[name] for name in kept if name in os.environ}
        self.environment |= {"HOME": str(self.home), "NO_PROXY": "127.0.0.1", "TERM": "dumb"}

    def run(self, command, **more):
        return subprocess.run(
            command, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=self.home, **more
        )

    def shows(self, row, client, command):
        """What is missing of the answer, or nothing."""
        try:
            done = self.run(command, stderr=subprocess.PIPE, timeout=120)
        except subprocess.TimeoutExpired:
            return "not done after 120 s"
        if done.returncode:
            last = done.stderr.decode(errors="replace").strip().splitlines() or ["nothing"]
            return f"exit code {done.returncode}: {last[-1][:80]}"
        if row not in ANSWERS:
            return None
        wanted, lanes = server.text(ANSWERS[row]), LANES if row == "lanes" else 1
        shown = client.text(done.stdout.decode(errors="replace"))
        if shown.count(wanted) == lanes:
            return None
        words = sum(f"word{number}" in shown for number in range(server.COUNTS[ANSWERS[row]]))
        return f"shows {shown.count(wanted)} whole answers of {lanes} ({words} of {len(wanted.split())} words)"

    def row(self, row, clients):
        """Measures the programs in turns."""
        commands = {}
        for client in clients:
            command = client.command(row, self.url, LANES)
            if isinstance(command, str):
                self.remarks[row, client.name] = command
                continue
            missing = self.shows(row, client, command)
            if missing:
                self.remarks[row, client.name] = missing
            else:
                commands[client.name] = command
        fit = {}
        for name, command in commands.items():
            began = time.monotonic()
            self.memory[row, name] = self.resident(command)
            once = time.monotonic() - began
            fit[name] = max(2, min(self.options.runs, int(self.options.seconds / once)))
        for turn in range(ROUNDS):
            for name, command in commands.items():
                if turn < fit[name]:
                    found = self.hyperfine(command, max(1, fit[name] // ROUNDS))
                    self.times.setdefault((row, name), []).extend(found["times"])
                    self.cpu.setdefault((row, name), []).append(found["user"] + found["system"])
                    self.memory[row, name] = max(self.memory[row, name], self.resident(command))

    def hyperfine(self, command, runs):
        found = self.folder / "run.json"
        line = " ".join(command)
        self.run(
            ["hyperfine", "--shell", "none", "--warmup", str(int(runs > 1)), "--runs", str(runs)]
            + ["--output", "pipe", "--style", "none", "--export-json", str(found), line],
            stderr=subprocess.DEVNULL,
            check=True,
        )
        return json.loads(found.read_text())["results"][0]

    def resident(self, command):
        """Megabytes."""
        said = self.folder / "resident"
        self.run(["/usr/bin/time", "-f", "%M", "-o", str(said), *command], stderr=subprocess.DEVNULL)
        return int(said.read_text().split()[-1]) * 1024 / 1e6

    def close(self):
        self.process.kill()
        self.process.wait()


def judge(row, name, median, curl, resident):
    """What pollm promises of this row: whether it was kept."""
    if name != "pollm":
        return []
    found = []
    if row in TARGETS:
        unit, most = TARGETS[row]
        value = median * 1e3 if unit == "ms" else median / curl
        found.append((value <= most, f"{most:g} ms" if unit == "ms" else f"{most:g}× curl"))
    if row in ANSWERS and row != "lanes":
        found.append((resident <= MEMORY, f"{MEMORY:g} MB"))
    return found


HEAD = ("median", "fastest", "slowest", "to curl", "to pollm", "processor", "memory")


def report(bench, row, clients):
    """Prints a row, and says whether pollm keeps its targets."""
    kept = True
    curl, ours = (statistics.median(bench.times.get((row, name), [float("nan")])) for name in ("curl", "pollm"))
    for at, client in enumerate(clients):
        name = f"{'' if at else row:8} {client.name:14}"
        if (row, client.name) not in bench.times:
            print(f"{name} – {bench.remarks[row, client.name]}", flush=True)
            continue
        times, resident = bench.times[row, client.name], bench.memory[row, client.name]
        median, cpu = statistics.median(times), statistics.median(bench.cpu[row, client.name])
        figures = [f"{value * 1e3:7.2f} ms" for value in (median, min(times), max(times))]
        figures += [f"{median / curl:9.2f}×", f"{median / ours:9.2f}×"]
        figures += [f"{cpu * 1e3:7.2f} ms", f"{resident:7.1f} MB"]
        targets = judge(row, client.name, median, curl, resident)
        words = [f"{'met' if good else 'MISSED'} (at most {most})" for good, most in targets]
        kept &= all(good for good, _ in targets)
        print((name + "".join(f" {figure}" for figure in figures) + "  " + ", ".join(words)).rstrip(), flush=True)
    return kept


def main():
    os.chdir(pathlib.Path(__file__).parent.parent)
    # The server is stopped then too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = arguments()
    for program in ("hyperfine", "curl"):
        if not shutil.which(program):
            sys.exit(f"{program} is missing: apt-get install {program}")
    if not pathlib.Path("/usr/bin/time").exists():
        sys.exit("GNU time is missing: apt-get install time")
    pollm = pathlib.Path(options.pollm or build()).resolve()
    with tempfile.TemporaryDirectory(prefix="pollm-bench-") as folder:
        bench = Bench(pathlib.Path(folder), options)
        try:
            clients = [peers.Pollm(pollm), peers.Curl(pathlib.Path(folder))]
            only = options.only.split(",") if options.only else None
            if options.peers or only:
                chosen = [peer for peer in peers.ALL if only is None or peer.name in only]
                clients += [peer(peer.install(pathlib.Path("target/peers").absolute())) for peer in chosen]
            for client in clients:
                client.configure(bench.home, bench.url, list(ANSWERS.values()), LANES)
            print(
                f"pollm: {pollm.stat().st_size / 1e6:.1f} MB; {os.cpu_count()} cores, "
                f"load {os.getloadavg()[0]:.1f}, {platform.machine()}"
            )
            for client in clients:
                said = bench.run(client.start("--version"), stderr=subprocess.STDOUT).stdout.decode().splitlines()
                print(f"  {said[0] if said else client.name}")
            for answer in ANSWERS.values():
                # The first request tells curl what to send, and makes the ledger.
                bench.run([str(pollm), "ask", "-m", f"{answer}/m0", "hello"], check=True)
            print(f"{'':23}" + "".join(f" {word:>10}" for word in HEAD))
            kept = True
            for row in options.rows.split(","):
                bench.row(row, clients)
                kept &= report(bench, row, clients)
            sys.exit(not kept)
        finally:
            bench.close()


if __name__ == "__main__":
    main()
