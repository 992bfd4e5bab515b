//! The map and the rules of the house, held against every source file.
//!
//! Owns what paper and style promise of the tree: a stage uses only what stands above it in
//! `src/lib.rs`, each file opens with its man page, the glossary's words, file and line lengths,
//! one reader of the clock and one of the environment. Each rule is a pure function of a path and
//! a text, and is shown to catch a bad sample, because a rule that catches nothing looks exactly
//! like a clean house.

mod source;

use source::{Source, identifiers, is_identifier, line_of, words};
use std::path::Path;

/// Lines of a file (paper 7: <= 450, hard 700).
const FILE_LINES_MAX: usize = 700;
/// Characters of a line: rustfmt keeps code to 100; what it cannot break (a string, a row of a
/// table) may be a little longer.
const LINE_CHARACTERS_MAX: usize = 120;
/// Lines of `src/main.rs` (paper 3).
const MAIN_LINES_MAX: usize = 30;
/// Two real implementations each, now or next (paper 3).
const TRAITS: [&str; 2] = ["Transport", "Ledger"];
/// The modules before this one in `src/lib.rs` are words: values only.
const FIRST_STAGE: &str = "recipients";
/// Modules that may not know each other although one stands above the other.
const STRANGERS: [(&str, &str); 3] =
    [("transport", "ledger"), ("transport", "send"), ("ledger", "transport")];
/// The rehearsal's relay is the oracle of what was sent: it may know nothing that sends.
const RELAY_FOLDER: &str = "src/rehearsal/relay/";
/// What that relay may use of the library.
const RELAY_USES: [&str; 2] = ["id", "rehearsal"];
/// Stages that take bytes: no file, no path.
const STAGES_OF_BYTES: [&str; 4] = ["recipients", "letter", "message", "plan"];

/// A source file: its path from the repository's root with `/`, and its text.
type File = (String, String);

#[test]
fn every_source_file_keeps_the_rules_of_the_house() {
    let files = source_files();
    let library = &files.iter().find(|(path, _)| path == "src/lib.rs").expect("src/lib.rs").1;
    let order = modules(library);
    let mut found: Vec<String> = files.iter().flat_map(|file| findings(file, &order)).collect();
    found.extend(more_than_one_unix_file(&files));
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// All rules for one file.
fn findings(file: &File, order: &[String]) -> Vec<String> {
    let (path, text) = file;
    let mut found = form(path, text);
    if path.starts_with("src/") {
        let whole = Source::of(text);
        let tests_only = path.ends_with("/tests.rs");
        let source = Source::without_tests(if tests_only { "" } else { text });
        found.extend(upward_imports(path, &whole.code, order));
        found.extend(relay_imports(path, &whole.code));
        found.extend(banned_words(path, &source));
        found.extend(clock_and_environment(path, &source.code));
        found.extend(files_in_stages(path, &source.code));
        found.extend(traits(path, &source.code));
    }
    found
}

/// Header, length, name.
fn form(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if !text.starts_with("//!") {
        found.push(format!("{path}: does not open with its man page (`//!`)"));
    }
    let lines = text.lines().count();
    let lines_max = if path == "src/main.rs" { MAIN_LINES_MAX } else { FILE_LINES_MAX };
    if lines > lines_max {
        found.push(format!("{path}: {lines} lines, at most {lines_max}"));
    }
    for (n, line) in text.lines().enumerate() {
        if line.chars().count() > LINE_CHARACTERS_MAX {
            found.push(format!("{path}:{}: more than {LINE_CHARACTERS_MAX} characters", n + 1));
        }
    }
    let vague = ["util", "utils", "common", "helper", "helpers", "manager", "managers", "misc"];
    for part in path.trim_end_matches(".rs").split('/') {
        if vague.contains(&part) {
            found.push(format!("{path}: `{part}` names nothing; name what the module owns"));
        }
    }
    found
}

/// Names of the modules that `src/lib.rs` declares, in order.
fn modules(library: &str) -> Vec<String> {
    let code = Source::of(library).code;
    let declared = code.lines().filter_map(|line| {
        let line = line.trim().trim_start_matches("pub ");
        line.strip_prefix("mod ")?.strip_suffix(';')
    });
    declared.map(str::to_owned).collect()
}

/// `src/letter/render.rs` belongs to `letter`; `src/lib.rs` and `src/main.rs` to nobody.
fn module_of(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("src/")?;
    let name = rest.split('/').next()?.trim_end_matches(".rs");
    (!["lib", "main"].contains(&name)).then_some(name)
}

/// A stage may use only what stands above it; the words, above all stages, know each other.
fn upward_imports(path: &str, code: &str, order: &[String]) -> Vec<String> {
    let words = order.iter().position(|m| m == FIRST_STAGE).unwrap_or(0);
    let rank =
        |name: &str| order.iter().position(|m| m == name).map(|r| if r < words { 0 } else { r });
    let Some(own) = module_of(path) else { return Vec::new() };
    let Some(own_rank) = rank(own) else {
        return vec![format!("{path}: `{own}` is not declared in src/lib.rs")];
    };
    let mut found = Vec::new();
    for (line, used) in crate_paths(code) {
        let upward = rank(used).is_some_and(|r| r > own_rank);
        if upward || STRANGERS.contains(&(own, used)) {
            found.push(format!("{path}:{line}: `{own}` may not use `{used}`"));
        }
    }
    found
}

/// The oracle of the proof shares no code with what it judges.
fn relay_imports(path: &str, code: &str) -> Vec<String> {
    if !path.starts_with(RELAY_FOLDER) {
        return Vec::new();
    }
    let used = crate_paths(code).into_iter().filter(|(_, used)| !RELAY_USES.contains(used));
    used.map(|(line, used)| format!("{path}:{line}: the relay may not use `{used}`")).collect()
}

/// The first names of all paths through `crate::`, with their lines.
fn crate_paths(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (at, root) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let line = line_of(code, at);
        let rest = &code[at + root.len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(first_names(group).into_iter().map(|name| (line, name))),
            None => found.push((line, leading_name(rest))),
        }
    }
    found
}

