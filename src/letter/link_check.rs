//! Whether a link of a letter leads where its author means, as far as its address shows.
//!
//! Owns the look at addresses and texts of links before any letter is rendered. Nothing is fetched.
//! Which addresses a letter may link to at all is decided in `link.rs`.
//!
//! # Standards
//! RFC 3986 3.2 (host), RFC 6068 (mailto), RFC 6761 and RFC 1918 (names and numbers that only a
//! network of one's own knows).

use super::link;
use crate::address::EmailAddress;
use crate::problem::Problem;
// A number read from text, and no network.
use core::net::Ipv4Addr;

/// A link as written: values are in it as `fill`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written<'a> {
    /// What it leads to.
    pub address: &'a str,
    /// What the reader sees.
    pub text: &'a str,
    /// The character that stands for a part that a value gives.
    pub fill: char,
}

/// Services that often ask a reader to sign in.
const SIGN_IN: &[&str] = &[
    "sharepoint.com",
    "docs.google.com",
    "drive.google.com",
    "onedrive.live.com",
    "1drv.ms",
    "teams.microsoft.com",
    "app.box.com",
];

/// Texts that say nothing to somebody who hears one link after another, in lower case.
const VAGUE: &[&str] = &[
    "here",
    "click here",
    "click",
    "link",
    "this link",
    "ici",
    "cliquez ici",
    "lien",
    "aquí",
    "haga clic aquí",
    "enlace",
    "hier",
    "здесь",
    "тут",
    "ссылка",
    "这里",
    "此处",
    "点击这里",
    "هنا",
    "اضغط هنا",
];

/// Looks at a link; findings have no place yet.
pub(super) fn look(written: Written<'_>) -> Vec<Problem> {
    let Written { address, text, fill } = written;
    let mut found = Vec::new();
    if text.trim().is_empty() {
        let message = format!("the link to {} has no text", shown(address));
        found.push(
            Problem::warning("empty-link", message).hint("Write [what it leads to](address)."),
        );
    }
    if VAGUE.contains(&text.trim().to_lowercase().as_str()) {
        let message = format!("the link `{}` does not say what it leads to", text.trim());
        found.push(
            Problem::note("vague-link", message)
                .hint("Some readers hear a letter's links one after another: name the page."),
        );
    }
    if address.starts_with(fill) {
        return found;
    }
    if !link::is_allowed(address) {
        found.push(link::refused(address));
        return found;
    }
    found.extend(leads_elsewhere(written));
    let lower = address.to_ascii_lowercase();
    match lower.strip_prefix("mailto:") {
        Some(_) => found.extend(mail(&address["mailto:".len()..], fill)),
        None => found.extend(web(address, &lower, fill)),
    }
    found
}

/// The text is an address itself: the same, which says little, or another, which looks like fraud.
fn leads_elsewhere(written: Written<'_>) -> Option<Problem> {
    let Written { address, text, fill } = written;
    let text = text.trim();
    if text.contains(char::is_whitespace) || text.contains(fill) || address.contains(fill) {
        return None;
    }
    let is_web = ["https://", "http://", "www."].iter().any(|b| text.to_lowercase().starts_with(b));
    if !is_web && EmailAddress::parse(text).is_err() {
        return None;
    }
    if bare(text) != bare(address) {
        let message = format!("the link shows `{text}` and leads to {}", shown(address));
        return Some(
            Problem::warning("link-text-differs", message)
                .hint("Mail programs take that for fraud: write what it leads to as its text."),
        );
    }
    let message = format!("the text of the link is its address, {}", shown(address));
    let hint =
        "Some readers hear the letter: write what it leads to, [the programme](https://...).";
    is_web.then(|| Problem::note("address-as-link-text", message).hint(hint))
}

/// An address without what a text leaves out of it.
fn bare(address: &str) -> String {
    let lower = address.to_lowercase();
    let bare = ["mailto:", "https://", "http://"].iter().find_map(|b| lower.strip_prefix(b));
    let bare = bare.unwrap_or(&lower);
    bare.strip_prefix("www.").unwrap_or(bare).trim_end_matches('/').to_owned()
}

