"""The programs we are compared with: how each is had, and how each sends a mailing.

Each comes by its name from its own registry into the scratch folder: mailmerge from PyPI into a virtual environment,
nodemailer from npm, lettre from crates.io into a small program, smtp-source out of Debian's package postfix (unpacked,
not installed, so that no mail server starts here). What cannot be had raises `Unavailable`, and its rows say so.
"""

import os
import pathlib
import re
import shutil
import sys

from programs import Unavailable, must_run, output_of, tell
from workspaces import make_mailmerge_folder, make_peer_folder, set_mailmerge_relay

HERE = pathlib.Path(__file__).resolve().parent
MAILMERGE = "2.3.0"
NODEMAILER = "10.6.1"


class Peer:
    """One program: `prepare` once, `make_mailing` once a size of letter, then `command` for each run."""

    name = ""

    def __init__(self, scratch):
        self.scratch = pathlib.Path(scratch)
        self.version = ""

    def prepare(self):
        raise NotImplementedError

    def make_mailing(self, folder, letters, documents, message):
        """What this program needs to send so many letters; `message` is one of ours, ready to go."""
        make_peer_folder(folder, letters, documents, message)

    def command(self, folder, port, connections, letters):
        """Words, environment (None: ours) and folder to run in (None: any)."""
        raise NotImplementedError


class Mailmerge(Peer):
    name = "mailmerge"

    def prepare(self):
        venv = self.scratch / "mailmerge"
        self.program = venv / "bin" / "mailmerge"
        wanted = f"mailmerge, version {MAILMERGE}"
        if wanted not in output_of([self.program, "--version"]):
            must_run([sys.executable, "-m", "venv", "--clear", venv], "mailmerge: python3 -m venv")
            must_run([venv / "bin" / "pip", "install", "--quiet", f"mailmerge=={MAILMERGE}"], "mailmerge: pip")
        python = output_of([venv / "bin" / "python", "--version"])
        self.version = f"mailmerge {MAILMERGE} ({python})"

    def make_mailing(self, folder, letters, documents, message):
        make_mailmerge_folder(folder, letters, documents)

    def command(self, folder, port, connections, letters):
        set_mailmerge_relay(folder, port)
        words = [self.program, "--no-dry-run", "--limit", letters, "--output-format", "text"]
        return words, None, folder

    def dry_run(self, folder, letters):
        set_mailmerge_relay(folder, 1)
        return [self.program, "--dry-run", "--limit", letters, "--output-format", "text"], None, folder


class Nodemailer(Peer):
    name = "nodemailer"

    def prepare(self):
        self._have_node()
        folder = self.scratch / "nodemailer"
        folder.mkdir(exist_ok=True)
        manifest = folder / "node_modules" / "nodemailer" / "package.json"
        if not manifest.exists() or f'"version": "{NODEMAILER}"' not in manifest.read_text():
            (folder / "package.json").write_text('{"private": true}\n')
            must_run(["npm", "install", "--silent", "--no-audit", "--no-fund", f"nodemailer@{NODEMAILER}"],
                     "nodemailer: npm", cwd=folder)
        # Beside node_modules, where node looks for them.
        self.program = pathlib.Path(shutil.copy(HERE / "peers" / "nodemailer.js", folder))
        self.version = f"nodemailer {NODEMAILER} (node {output_of(['node', '--version'])})"

    def command(self, folder, port, connections, letters):
        return ["node", self.program, port, connections, letters, folder], None, None

    @staticmethod
    def _have_node():
        if shutil.which("node") and shutil.which("npm"):
            return
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise Unavailable("nodemailer: no node and npm here (on Debian: apt-get install nodejs npm)")
        tell("installing nodejs and npm from Debian")
        must_run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "nodejs", "npm"], "nodemailer: apt-get",
                 env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


class Lettre(Peer):
    name = "lettre"

    def prepare(self):
        package = HERE / "peers" / "lettre"
        target = self.scratch / "lettre"
        must_run(["cargo", "build", "--release", "--locked", "--quiet", "--manifest-path", package / "Cargo.toml",
                  "--target-dir", target], "lettre: cargo build")
        self.program = target / "release" / "lettre-peer"
        found = re.search(r'name = "lettre"\nversion = "([^"]+)"', (package / "Cargo.lock").read_text())
        self.version = f"lettre {found.group(1) if found else ''} (its pooled transport)"

    def command(self, folder, port, connections, letters):
        return [self.program, port, connections, letters, folder], None, None


class SmtpSource(Peer):
    name = "smtp-source"

    def prepare(self):
        self.environment = None
        here = shutil.which("smtp-source", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if here:
            self.program = pathlib.Path(here)
            self.version = "Postfix smtp-source " + output_of(["/usr/sbin/postconf", "-h", "mail_version"])
            return
        folder = self.scratch / "postfix"
        self.program = folder / "usr" / "sbin" / "smtp-source"
        if not self.program.exists():
            self._unpack(folder)
        self.environment = {**os.environ, "LD_LIBRARY_PATH": str(folder / "usr" / "lib" / "postfix")}
        # Nobody listens on port 1: it must say so, and not that a library is missing.
        said = must_run(["sh", "-c", f"'{self.program}' -4 127.0.0.1:1 2>&1 || true"], "smtp-source",
                        env=self.environment)
        if "refused" not in said:
            raise Unavailable(f"smtp-source: {said.strip()[:200]}")
        package = next(folder.glob("postfix_*.deb")).name
        self.version = f"Postfix smtp-source {package.split('_')[1].replace('%3a', ':')}"

    def _unpack(self, folder):
        if not shutil.which("apt-get"):
            raise Unavailable("smtp-source: not here, and no apt-get to get Debian's package postfix with")
        folder.mkdir(exist_ok=True)
        try:
            must_run(["apt-get", "download", "-qq", "postfix"], "smtp-source: apt-get download postfix", cwd=folder)
        except Unavailable:
            if os.geteuid() != 0:
                raise
            must_run(["apt-get", "update", "-qq"], "smtp-source: apt-get update")
            must_run(["apt-get", "download", "-qq", "postfix"], "smtp-source: apt-get download postfix", cwd=folder)
        must_run(["dpkg", "-x", next(folder.glob("postfix_*.deb")), folder], "smtp-source: dpkg -x")

    def make_mailing(self, folder, letters, documents, message):
        # One fixed message: it merges nothing. It puts CRLF at the end of each line itself.
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "message.eml").write_bytes(message.replace(b"\r\n", b"\n"))

    def command(self, folder, port, connections, letters):
        # -d keeps the connection from letter to letter, -N gives each its own recipient.
        words = [self.program, "-4", "-d", "-N", "-s", connections, "-m", letters, "-M", "bench.example",
                 "-f", "secretariat@forum.example", "-t", "person@town.example", "-F", folder / "message.eml",
                 f"127.0.0.1:{port}"]
        return words, self.environment, None


PEERS = [SmtpSource, Lettre, Nodemailer, Mailmerge]
