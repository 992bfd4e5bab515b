"""What is measured: workloads, who runs each, and one run of each.

A figure belongs to a workload and a client. Each run is checked against the sink's own count: a client that loses a
letter has no figure. Clients of one workload take turns, in one order and then in the other, so that a machine that
grows slower is not held against whoever comes last.
"""

import contextlib
import json
import math
import os
import pathlib
import shutil
import time

import workspaces
from peers import PEERS
from programs import Failed, Server, Stopwatch, Unavailable, loudly, tell

ROUND_TRIP_SECONDS = 0.05
# A run of one program; a ledger of a million deliveries.
TIMEOUT_SECONDS = 300
TIMEOUT_LEDGER_SECONDS = 1800
FIRST_ANSWERS = 20
OURS = "secretariat"

# Letters of one run: enough for some seconds, so fewer for slower clients; rates are compared.
LETTERS = {
    "documents": {OURS: 1500, "secretariat, TLS": 1500, "secretariat, not durable": 1500, "smtp-source": 1500,
                  "raw TCP": 1500, "the sink alone": 1500, "lettre": 600, "nodemailer": 200,
                  "mailmerge": 150},
    "small": {OURS: 10_000, "secretariat, not durable": 10_000, "smtp-source": 10_000,
              "the sink alone": 10_000, "lettre": 500, "nodemailer": 2_000, "mailmerge": 1_000},
    "distant": {OURS: 200, "secretariat, no CHUNKING": 100, "smtp-source": 100, "lettre": 40, "nodemailer": 60,
                "mailmerge": 30},
    "dry run": {OURS: 10_000, "mailmerge": 2_000},
    "ten times dry run": {OURS: 100_000},
    "ten times small": {OURS: 100_000},
    "sample": {OURS: 650},
    "--help": {OURS: 0},
    "check": {OURS: 650},
    "ledger": {OURS: 1_000_000},
}
CONNECTIONS = {"documents": 4, "small": 16, "distant": 1, "ten times small": 16, "ledger": 1}
# The workloads and clients that each goal is judged by; True: all clients, to compare with.
NEEDED = {
    "G1": {"documents": True},
    "G2": {"small": True},
    "G3": {"distant": True},
    "G4": {"documents": [OURS, "mailmerge"], "small": [OURS, "mailmerge"]},
    "G5": {"dry run": True},
    "G6": {"sample": True, "ten times dry run": True},
    "G7": {"--help": True, "check": True},
    "G8": {"documents": [OURS, "secretariat, not durable"], "small": [OURS, "secretariat, not durable"]},
    "G9": {"dry run": [OURS], "ten times dry run": True, "small": [OURS], "ten times small": True, "ledger": True},
}
GOALS = list(NEEDED)


class Figures:
    """Samples of each (workload, client): dicts of numbers; and why there are none."""

    def __init__(self):
        self.samples = {}
        self.missing = {}

    def add(self, key, sample):
        self.samples.setdefault(key, []).append(sample)