/// What is wrong with the address behind `mailto:`.
fn mail(address: &str, fill: char) -> Option<Problem> {
    let to = address.split('?').next().unwrap_or_default();
    if address.contains(fill) {
        return None;
    }
    let plain = to.replace("%40", "@");
    let bad = plain.split(',').find_map(|one| EmailAddress::parse(one).err().map(|e| (one, e)))?;
    let message = format!("`{}` in a mailto link is no address: {}", bad.0, bad.1);
    Some(odd(message, "Write [the Secretariat](mailto:name@forum.example)."))
}

/// What is odd about an address of the web; `lower` is the same in lower case.
fn web(address: &str, lower: &str, fill: char) -> Vec<Problem> {
    let rest = lower.split_once("://").map_or("", |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let mut found = Vec::new();
    if let Some(problem) = structure(address, authority, path, fill) {
        found.push(problem);
    } else if host.contains(fill) {
    } else if is_private(host) {
        let message = format!("only your own network knows `{host}`, where this link leads");
        let hint = "Write an address that works from outside.";
        found.push(Problem::warning("private-link", message).hint(hint));
    } else if is_of(host, SIGN_IN) {
        let message = format!("readers may have to sign in to `{host}`");
        let hint = "Open the link in a private window of your browser: that is what readers see.";
        found.push(Problem::note("sign-in-link", message).hint(hint));
    }
    if is_of(host, &["example.com", "example.net", "example.org"]) {
        let message = format!("`{host}` in {} holds the place of a real host", shown(address));
        found.push(Problem::warning("leftover", message).hint("Write the real address."));
    }
    if lower.starts_with("http://") && found.is_empty() {
        let message = format!("{} is read by anybody on the way: it is http", shown(address));
        let hint = "Write https:// if the page opens with it too.";
        found.push(Problem::note("plain-http", message).hint(hint));
    }
    found
}

/// What is wrong with how an address is written.
fn structure(address: &str, authority: &str, path: &str, fill: char) -> Option<Problem> {
    const COPY: &str = "Copy the address from your browser again.";
    let again = ["http:", "https:", "http", "https"].contains(&authority);
    if again && path.starts_with("//")
        || authority.starts_with("http:")
        || authority.starts_with("https:")
    {
        return Some(odd(format!("the address {} begins twice", shown(address)), COPY));
    }
    if authority.contains('@') {
        let message = format!("the address {} has an `@` before its first `/`", shown(address));
        return Some(odd(message, "A link to an address of mail begins with mailto:."));
    }
    let is_odd =
        |c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']' | '%'));
    let labels = authority.split(':').next().unwrap_or_default().split('.');
    let has_gap = labels.clone().any(str::is_empty) && !authority.starts_with('[');
    let port = authority.rsplit_once(':').map_or("1", |(_, port)| port);
    let bad_port = !authority.starts_with('[') && port.parse::<u16>().is_err();
    if authority.chars().any(|c| c != fill && is_odd(c)) || has_gap || bad_port {
        let message = format!("`{authority}` in {} is no host", shown(address));
        return Some(odd(message, COPY));
    }
    let last = address
        .chars()
        .next_back()
        .filter(|c| matches!(c, '.' | ',' | ';' | ':' | '!' | '"' | '\'' | '>' | '…' | '»'));
    let is_open = address.matches('(').count() != address.matches(')').count();
    let last = last.or_else(|| is_open.then_some(if address.contains('(') { '(' } else { ')' }))?;
    let message =
        format!("the address {} has a `{last}` that may be no part of it", shown(address));
    Some(odd(message, "Put punctuation behind the link's closing bracket."))
}

fn odd(message: String, hint: &str) -> Problem {
    Problem::warning("odd-link", message).hint(hint)
}

