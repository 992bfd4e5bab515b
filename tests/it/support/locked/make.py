#!/usr/bin/env python3
"""Makes the locked PDFs of this folder: RC4 with 128 bits (ISO 32000-1 7.6.3, revision 3).

Written from the standard and independent of the program, which has to read what this makes.
Nothing here is random: the same script gives the same bytes.
"""
import hashlib
import pathlib
import struct

PAD = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")
ID = bytes(range(16))
RIGHTS = -1340
TEXT = b"BT /F 11 Tf 72 700 Td (We thank the towns for the time that they have given.) Tj ET"


def rc4(key, data):
    s = list(range(256))
    j = 0
    for i in range(256):
        j = (j + s[i] + key[i % len(key)]) & 255
        s[i], s[j] = s[j], s[i]
    i = j = 0
    out = bytearray()
    for byte in data:
        i = (i + 1) & 255
        j = (j + s[i]) & 255
        s[i], s[j] = s[j], s[i]
        out.append(byte ^ s[(s[i] + s[j]) & 255])
    return bytes(out)


def rounds(key, data):
    for n in range(20):
        data = rc4(bytes(b ^ n for b in key), data)
    return data


def md5_51(data):
    digest = hashlib.md5(data).digest()
    for _ in range(50):
        digest = hashlib.md5(digest).digest()
    return digest


def padded(password):
    return (password + PAD)[:32]


def locked(user, owner):
    o = rounds(md5_51(padded(owner)), padded(user))
    key = md5_51(padded(user) + o + struct.pack("<i", RIGHTS) + ID)
    u = rounds(key, hashlib.md5(PAD + ID).digest()) + bytes(16)

    def own(number, data):
        salt = struct.pack("<I", number)[:3] + b"\0\0"
        return rc4(hashlib.md5(key + salt).digest(), data)

    content = own(5, TEXT)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[4 0 R]>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F 3 0 R>>>>"
        b"/Contents 5 0 R>>",
        b"<</Length %d>>\nstream\n" % len(content) + content + b"\nendstream",
        b"<</Title<%s>>>" % own(6, b"Statement").hex().encode(),
        b"<</Filter/Standard/V 2/R 3/Length 128/P %d/O<%s>/U<%s>>>"
        % (RIGHTS, o.hex().encode(), u.hex().encode()),
    ]
    out, table = bytearray(b"%PDF-1.5\n"), b""
    for number, entry in enumerate(objects, 1):
        table += b"%010d 00000 n \n" % len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, entry)
    at = len(out)
    out += b"xref\n0 8\n0000000000 65535 f \n" + table
    out += b"trailer\n<</Size 8/Root 1 0 R/Info 6 0 R/Encrypt 7 0 R/ID[<%s><%s>]>>\n" % (
        ID.hex().encode(), ID.hex().encode())
    out += b"startxref\n%d\n%%%%EOF\n" % at
    return bytes(out)


here = pathlib.Path(__file__).parent
(here / "protected.pdf").write_bytes(locked(b"", b"almara"))
(here / "password.pdf").write_bytes(locked(b"almara", b"almara"))