/// The names right inside a `use` group: `a` and `c` of `a::{b}, c::d}`.
fn first_names(group: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut depth = 0_i32;
    let mut start = Some(0);
    for (at, c) in group.char_indices() {
        if start.is_some() && depth == 0 && !c.is_whitespace() {
            names.push(leading_name(&group[at..]));
            start = None;
        }
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = Some(at),
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn leading_name(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    &text[..end]
}

/// The words that paper 3 bans, in names and in strings that are names (columns, JSON, flags).
fn banned_words(path: &str, source: &Source) -> Vec<String> {
    let names = identifiers(&source.code).into_iter();
    // Headers of foreign lists are data, not our words.
    let are_ours = module_of(path) != Some("recipients");
    let strings = source.strings.iter().filter(|(_, s)| are_ours && is_identifier(s));
    let strings = strings.map(|(line, s)| (*line, s.as_str()));
    let of = |(line, name)| {
        let word = banned_word(path, name)?;
        Some(format!("{path}:{line}: `{name}`: `{word}` is not a word of the glossary"))
    };
    names.chain(strings).filter_map(of).collect()
}

fn banned_word(path: &str, name: &str) -> Option<&'static str> {
    let words = words(name);
    let has = |word: &str| words.iter().any(|w| w == word);
    let pair = |a: &str, b: &str| words.windows(2).any(|w| w[0] == a && w[1] == b);
    let within = |modules: &[&str]| module_of(path).is_some_and(|m| modules.contains(&m));
    let never = ["subscriber", "subscribers", "job", "jobs", "queue", "queues", "submission"];
    if let Some(word) = never.into_iter().find(|word| has(word)) {
        return Some(word);
    }
    // A state is `accepted`; that something is sent may be said in prose only. (An address has a
    // form in which it is sent, which is no state.)
    let states = ["sent", "is_sent", "was_sent", "mark_sent", "already_sent", "sent_at"];
    if states.contains(&words.join("_").as_str()) && !within(&["address"]) {
        return Some("sent");
    }
    if has("delivered") && !within(&["inbox", "ledger", "report"]) {
        return Some("delivered");
    }
    // `[relay] user` is the sign-in name, in the config and where it is told to the relay.
    // `user_version` is SQLite's own name.
    let known = within(&["config", "transport", "cli"]) || name == "user_version";
    if (has("user") || has("users")) && !known {
        return Some("user");
    }
    if pair("return", "path") {
        return Some("return_path");
    }
    pair("mail", "from").then_some("mail_from")
}

/// Only `time.rs` reads the clock, only `config` the environment.
fn clock_and_environment(path: &str, code: &str) -> Vec<String> {
    let module = module_of(path).unwrap_or("main");
    let clock =
        ["SystemTime", "jiff::Timestamp::now", "Zoned::now", "Utc::now", "TimeZone::system"];
    let environment = ["env::var", "env::home_dir", "env::set_var", "env::remove_var"];
    let rules: [(&[&str], &[&str], &str); 3] = [
        (&clock, &["time"], "only time.rs reads the clock"),
        // Deadlines of a conversation are its own.
        (&["Instant::now"], &["time", "transport"], "only time.rs and transport read it"),
        (&environment, &["config"], "only config reads the environment"),
    ];
    let mut found = Vec::new();
    for (patterns, allowed, rule) in rules {
        for pattern in patterns.iter().filter(|_| !allowed.contains(&module)) {
            let hits = code.match_indices(pattern);
            found.extend(
                hits.map(|(at, _)| format!("{path}:{}: `{pattern}`: {rule}", line_of(code, at))),
            );
        }
    }
    found
}

/// Stages 1 to 4 take bytes; only the store of frozen objects is a folder.
fn files_in_stages(path: &str, code: &str) -> Vec<String> {
    let stage = module_of(path).is_some_and(|m| STAGES_OF_BYTES.contains(&m));
    if !stage || path.starts_with("src/plan/objects") {
        return Vec::new();
    }
    let patterns = ["std::fs", "std::path", "tokio::fs", "std::net", "std::process", "std::env"];
    let hits = patterns.iter().flat_map(|p| code.match_indices(p));
    hits.map(|(at, p)| format!("{path}:{}: `{p}`: stages 1-4 take bytes", line_of(code, at)))
        .collect()
}

/// A trait needs two real implementations.
fn traits(path: &str, code: &str) -> Vec<String> {
    let names: Vec<(usize, &str)> = identifiers(code);
    let declared = names.windows(2).filter(|pair| pair[0].1 == "trait");
    let unknown = declared.filter(|pair| !TRAITS.contains(&pair[1].1));
    let of = |pair: &[(usize, &str)]| {
        let (line, name) = pair[1];
        format!("{path}:{line}: trait `{name}`: a trait needs two real implementations")
    };
    unknown.map(of).collect()
}

/// Calls that only Unix has live in one file: officers are on Windows and Mac.
fn more_than_one_unix_file(files: &[File]) -> Option<String> {
    let is_unix = |(path, text): &&File| {
        path.starts_with("src/") && Source::without_tests(text).code.contains("os::unix")
    };
    let unix: Vec<&str> = files.iter().filter(is_unix).map(|(path, _)| path.as_str()).collect();
    (unix.len() > 1).then(|| format!("std::os::unix in more than one file: {}", unix.join(", ")))
}

/// All Rust files of the repository, sorted.
fn source_files() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "tests", "benches"] {
        for name in crate::support::workspace::files_under(&root.join(folder)) {
            if name.ends_with(".rs") {
                let path = format!("{folder}/{}", name.replace('\\', "/"));
                let text = std::fs::read_to_string(root.join(&path)).expect("a source file");
                files.push((path, text));
            }
        }
    }
    files
}