class Bench:
    """Everything that stands while measuring; a context manager that leaves nothing running."""

    def __init__(self, scratch, binary, instruments, rounds, quick, goals):
        self.scratch, self.binary, self.instruments = scratch, binary, instruments
        self.rounds, self.quick, self.goals = rounds, quick, goals
        self.figures = Figures()
        self.stopwatch = Stopwatch(instruments, scratch, TIMEOUT_SECONDS)
        self.peers, self.codes = {}, {}
        self.has_connections = True
        self.memory_folder = None
        self.ends = contextlib.ExitStack()

    def __enter__(self):
        shm = pathlib.Path("/dev/shm")
        if shm.is_dir() and os.access(shm, os.W_OK):
            self.memory_folder = shm / f"secretariat-compare-{os.getpid()}"
            self.ends.callback(shutil.rmtree, self.memory_folder, ignore_errors=True)
        return self

    def __exit__(self, *_):
        self.ends.close()

    # What is measured, in order.

    def measure(self):
        plan = self.plan()
        self._prepare(plan)
        repeated = [key for key in plan if key[0] != "ledger"]
        for number in range(self.rounds):
            tell(f"round {number + 1} of {self.rounds}")
            for key in repeated if number % 2 == 0 else reversed(repeated):
                self._try(key)
        for key in plan:
            if key[0] == "ledger":
                self._try(key)

    def plan(self):
        """The (workload, client) pairs that the goals asked for need, each once."""
        wanted = {}
        for goal in self.goals:
            for workload, clients in NEEDED[goal].items():
                for client in LETTERS[workload] if clients is True else clients:
                    wanted[(workload, client)] = None
        order = [(workload, client) for workload, clients in LETTERS.items() for client in clients]
        return [key for key in order if key in wanted]

    def letters(self, key):
        full = LETTERS[key[0]][key[1]]
        if not self.quick or key[0] in ("sample", "--help", "check"):
            return full
        return max(full // (50 if key[0] == "ledger" else 10), 10)

    def _try(self, key):
        if key in self.figures.missing:
            return
        workload, client = key
        try:
            for sample in self._run(workload, client, self.letters(key)):
                self.figures.add(key, sample)
                shown = f"{sample['rate']:,.1f}/s" if "rate" in sample else f"{sample['seconds'] * 1000:.1f} ms"
                tell(f"  {workload}: {client}: {shown}")
        except (Unavailable, Failed, OSError, ValueError, KeyError) as error:
            self.figures.missing[key] = str(error) or type(error).__name__
            loudly(f"{workload}: {client}: {error}")

    def _run(self, workload, client, letters):
        """The samples of one round."""
        if workload in ("--help", "check"):
            return [self._first_answer(workload) for _ in range(math.ceil(FIRST_ANSWERS / self.rounds))]
        if workload == "ledger":
            return [self._ledger(letters)]
        if workload == "sample":
            return [self._send_sample()]
        if workload in ("dry run", "ten times dry run"):
            return [self._dry_run(workload, client, letters)]
        if client.startswith(OURS):
            return [self._send(workload, client, letters)]
        if client == "raw TCP":
            return [self._send_raw(workload, letters)]
        if client == "the sink alone":
            return [self._flood(workload, letters)]
        return [self._send_as_peer(workload, client, letters)]

    # Before the first round.

    def _prepare(self, plan):
        self._probe_connections()
        self.sink = self._server("sink")
        workloads = {workload for workload, _ in plan}
        if "distant" in workloads:
            self.distant = self._delayed(self.sink)
            self.sink_without_chunking = self._server("sink", "--no-chunking")
            self.distant_without_chunking = self._delayed(self.sink_without_chunking)
        if "documents" in workloads:
            self.authority = self.scratch / "authority.pem"
            self.sink_tls = self._server("sink", "--tls", self.authority)
            self.raw_sink = self._server("raw-sink")
        self.messages = {documents: self._one_message(documents) for documents in (False, True)}
        for peer in (kind(self.scratch) for kind in PEERS):
            keys = [key for key in plan if key[1] == peer.name]
            if keys:
                self._prepare_peer(peer, keys)

    def _prepare_peer(self, peer, keys):
        tell(f"preparing {peer.name}")
        try:
            peer.prepare()
            for key in keys:
                documents = key[0] == "documents"
                folder = self._peer_folder(*key)
                peer.make_mailing(folder, self.letters(key), documents, self.messages[documents])
            self.peers[peer.name] = peer
        except (Unavailable, OSError, ValueError) as error:
            loudly(f"NOT AVAILABLE: {error}")
            for key in keys:
                self.figures.missing[key] = str(error)

    def _server(self, *words):
        return self.ends.enter_context(Server([str(self.instruments), *map(str, words)]))

    def _delayed(self, sink):
        return self._server("delay", f"127.0.0.1:{sink.port}", round(ROUND_TRIP_SECONDS * 1000))

    def _probe_connections(self):
        """An older program can be measured too: with the one connection it has."""
        folder = workspaces.make_workspace(self.scratch / "probe", 1, documents=False)
        workspaces.configure(folder, "smtp://127.0.0.1:1", connections=2)
        run = self.stopwatch.run([self.binary, "-C", folder, "check", "--format", "json"], keep_output=True,
                                 environment=self._environment(self.scratch), exit_codes=(0, 3))
        said = [problem["message"] for problem in json.loads(run.stdout)["problems"]]
        if any("unknown key" in message and "connections" in message for message in said):
            self.has_connections = False
            loudly("this program knows no relay.connections: it sends over ONE connection in every workload")

    def _one_message(self, documents):
        """A message as it goes out, for those who cannot merge or cannot compose."""
        folder = workspaces.make_workspace(self.scratch / "one", 1, documents)
        workspaces.configure(folder, "smtp://127.0.0.1:1")
        out = workspaces.fresh(self.scratch / "one-out")
        self.stopwatch.run([self.binary, "-C", folder, "send", "--dry-run", "--out", out],
                           environment=self._environment(self.scratch))
        message = next(out.glob("*.eml")).read_bytes()
        (self.scratch / f"message-{'documents' if documents else 'small'}.eml").write_bytes(message)
        return message

    # One run each.

    def _send(self, workload, client, letters):
        place = self._place(client)
        folder = self._workspace(place, workload, letters)
        sink, relay, ca_file = self._relay(workload, client, folder)
        connections = CONNECTIONS[workload] if self.has_connections else None
        workspaces.configure(folder, relay, connections, ca_file)
        return self._send_workspace(place, folder, sink, letters)

    def _send_sample(self):
        folder = self._sample()
        relay = {"SECRETARIAT_RELAY_URL": f"smtp://127.0.0.1:{self.sink.port}"}
        return self._send_workspace(self.scratch, folder, self.sink, 650, relay)

    def _send_workspace(self, place, folder, sink, letters, variables=None):
        """`send --plan`, from a workspace that has sent nothing yet."""
        environment = {**self._environment(place), **(variables or {})}
        code = self._code(folder, environment)
        self._forget(place, folder)
        sink.report()
        words = [self.binary, "-C", folder, "send", "--plan", code, "--format", "json"]
        run = self.stopwatch.run(words, keep_output=True, environment=environment)
        if not json.loads(run.stdout)["complete"]:
            raise Failed("send: not complete")
        return sample_of(run, letters, sink.report())

    def _send_as_peer(self, workload, client, letters):
        peer = self.peers[client]
        folder = self._peer_folder(workload, client)
        port = self.distant.port if workload == "distant" else self.sink.port
        words, environment, run_in = peer.command(folder, port, CONNECTIONS[workload], letters)
        self.sink.report()
        run = self.stopwatch.run(words, environment=environment, folder=run_in)
        return sample_of(run, letters, self.sink.report())

    def _send_raw(self, workload, letters):
        words = [self.instruments, "raw-send", f"127.0.0.1:{self.raw_sink.port}", CONNECTIONS[workload], letters,
                 self.scratch / f"message-{workload}.eml"]
        run = self.stopwatch.run(words)
        octets = len(self.messages[True])
        return {"letters": letters, "seconds": run.seconds, "rate": letters / run.seconds, "octets": octets}

    def _flood(self, workload, letters):
        """How much the sink could take: letters in flights, from a sender that hears no answer."""
        message = self.messages[workload == "documents"]
        flight = b"MAIL FROM:<secretariat@forum.example>\r\nRCPT TO:<person@town.example>\r\nBDAT %d LAST\r\n%s"
        file = self.scratch / f"flight-{workload}"
        file.write_bytes(flight % (len(message), message))
        words = [self.instruments, "raw-send", f"127.0.0.1:{self.sink.port}", CONNECTIONS[workload], letters, file]
        self.sink.report()
        return sample_of(self.stopwatch.run(words), letters, self.sink.report())

    def _dry_run(self, workload, client, letters):
        if client == OURS:
            folder = self._workspace(self.scratch, workload, letters)
            workspaces.configure(folder, "smtp://127.0.0.1:1")
            environment = self._environment(self.scratch)
            run = self.stopwatch.run([self.binary, "-C", folder, "send", "--dry-run"], environment=environment)
        else:
            words, environment, run_in = self.peers[client].dry_run(self._peer_folder(workload, client), letters)
            run = self.stopwatch.run(words, environment=environment, folder=run_in)
        return {"letters": letters, "seconds": run.seconds, "rate": letters / run.seconds,
                "memory": run.memory_bytes, "processor_seconds": run.processor_seconds}

    def _first_answer(self, workload):
        folder = self._sample()
        words = [self.binary, "--help"] if workload == "--help" else [self.binary, "-C", folder, "check"]
        run = self.stopwatch.run(words, environment=self._environment(self.scratch))
        return {"seconds": run.seconds, "memory": run.memory_bytes}

    def _ledger(self, letters):
        """A mailing to very many, stopped after a few letters; then what can be asked about it."""
        watch = Stopwatch(self.instruments, self.scratch, TIMEOUT_LEDGER_SECONDS)
        folder = self._workspace(self.scratch, "ledger", letters)
        workspaces.configure(folder, f"smtp://127.0.0.1:{self.sink.port}")
        environment = self._environment(self.scratch)
        code = self._code(folder, environment, watch)
        self._forget(self.scratch, folder)
        self.sink.report()
        words = [self.binary, "-C", folder, "send", "--plan", code]
        with watch.started(words, environment) as sending:
            self._wait_for_letters(sending, min(1000, letters // 10))
            sending.interrupt()
            run = sending.finish(exit_codes=(0, 1, 4))
        plan_seconds = self.sink.report()["first_mail"] / 1e9 - sending.began
        *_, last = workspaces.people(letters)
        status = [self._ask(environment, folder, "status") for _ in range(5)]
        why = [self._ask(environment, folder, "why", last["E-mail"]) for _ in range(5)]
        if status[0][1]["counts"]["total"] != letters or not why[0][1]["deliveries"]:
            raise Failed("ledger: status or why does not know everybody")
        shutil.rmtree(folder / ".secretariat", ignore_errors=True)
        return {"letters": letters, "seconds": plan_seconds, "memory": run.memory_bytes,
                "status": [seconds for seconds, _ in status], "why": [seconds for seconds, _ in why]}

    def _wait_for_letters(self, sending, letters):
        end = time.monotonic() + TIMEOUT_LEDGER_SECONDS
        while self.sink.peek()["letters"] < letters:
            if time.monotonic() > end or sending.process.poll() is not None:
                raise Failed("ledger: send ended, or took too long, before its first letters")
            time.sleep(0.05)

    def _ask(self, environment, folder, *words):
        words = [self.binary, "-C", folder, *words, "--format", "json"]
        run = self.stopwatch.run(words, keep_output=True, environment=environment)
        return run.seconds, json.loads(run.stdout)

    # Places.

    def _place(self, client):
        """Where workspace and home of a client of ours lie: on disk, or in memory, where nothing is durable."""
        if client != "secretariat, not durable":
            return self.scratch
        if self.memory_folder is None:
            raise Unavailable("no /dev/shm to put a ledger that is not durable into")
        return self.memory_folder

    def _relay(self, workload, client, folder):
        """The sink that counts, its URL for the program, and who vouches for it."""
        if client == "secretariat, TLS":
            shutil.copy(self.authority, folder / "authority.pem")
            return self.sink_tls, f"smtps://127.0.0.1:{self.sink_tls.port}", "authority.pem"
        sink, to = self.sink, self.sink
        if client == "secretariat, no CHUNKING":
            sink, to = self.sink_without_chunking, self.distant_without_chunking
        elif workload == "distant":
            to = self.distant
        return sink, f"smtp://127.0.0.1:{to.port}", None

    def _workspace(self, place, workload, letters):
        folder = place / "workspaces" / f"{workload}-{letters}".replace(" ", "-")
        # Made by this run: what an earlier version of the generator left is not measured.
        if folder not in self.codes:
            workspaces.make_workspace(folder, letters, documents=workload == "documents")
            self.codes[folder] = None
        return folder

    def _sample(self):
        folder = self.scratch / "workspaces" / "sample"
        if folder not in self.codes:
            shutil.rmtree(folder, ignore_errors=True)
            self.stopwatch.run([self.binary, "init", folder], environment=self._environment(self.scratch))
            self.codes[folder] = None
        return folder

    def _code(self, folder, environment, watch=None):
        """The plan's code, as somebody without a terminal gets it."""
        if self.codes.get(folder) is None:
            words = [self.binary, "-C", folder, "send", "--dry-run", "--format", "json"]
            run = (watch or self.stopwatch).run(words, keep_output=True, environment=environment)
            self.codes[folder] = json.loads(run.stdout)["fingerprint"]
        return self.codes[folder]

    def _peer_folder(self, workload, client):
        return self.scratch / "mailings" / f"{client}-{workload}".replace(" ", "-")

    def _environment(self, place):
        """A home of its own, and nothing that speaks of another relay."""
        home = place / "home"
        home.mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SECRETARIAT_", "XDG_"))}
        return {**kept, "HOME": str(home), "NO_COLOR": "1"}

    def _forget(self, place, folder):
        shutil.rmtree(folder / ".secretariat", ignore_errors=True)
        workspaces.fresh(place / "home")


def sample_of(run, letters, report):
    """One run's figures, once the sink agrees that everything came."""
    if report["letters"] != letters:
        raise Failed(f"the sink has {report['letters']} letters, not {letters}")
    # From the first MAIL to the last acceptance: without reading, rendering and planning.
    sending_seconds = max((report["last_acceptance"] - report["first_mail"]) / 1e9, 1e-6)
    return {"letters": letters, "seconds": run.seconds, "rate": letters / run.seconds,
            "sending_rate": letters / sending_seconds, "memory": run.memory_bytes,
            "processor_seconds": run.processor_seconds, "octets": report["octets"] / letters,
            "connections": report["connections"]}
