// A peer for benches/compare/run: a mailing with nodemailer's pooled transport, as documented (letters are handed
// over while the transporter is idle). node nodemailer.js PORT CONNECTIONS LETTERS FOLDER; FOLDER as in
// peers/lettre/src/main.rs. The first letter that is not accepted ends the program with its reason.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const nodemailer = require("nodemailer");

const [port, connections, letters, folder] = process.argv.slice(2);
const read = (name) => fs.readFileSync(path.join(folder, name), "utf8");
const from = read("from.txt").trim();
const subject = read("subject.txt").trim();
const text = read("text.txt");
const html = read("html.html");
const documents = path.join(folder, "attachments");
const attachments = fs.readdirSync(documents).sort()
  .map((filename) => ({ filename, path: path.join(documents, filename) }));
const people = read("people.tsv").split("\n").filter(Boolean).slice(0, Number(letters))
  .map((line) => line.split("\t"));

const transporter = nodemailer.createTransport({
  pool: true,
  host: "127.0.0.1",
  port: Number(port),
  secure: false,
  ignoreTLS: true,
  maxConnections: Number(connections),
  maxMessages: Infinity,
});

let next = 0;
let settled = 0;

function handOver() {
  while (next < people.length && transporter.isIdle()) {
    const [address, name, greeting] = people[next++];
    const merged = (template) => template.replaceAll("{{greeting}}", greeting);
    const letter = { from, to: { name, address }, subject, text: merged(text), html: merged(html), attachments };
    transporter.sendMail(letter, (error) => {
      if (error) {
        console.error(error.message);
        process.exit(1);
      }
      settled += 1;
      if (settled === people.length) transporter.close();
    });
  }
}

transporter.on("idle", handOver);
handOver();