/// The findings for a file with this path and, after its header, this text.
fn check(path: &str, text: &str) -> Vec<String> {
    let order = ["address", "time", "recipients", "letter", "message", "plan"];
    let later = ["transport", "ledger", "send", "rehearsal", "inbox", "config", "cli"];
    let order: Vec<String> = order.iter().chain(&later).map(|&m| m.to_owned()).collect();
    findings(&(path.to_owned(), format!("//! What it owns.\n{text}")), &order)
}

#[track_caller]
fn caught(path: &str, text: &str, with: &str) {
    let found = check(path, text);
    let fits = found.len() == 1 && found[0].contains(with);
    assert!(fits, "{path}: {text:?} should give one finding with {with:?}, gave {found:#?}");
}

#[track_caller]
fn clean(path: &str, text: &str) {
    assert_eq!(check(path, text), [""; 0], "{path}: {text:?}");
}

#[test]
fn an_upward_import_is_caught() {
    caught("src/letter/render.rs", "use crate::send::decide;\n", "2: `letter` may not use `send`");
    caught("src/letter/mod.rs", "use crate::{address::A, plan::{self, Plan}};\n", "not use `plan`");
    caught("src/address.rs", "fn f() -> crate::plan::Plan {}\n", "not use `plan`");
    clean("src/address.rs", "fn f() -> crate::time::Timestamp {}\n");
    caught("src/transport/smtp/mod.rs", "use crate::ledger::Ledger;\n", "not use `ledger`");
    caught("src/ledger/mod.rs", "use crate::transport::Stage;\n", "not use `transport`");
    caught("src/send/run.rs", "use crate::rehearsal::proof;\n", "`send` may not use `rehearsal`");
    caught("src/rehearsal/relay/body.rs", "use crate::transport::Stage;\n", "relay may not use");
    clean("src/rehearsal/relay/body.rs", "use crate::id::Digest;\n");
    clean("src/rehearsal/run.rs", "use crate::{ledger::Ledger, transport::Stage};\n");
    caught("src/elsewhere.rs", "fn f() {}\n", "not declared");
    clean("src/send/mod.rs", "use crate::{ledger, transport::Stage};\nuse crate::time::Clock;\n");
    clean("src/address.rs", "//! As [`crate::send`] says.\nconst S: &str = \"crate::send\";\n");
}

