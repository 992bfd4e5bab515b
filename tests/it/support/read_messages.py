"""Reads every .eml file of a folder with Python's own `email` and prints what it found as JSON.

A foreign reader: it shares no line with the program under test. For each message: what Python
calls defects (of the message, of each header, of each part), the addresses, the subject, the tree
of parts, the bodies as text and a digest of each attachment.

usage: read_messages.py FOLDER
"""

import hashlib
import json
import multiprocessing
import pathlib
import sys
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import getaddresses


def structure(part):
    if part.is_multipart():
        inside = " ".join(structure(p) for p in part.iter_parts())
        return f"{part.get_content_subtype()}({inside})"
    return part.get_content_type()


def defects_of(part):
    found = [repr(d) for d in part.defects]
    for name, value in part.items():
        found += [f"{name}: {d!r}" for d in getattr(value, "defects", [])]
    if part.is_multipart():
        for inner in part.iter_parts():
            found += defects_of(inner)
    return found


def body(message, kind):
    part = message.get_body(preferencelist=(kind,))
    return part.get_content() if part else None


def attached(part):
    content = part.get_payload(decode=True) or b""
    return {
        "name": part.get_filename(),
        "media_type": part.get_content_type(),
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def names(raw):
    """Display names of To. `policy.default` keeps the space between two encoded words, which
    RFC 2047 6.2 says is none (Python 3.11), so they are read the old way."""
    message = message_from_bytes(raw, policy=policy.compat32)
    pairs = getaddresses([str(message["To"])])
    return [str(make_header(decode_header(name))) for name, _ in pairs]


def addresses(message, name):
    header = message[name]
    return [a.addr_spec for a in header.addresses] if header else []


def read(path):
    raw = path.read_bytes()
    message = message_from_bytes(raw, policy=policy.default)
    return {
        "file": path.name,
        "defects": defects_of(message),
        "headers": [name for name, _ in message.items()],
        "from": addresses(message, "From"),
        "to": addresses(message, "To"),
        "to_names": names(raw) if message["To"] else [],
        "subject": str(message["Subject"]),
        "message_id": str(message["Message-ID"]).strip("<> "),
        "date": message["Date"].datetime.timestamp() if message["Date"] else None,
        "structure": structure(message),
        "text": body(message, "plain"),
        "html": body(message, "html"),
        "attachments": [attached(p) for p in message.iter_attachments()],
        "content_ids": [str(p["Content-ID"]).strip("<> ") for p in message.walk() if p["Content-ID"]],
    }


def main():
    folder = pathlib.Path(sys.argv[1])
    with multiprocessing.Pool() as pool:
        json.dump(pool.map(read, sorted(folder.glob("*.eml")), chunksize=8), sys.stdout)


if __name__ == "__main__":
    main()
