"""Makes what is measured: people, letters, documents, and a workspace or a peer's folder of them.

Everything is invented and follows from numbers alone, so that two runs measure the same mailing. Addresses end in
.example. As a program of its own it writes one workspace to look at:

    python3 workspaces.py FOLDER PEOPLE [--documents]
"""

import csv
import email
import email.policy
import pathlib
import random
import shutil
import sys

CAMPAIGN = "news"
FROM = "Forum of Learning Towns <secretariat@forum.example>"
SUBJECT = "What the Forum decided, and what comes next"

GIVEN = ["Ana", "Sipho", "Marie", "Juma", "Elena", "Tomás", "Ingrid", "Kumar", "Lucía", "Pieter", "Amina", "Jean",
         "Sofía", "Viktor", "Noor", "Paul", "Zuzana", "Mateo", "Grace", "Émile", "Rosa", "Daniel", "Lena", "Oscar"]
SYLLABLES = ["ba", "ka", "lo", "mi", "ne", "ro", "sa", "ti", "vu", "da", "fe", "go", "hi", "ju", "pe", "ra", "so",
             "ta", "no", "le"]
TOWNS = ["Almara", "Zapopan", "Poltava", "Bouaké", "Stellenbosch", "Paysandú", "Cork", "Moshi", "Temuco", "Namur"]
COUNTRIES = ["Spain", "Mexico", "Ukraine", "France", "South Africa", "Uruguay", "Ireland", "Tanzania", "Chile",
             "Belgium"]

# Three documents that with their letter make 1.13 MB once they are encoded (base64 in lines: x 1.368).
DOCUMENTS = {"statement.pdf": 420_000, "guidelines.pdf": 250_000, "highlights.pdf": 153_000}

# The part of the letter that is the same for every program; Markdown that needs no tag.
BODY = (
    "\nThree weeks ago you were with us at the Forum of Learning Towns in Almara. Thank you for coming, for the "
    "experience you shared and for the frank questions you asked. The Forum was as good as the people in the room, and "
    "we are grateful that you were one of them.\n"
    "\n## What was decided\n"
    "\nThe **Statement**, which was adopted on the last day, is now final. Please pass it on in your networks: to your "
    "council, to partner towns, to libraries, schools, employers and associations. It may be copied, translated and "
    "printed freely, and we gladly name those who bring them into further languages or into another form.\n"
    "\nFinally, we should like to hear from you. Answer this letter and tell us:\n"
    "\n- what your town has done since the Forum, however small the step;\n"
    "- what stands in the way;\n"
    "- whom else we should be talking to.\n"
    "\nWe read every answer, and with your permission we shall share the best ideas with all the towns.\n"
)

# A page so plain that a small letter is 2.9 KB with all its parts.
LAYOUT = """<!doctype html>
<html lang="{{ language }}">
<head><meta charset="utf-8"><title>{{ subject }}</title></head>
<body>{{ body }}</body>
</html>
"""


def people(count):
    """The first so many people: each a dict; no two have the same name or address."""
    for n in range(count):
        # Counting through two wheels of different length, then through the syllables, repeats nothing for long.
        given = GIVEN[n % len(GIVEN)]
        rest, family = n // len(GIVEN), ""
        for _ in range(4):
            rest, digit = divmod(rest, len(SYLLABLES))
            family += SYLLABLES[digit]
        yield {
            "First name": given,
            "Family name": family.capitalize(),
            "E-mail": f"{family}.{n}@town-{n % 997}.example",
            "Town": TOWNS[n % len(TOWNS)],
            "Country": COUNTRIES[n % len(COUNTRIES)],
        }


def make_workspace(folder, count, documents, list_name="people.csv"):
    """A workspace of so many people; `configure` names its relay."""
    folder = fresh(folder)
    (folder / "recipients").mkdir()
    with open(folder / "recipients" / list_name, "w", newline="", encoding="utf-8") as file:
        rows = people(count)
        first = next(rows)
        writer = csv.DictWriter(file, first.keys())
        writer.writeheader()
        writer.writerow(first)
        writer.writerows(rows)
    (folder / "templates" / CAMPAIGN).mkdir(parents=True)
    (folder / "templates" / "layout.html").write_text(LAYOUT, encoding="utf-8")
    letter = f"Subject: {SUBJECT}\n\n{{{{ greeting }}}}\n{BODY}"
    if documents:
        letter += "\n{{ attachment_table }}\n"
        make_documents(folder / "attachments")
    (folder / "templates" / CAMPAIGN / "en.md").write_text(letter, encoding="utf-8")
    return folder


