"""Starts programs, watches them, and ends what it started.

Servers of ours (`instruments`) end with their standard input, so that none outlives this script however it ends. A
measured program runs in a process group of its own, which is ended as a whole when it takes too long.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time


class Unavailable(Exception):
    """Something that cannot be had on this machine; its rows in the table say so."""


class Failed(Exception):
    """A measurement that was tried and went wrong; the others go on."""


def loudly(text):
    print(f"*** {text}", file=sys.stderr, flush=True)


def tell(text):
    print(text, file=sys.stderr, flush=True)


def output_of(command, **options):
    """What a small command prints; '' when it cannot be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, **options)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def must_run(command, what, **options):
    """Runs something that prepares a measurement: an installation, a build."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=1800, **options)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{what}: {error}") from error
    if done.returncode != 0:
        last = [line for line in done.stdout.splitlines() if line.strip()][-1:] or ["no word why"]
        raise Unavailable(f"{what}: {last[0].strip()}")
    return done.stdout


class Server:
    """One of our servers, on a free port of 127.0.0.1."""

    def __init__(self, command):
        # A group of its own: Ctrl-C in the terminal is for this script, which then closes its servers.
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
                                        start_new_session=True)
        first = self.process.stdout.readline().strip()
        if ":" not in first:
            raise Failed(f"{command[1]} did not start")
        self.port = int(first.rsplit(":", 1)[1])

    def report(self):
        """What was counted since the last report."""
        return self._ask("report")

    def peek(self):
        """The same; counting goes on."""
        return self._ask("peek")

    def _ask(self, order):
        self.process.stdin.write(order + "\n")
        line = self.process.stdout.readline()
        if not line:
            raise Failed("a server of ours has ended")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Run:
    """A measured program: `seconds`, `processor_seconds`, `memory_bytes`, `stdout` (if kept)."""

    def __init__(self, result, stdout):
        self.seconds = result["seconds"]
        self.processor_seconds = result["processor_microseconds"] / 1e6
        self.memory_bytes = result["memory_kilobytes"] * 1024
        self.stdout = stdout


class Stopwatch:
    """Runs programs through `instruments measure`."""

    def __init__(self, instruments, scratch, timeout_seconds):
        self.instruments = instruments
        self.scratch = pathlib.Path(scratch)
        self.timeout_seconds = timeout_seconds

    def run(self, command, keep_output=False, environment=None, folder=None, exit_codes=(0,)):
        with self.started(command, environment, folder, keep_output) as started:
            return started.finish(exit_codes)

    def started(self, command, environment=None, folder=None, keep_output=False):
        return Started(self, [str(word) for word in command], environment, folder, keep_output)


class Started:
    """A program on its way; leaving the `with` ends it in any case."""

    def __init__(self, stopwatch, command, environment, folder, keep_output):
        self.name = pathlib.Path(command[0]).name
        self.timeout_seconds = stopwatch.timeout_seconds
        self.result = stopwatch.scratch / "measured.json"
        self.result.unlink(missing_ok=True)
        self.out = tempfile.TemporaryFile(dir=stopwatch.scratch) if keep_output else None
        self.errors = tempfile.TemporaryFile(dir=stopwatch.scratch)
        self.began = time.time()
        self.process = subprocess.Popen(
            [str(stopwatch.instruments), "measure", str(self.result), *command],
            stdin=subprocess.DEVNULL, stdout=self.out or subprocess.DEVNULL, stderr=self.errors,
            env=environment, cwd=folder, start_new_session=True)

    def finish(self, exit_codes=(0,)):
        try:
            code = self.process.wait(self.timeout_seconds)
        except subprocess.TimeoutExpired:
            self.end()
            raise Failed(f"{self.name}: not done after {self.timeout_seconds} s") from None
        stdout = self._read(self.out)
        if code not in exit_codes:
            last = [line for line in (self._read(self.errors) + stdout[:2000]).splitlines() if line.strip()][:2]
            raise Failed(f"{self.name}: exit code {code}: {' '.join(last) or 'no word why'}")
        return Run(json.loads(self.result.read_text()), stdout)

    def interrupt(self):
        """Ctrl-C for the program and not for the stopwatch, which still has to write down the time."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGINT)

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    @staticmethod
    def _read(file):
        if file is None:
            return ""
        file.seek(0)
        return file.read().decode(errors="replace")