#[test]
fn a_bad_form_is_caught() {
    let file = |text: &str| ("src/letter/mod.rs".to_owned(), text.to_owned());
    let order = ["letter".to_owned()];
    assert!(findings(&file("use std::fmt;\n"), &order)[0].contains("man page"));
    caught("src/letter/mod.rs", &"\n".repeat(700), "701 lines");
    caught("src/main.rs", &"\n".repeat(30), "31 lines");
    caught("src/letter/mod.rs", &format!("// {}\n", "é".repeat(118)), "more than 120");
    caught("src/letter/utils.rs", "fn f() {}\n", "names nothing");
    caught("src/letter/mod.rs", "pub trait Renders {}\n", "two real implementations");
    clean("src/transport/mod.rs", "pub trait Transport {}\n");
    let unix = |path: &str| (path.to_owned(), "use std::os::unix::fs;\n".to_owned());
    assert!(more_than_one_unix_file(&[unix("src/a.rs"), unix("src/b.rs")]).is_some());
    assert!(more_than_one_unix_file(&[unix("src/a.rs"), unix("tests/b.rs")]).is_none());
}

#[test]
fn a_banned_word_is_caught() {
    caught("src/send/mod.rs", "struct MailQueue;\n", "`queue`");
    caught("src/send/mod.rs", "enum State { Sent }\n", "`sent`");
    caught("src/send/mod.rs", "const STATE: &str = \"sent\";\n", "`sent`");
    caught("src/message/mod.rs", "fn return_path() {}\n", "`return_path`");
    caught("src/transport/mod.rs", "fn mail_from() {}\n", "`mail_from`");
    caught("src/send/mod.rs", "let delivered = 1;\n", "`delivered`");
    caught("src/letter/mod.rs", "struct UserName;\n", "`user`");
    clean("src/inbox/mod.rs", "enum Event { Delivered }\n");
    clean("src/config/mod.rs", "struct Relay { user: String }\n");
    clean("src/send/mod.rs", "// The job queue sent it.\nlet s = \"nothing was sent\";\n");
    clean("src/send/mod.rs", "#[cfg(test)]\nmod tests { fn sent() {} }\n");
    clean("src/send/tests.rs", "fn sent() {}\n");
    clean("src/ledger/schema.rs", "const VERSION: &str = \"user_version\";\n");
}

#[test]
fn a_look_at_the_clock_the_environment_or_a_file_is_caught() {
    caught("src/send/mod.rs", "let t = std::time::SystemTime::now();\n", "SystemTime");
    caught("src/plan/mod.rs", "let t = Instant::now();\n", "Instant::now");
    caught("src/cli/mod.rs", "let v = std::env::var_os(NAME);\n", "only config");
    caught("src/letter/mod.rs", "use std::path::Path;\n", "take bytes");
    clean("src/time.rs", "let t = std::time::SystemTime::now();\n");
    clean("src/transport/smtp/wire.rs", "let t = tokio::time::Instant::now();\n");
    clean("src/config/environment.rs", "let v = std::env::var(NAME);\n");
    clean("src/plan/objects.rs", "use std::path::Path;\n");
}

#[test]
fn strings_and_comments_are_told_from_code() {
    let text = concat!(
        "let a = \"x \\\" queue\"; let b = r#\"job \" \"#; // sent\n",
        "/* a /* b */ c */ let c = '\"';\nlet d: &'a str = b\"user\";\n",
    );
    let source = Source::of(text);
    let strings: Vec<&str> = source.strings.iter().map(|(_, s)| s.as_str()).collect();
    assert_eq!(strings, ["x \\\" queue", "job \" ", "user"]);
    assert_eq!(source.strings[2].0, 3);
    let names: Vec<&str> = identifiers(&source.code).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["let", "a", "let", "b", "let", "c", "let", "d", "a", "str", "b"]);
    assert_eq!(words("mailFrom_SMTP"), ["mail", "from", "smtp"]);
}
