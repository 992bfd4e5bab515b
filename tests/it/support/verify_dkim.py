"""Checks DKIM signatures with dkimpy: a JSON file with keys and files in, for each file a list of verdicts out.

Keys are TXT records by name; the network is not asked.
"""

import json
import sys

import dkim

with open(sys.argv[1], encoding="utf-8") as file:
    errand = json.load(file)


def record(name, timeout=5):
    return errand["keys"].get(name.decode().rstrip(".").lower(), "").encode() or None


def verdict(message, index):
    try:
        return dkim.DKIM(message).verify(idx=index, dnsfunc=record)
    except (dkim.DKIMException, ValueError):
        return False


def verdicts(path):
    with open(path, "rb") as file:
        message = file.read()
    # The same line ends for all: relays keep messages with LF.
    header = message.replace(b"\r\n", b"\n").split(b"\n\n", 1)[0]
    signatures = sum(line.lower().startswith(b"dkim-signature:") for line in header.split(b"\n"))
    return [verdict(message, index) for index in range(signatures)]


json.dump([verdicts(path) for path in errand["files"]], sys.stdout)