/// Whether a host is one of these, or below one.
fn is_of(host: &str, domains: &[&str]) -> bool {
    domains.iter().any(|domain| {
        host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// Whether a host is known only inside of a network.
fn is_private(host: &str) -> bool {
    if let Ok(number) = host.parse::<Ipv4Addr>() {
        return number.is_private() || number.is_loopback() || number.is_link_local();
    }
    let is_number = host.starts_with('[');
    let inside =
        ["localhost", "local", "lan", "internal", "intranet", "corp", "home", "localdomain"];
    !is_number && (!host.contains('.') || is_of(host, &inside))
}

/// An address as a message shows it.
fn shown(address: &str) -> String {
    let short: String = address.chars().take(100).collect();
    format!("`{short}`")
}

/// An address in plain text and the text of the link it should be: `https://x.example/a`, or
/// `www.x.example`. The byte where it begins, and where it ends.
pub(super) fn bare_address(text: &str) -> Option<(usize, usize)> {
    let lower = text.to_ascii_lowercase();
    let begins = |what: &str| {
        let mut all = lower.match_indices(what).map(|(at, _)| at);
        all.find(|at| {
            !text[..*at].ends_with(|c: char| {
                c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '@' | '-')
            })
        })
    };
    let at = ["https://", "http://", "www."].iter().filter_map(|what| begins(what)).min()?;
    let length =
        text[at..].find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '，' | '。'));
    let end = length.map_or(text.len(), |length| at + length);
    let end =
        at + text[at..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '’', '»']).len();
    text[at..end].contains('.').then_some((at, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, text: &str, expected: &[&str]) {
        let found = look(Written { address, text, fill: '\u{1FFFE}' });
        let codes: Vec<_> = found.iter().map(|p| p.code).collect();
        assert_eq!(codes, expected, "[{text}]({address}): {found:#?}");
    }

    #[test]
    fn ordinary_links_pass() {
        for address in [
            "https://forum.example",
            "https://forum.example/a_(b)?c=d&e=%20#f",
            "https://forum.example:8443/",
            "https://例子.example/路",
            "https://93.184.216.34/x",
            "mailto:a@x.example",
            "mailto:a@x.example,b@x.example?subject=x",
            "\u{1FFFE}\u{1FFFE}/presentations",
            "https://\u{1FFFE}.forum.example/XL",
            "https://forum.example/?q=\u{1FFFE}",
        ] {
            check(address, "the programme", &[]);
        }
        check("mailto:a@x.example", "a@x.example", &[]);
        check("https://forum.example", "forum.example", &[]);
    }

    #[test]
    fn addresses_that_lead_nowhere_are_noticed() {
        for (address, code) in [
            ("www.forum.example", "bad-link"),
            ("http//forum.example", "bad-link"),
            ("ftp://forum.example", "bad-link"),
            ("https://https://forum.example", "odd-link"),
            ("https://http//forum.example", "odd-link"),
            ("https://forum..example", "odd-link"),
            ("https://forum.example:x/", "odd-link"),
            ("https://a@forum.example", "odd-link"),
            ("https://forum.example.", "odd-link"),
            ("https://forum.example/a,", "odd-link"),
            ("https://forum.example/a)", "odd-link"),
            ("mailto:a@x", "odd-link"),
            ("mailto:a x@x.example", "odd-link"),
            ("https://localhost/x", "private-link"),
            ("https://192.168.1.4/x", "private-link"),
            ("https://intranet/x", "private-link"),
            ("https://files.office.local/x", "private-link"),
            ("https://forum.sharepoint.com/x", "sign-in-link"),
            ("https://docs.google.com/document/d/1", "sign-in-link"),
            ("https://www.example.org/a", "leftover"),
            ("http://forum.example/a", "plain-http"),
        ] {
            check(address, "the programme", &[code]);
        }
    }

    #[test]
    fn texts_that_mislead_are_noticed() {
        check("https://forum.example", "", &["empty-link"]);
        check("https://forum.example", "Click here", &["vague-link"]);
        check("https://forum.example/", "https://forum.example", &["address-as-link-text"]);
        check("https://forum.example/", "www.forum.example", &["address-as-link-text"]);
        check("https://forum.example/", "https://other.example", &["link-text-differs"]);
        check("mailto:a@x.example", "b@x.example", &["link-text-differs"]);
    }

    #[test]
    fn an_address_in_plain_text_is_found() {
        for (text, expected) in [
            ("see https://forum.example/a. And", Some("https://forum.example/a")),
            ("(www.forum.example)", Some("www.forum.example")),
            ("WWW.forum.example", Some("WWW.forum.example")),
            ("见https://forum.example/a。", Some("https://forum.example/a")),
            ("forum.example and a@www.example", None),
            ("https://", None),
        ] {
            let found = bare_address(text).map(|(from, to)| &text[from..to]);
            assert_eq!(found, expected, "{text}");
        }
    }
}