def configure(folder, relay, connections=None, ca_file=None):
    """Writes secretariat.toml. `connections` None leaves the key out."""
    folder = pathlib.Path(folder)
    lines = [
        f'default_campaign = "{CAMPAIGN}"',
        "[conference]", 'name = "Forum of Learning Towns"',
        "[sender]", f'from = "{FROM}"', 'reply_to = "answers@forum.example"',
        "[relay]", f'url = "{relay}"',
    ]
    if connections is not None:
        lines.append(f"connections = {connections}")
    if ca_file is not None:
        lines.append(f'ca_file = "{ca_file}"')
    lines += ["[languages]", 'default = "en"']
    names = [path.name for path in sorted(folder.glob("attachments/*.pdf"))]
    for name in names:
        stem = name.split(".")[0]
        lines += [f"[attachments.{stem}]", f'title = "{stem.capitalize()}"', f'file = "attachments/{name}"']
    lines.append(f"[campaigns.{CAMPAIGN}]")
    if names:
        lines.append("attachments = [" + ", ".join(f'"{name.split(".")[0]}"' for name in names) + "]")
    (folder / "secretariat.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def make_documents(folder):
    folder.mkdir(parents=True)
    for name, size in DOCUMENTS.items():
        (folder / name).write_bytes(pdf(name, size))


def pdf(title, size):
    """A PDF of exactly this size: a page with a line of text, and a stream that does not compress."""
    text = f"BT /F1 18 Tf 72 720 Td ({title}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    surplus, filling_size = len(pdf_of(objects, b"")) - size, 0
    while surplus != 0:  # Two or three times: the sizes written into the file have a length too.
        filling_size -= surplus
        whole = pdf_of(objects, random.Random(title).randbytes(filling_size))
        surplus = len(whole) - size
    return whole


def pdf_of(objects, filling):
    filled = objects + [b"<< /Length %d >>\nstream\n%s\nendstream" % (len(filling), filling)]
    whole, places = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, content in enumerate(filled, 1):
        places.append(len(whole))
        whole += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(whole)
    whole += b"xref\n0 %d\n0000000000 65535 f \n" % (len(filled) + 1)
    whole += b"".join(b"%010d 00000 n \n" % place for place in places)
    return whole + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(filled) + 1, table)


def make_peer_folder(folder, count, documents, message):
    """What nodemailer and lettre send: the text and the page of a message of ours, with the greeting cut out."""
    folder = fresh(folder)
    parsed = email.message_from_bytes(message, policy=email.policy.SMTP)
    plain = parsed.get_body(("plain",)).get_content()
    page = parsed.get_body(("html",)).get_content()
    greeting = next(line for line in plain.splitlines() if line.strip()).strip()
    for name, body in (("text.txt", plain), ("html.html", page)):
        body = body.replace("\r\n", "\n")
        if greeting not in body:
            raise ValueError(f"no greeting {greeting!r} in {name}")
        (folder / name).write_text(body.replace(greeting, "{{greeting}}"), encoding="utf-8")
    (folder / "subject.txt").write_text(SUBJECT, encoding="utf-8")
    (folder / "from.txt").write_text(FROM, encoding="utf-8")
    with open(folder / "people.tsv", "w", encoding="utf-8") as file:
        for person in people(count):
            name = f'{person["First name"]} {person["Family name"]}'
            file.write(f'{person["E-mail"]}\t{name}\tDear {name},\n')
    if documents:
        make_documents(folder / "attachments")
    else:
        (folder / "attachments").mkdir()
    return folder


def make_mailmerge_folder(folder, count, documents):
    """What mailmerge sends: a list, and a letter in Markdown as its documentation shows."""
    folder = fresh(folder)
    head = f"TO: {{{{address}}}}\nSUBJECT: {SUBJECT}\nFROM: {FROM}\nREPLY-TO: answers@forum.example\n"
    if documents:
        make_documents(folder / "attachments")
        head += "".join(f"ATTACHMENT: attachments/{name}\n" for name in DOCUMENTS)
    head += "Content-Type: text/markdown\n"
    letter = f"{head}\n{{{{greeting}}}}\n{BODY}"
    (folder / "mailmerge_template.txt").write_text(letter, encoding="utf-8")
    with open(folder / "mailmerge_database.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["address", "greeting"])
        for person in people(count):
            greeting = f'Dear {person["First name"]} {person["Family name"]},'
            writer.writerow([person["E-mail"], greeting])
    return folder


def set_mailmerge_relay(folder, port):
    text = f"[smtp_server]\nhost = 127.0.0.1\nport = {port}\n"
    (pathlib.Path(folder) / "mailmerge_server.conf").write_text(text, encoding="utf-8")


def fresh(folder):
    folder = pathlib.Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


if __name__ == "__main__":
    made = make_workspace(sys.argv[1], int(sys.argv[2]), "--documents" in sys.argv[3:])
    configure(made, "smtp://127.0.0.1:2525")
