"""Reads pieces of HTML with Python's own parser and prints what elements and text they hold.

A foreign reader: it shares no line with the program under test. FILE holds a JSON array of texts. For each: every beginning and end of an element with the names of its attributes, where its
links and images lead, the titles and descriptions, and all text. What stands in a frame (`srcdoc`)
is read too and stands behind it.

usage: read_html.py FILE
"""

import json
import sys
from html.parser import HTMLParser


class Reader(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.elements, self.targets, self.text, self.values = [], [], [], []

    def handle_starttag(self, tag, attrs):
        names = " ".join(sorted(name for name, _ in attrs))
        self.elements.append(f"<{tag} {names}".rstrip() + ">")
        for name, value in attrs:
            if name in ("href", "src", "action"):
                self.targets.append(value)
            elif name in ("title", "alt", "value", "data-search"):
                self.values.append(value)
            elif name == "srcdoc":
                self.read(value)

    def read(self, page):
        inside = Reader()
        inside.feed(page)
        inside.close()
        self.elements += inside.elements
        self.targets += inside.targets
        self.values += inside.values
        self.text += inside.text

    def handle_endtag(self, tag):
        self.elements.append(f"</{tag}>")

    def handle_data(self, data):
        self.text.append(data)

    def handle_comment(self, data):
        self.elements.append("<!-- -->")

    def handle_decl(self, decl):
        self.elements.append(f"<!{decl}>")

    def handle_pi(self, data):
        self.elements.append("<? ?>")


def read(page):
    reader = Reader()
    reader.feed(page)
    reader.close()
    return {
        "elements": reader.elements,
        "targets": reader.targets,
        "values": reader.values,
        "text": "".join(reader.text),
    }


with open(sys.argv[1], encoding="utf-8") as file:
    json.dump([read(page) for page in json.load(file)], sys.stdout)
