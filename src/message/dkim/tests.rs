//! The standards' own examples, which keys are taken, and what a signature covers. That foreign
//! verifiers take whole messages is held by `tests/it/dkim.rs`.

use super::canonical::{add_relaxed, body_hash, fields};
use super::key::{KeyFault, KeyKind};
use super::make::ed25519_pem_of;
use super::*;
use crate::message::SharedChunk;
use ring::signature::{RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};
use sha2::{Digest as _, Sha256};

const RSA: &[u8] = include_bytes!("../../../tests/it/fixtures/dkim/rsa-pkcs1.pem");
const ED25519: &[u8] = include_bytes!("../../../tests/it/fixtures/dkim/ed25519.pem");

fn key(pem: &[u8]) -> Key {
    Key::from_pem(pem).unwrap()
}

fn signer(domain: &str, selector: &str, pem: &[u8]) -> Signer {
    Signer { domain: domain.to_owned(), selector: selector.to_owned(), key: key(pem) }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn decoded(text: &str) -> Vec<u8> {
    let text: String = text.split_ascii_whitespace().collect();
    BASE64.decode(text).unwrap()
}

/// RFC 6376 3.4.5 (relaxed), and what follows from 3.4.2.
#[test]
fn header_fields_in_their_relaxed_form() {
    for (field, expected) in [
        ("A: X\r\n", "a:X"),
        ("B : Y\t\r\n\tZ  \r\n", "b:Y Z"),
        ("SUBJect:\r\n  a\r\n\t b\r\n", "subject:a b"),
        ("Subject:\r\n", "subject:"),
        ("Subject: a:b\r\n", "subject:a:b"),
    ] {
        let mut relaxed = Vec::new();
        add_relaxed(&mut relaxed, field.as_bytes());
        assert_eq!(String::from_utf8(relaxed).unwrap(), expected, "{field:?}");
    }
    let header = b"A: X\r\nB : Y\t\r\n\tZ  \r\nC:\r\n";
    let expected: [&[u8]; 3] = [b"A: X\r\n", b"B : Y\t\r\n\tZ  \r\n", b"C:\r\n"];
    assert_eq!(fields(header), expected);
}

/// RFC 6376 3.4.5 (relaxed), A.2 (the hash), and what follows from 3.4.4.
#[test]
fn bodies_in_their_relaxed_form() {
    for (body, expected) in [
        (" C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n"),
        ("", ""),
        ("\r\n\r\n", ""),
        (" \t\r\n \r\n", ""),
        ("a", "a\r\n"),
        ("a\r\n", "a\r\n"),
        ("\r\n\ta \r\n\r\nb\r\n", "\r\n a\r\n\r\nb\r\n"),
        ("a\r\n \r\nb", "a\r\n\r\nb\r\n"),
    ] {
        let shared = |text: &str| Chunk::Shared(SharedChunk::new(text.as_bytes().to_vec()));
        let own = |text: &str| Chunk::Own(text.as_bytes().to_vec());
        let hash = sha256(expected.as_bytes());
        assert_eq!(body_hash(body.as_bytes(), &[]), hash, "{body:?}");
        // In whatever pieces it lies, and whatever is found out of them beforehand.
        for at in 0..=body.len() {
            let (one, other) = body.split_at(at);
            assert_eq!(body_hash(one.as_bytes(), &[own(other)]), hash, "{one:?} {other:?}");
            assert_eq!(body_hash(b"", &[own(one), own(other)]), hash, "{one:?} {other:?}");
            let ends_a_line = |text: &str| text.is_empty() || text.ends_with("\r\n");
            if ends_a_line(one) && ends_a_line(other) {
                let chunks = [shared(one), shared(other)];
                assert_eq!(body_hash(b"", &chunks), hash, "{one:?} {other:?}");
                let chunks = [shared(other)];
                assert_eq!(body_hash(one.as_bytes(), &chunks), hash, "{one:?} {other:?}");
            }
        }
    }
    let body = "Hi.\r\n\r\nWe lost the game. Are you hungry yet?\r\n\r\nJoe.\r\n";
    let hash = BASE64.encode(body_hash(body.as_bytes(), &[]));
    assert_eq!(hash, "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
}

/// A chunk that is hashed as it lies must be in its relaxed form.
#[test]
fn a_shared_part_with_odd_blanks_is_known() {
    for (bytes, expected) in [
        (&b"Content-Type: application/pdf;\r\n name=\"a.pdf\"\r\n\r\nJVBE\r\n"[..], true),
        (b"Content-Disposition: attachment;\r\n filename=\"a  b.pdf\"\r\n", false),
        (b"a\tb\r\n", false),
        (b"a \r\n", false),
        (b" \r\n", false),
        (b" a\r\n\r\n", true),
    ] {
        assert_eq!(SharedChunk::new(bytes.to_vec()).is_relaxed(), expected, "{bytes:?}");
    }
}

/// RFC 8463 appendix A: the message.
const MESSAGE: &str = "From: Joe SixPack <joe@football.example.com>\r\n\
    To: Suzie Q <suzie@shopping.example.net>\r\n\
    Subject: Is dinner ready?\r\n\
    Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
    Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n";

/// What RFC 8463 appendix A signs, with its own field up to the signature.
fn example_data(own: &str) -> Vec<u8> {
    let fields = fields(MESSAGE.as_bytes());
    Covered { names: Vec::new(), fields }.data(own)
}

#[test]
fn the_signature_of_rfc_8463_by_ed25519_comes_out() {
    let own = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n \
        d=football.example.com; i=@football.example.com;\r\n \
        q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n \
        subject : date : message-id : from : subject : date;\r\n \
        bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=";
    let seed = decoded("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=");
    let pem = ed25519_pem_of(seed.try_into().unwrap());
    let signer = signer("football.example.com", "brisbane", pem.reveal().as_bytes());
    let signature = BASE64.encode(signer.key.signature(&example_data(own)));
    let expected = "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\
        Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==";
    assert_eq!(signature, expected);
    let record = signer.record();
    assert_eq!(record.name, "brisbane._domainkey.football.example.com");
    let expected = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    assert_eq!(record.value, expected);
}

/// The example's key has 1,024 bits, with which nobody may sign any more: what it signed is checked.
#[test]
fn the_signature_of_rfc_8463_by_rsa_is_of_our_data() {
    let own = "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n \
        d=football.example.com; i=@football.example.com;\r\n \
        q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n \
        date : message-id : from : subject : date;\r\n \
        bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=";
    let published = decoded(
        "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi
         Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZy
         VYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB",
    );
    // RSAPublicKey behind its AlgorithmIdentifier.
    let public = &published[22..];
    let signature = decoded(
        "F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
         DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
         dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=",
    );
    let algorithm = &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY;
    let public = UnparsedPublicKey::new(algorithm, public);
    assert_eq!(public.verify(&example_data(own), &signature), Ok(()));
    let other = own.replace("t=1528637909", "t=1528637908");
    assert!(public.verify(&example_data(&other), &signature).is_err());
}

#[test]
fn which_keys_are_taken() {
    macro_rules! fixture {
        ($name:literal) => {
            include_bytes!(concat!("../../../tests/it/fixtures/dkim/", $name, ".pem")).as_slice()
        };
    }
    let rsa = Ok(KeyKind::Rsa { bits: 2_048 });
    for (pem, expected) in [
        (fixture!("rsa-pkcs1"), rsa),
        (fixture!("rsa-pkcs8"), rsa),
        (fixture!("ed25519"), Ok(KeyKind::Ed25519)),
        (fixture!("short"), Err(KeyFault::TooShort)),
        (fixture!("long"), Err(KeyFault::TooLong)),
        (fixture!("ec-sec1"), Err(KeyFault::WrongKind)),
        (fixture!("ec-pkcs8"), Err(KeyFault::WrongKind)),
        (fixture!("encrypted-pkcs8"), Err(KeyFault::Encrypted)),
        (fixture!("encrypted-pkcs1"), Err(KeyFault::Encrypted)),
        (fixture!("public"), Err(KeyFault::Public)),
        (b"", Err(KeyFault::NoKey)),
        (b"\xff\xfe\0", Err(KeyFault::NoKey)),
    ] {
        let read = Key::from_pem(pem).map(|key| key.kind());
        assert_eq!(read, expected, "{}", String::from_utf8_lossy(pem));
    }
    let text = std::str::from_utf8(RSA).unwrap();
    for damaged in [text.replace('g', "h"), text.replace("MII", "M!I"), text[..400].to_owned()] {
        assert_eq!(Key::from_pem(damaged.as_bytes()).unwrap_err(), KeyFault::Damaged, "{damaged}");
    }
    // After other things in the file, and with the line ends of Windows.
    let later = format!("a remark\r\n{}", text.replace('\n', "\r\n"));
    assert!(Key::from_pem(later.as_bytes()).is_ok());
    assert_eq!(format!("{:?}", key(RSA)), "Key(RSA 2048)");
}

const HEADER: &str = "Date: Thu, 05 Nov 2026 09:30:00 +0000\r\n\
    From: Secretariat <secretariat@forum.example>\r\n\
    Subject: Outcomes\r\n\
    List-Unsubscribe: <https://forum.example/off>\r\n\
    list-id: <outcome.forum.example>\r\n\
    List-Unsubscribe: <mailto:off@forum.example>\r\n\
    X-Other: not covered\r\n\
    Content-Language: en\r\n";

fn signed(dkim: &Dkim, message: &str) -> String {
    let mut chunks = [Chunk::Own(message.as_bytes().to_vec())];
    dkim.sign(&mut chunks);
    String::from_utf8(chunks[0].bytes().to_vec()).unwrap()
}

/// The names in `h=` of the first signature.
fn names(signed: &str) -> Vec<String> {
    let value = signed.split(" h=").nth(1).unwrap().split(';').next().unwrap();
    value.split(':').map(|name| name.trim().to_lowercase()).collect()
}

#[test]
fn what_a_reader_sees_is_covered_and_nothing_can_be_added() {
    let dkim = Dkim::of(vec![signer("forum.example", "autumn", ED25519)]);
    let signed = signed(&dkim, &format!("{HEADER}\r\nbody\r\n"));
    let names = names(&signed);
    let count = |name: &str| names.iter().filter(|n| *n == name).count();
    for (name, expected) in [
        ("from", 2),
        ("subject", 2),
        ("date", 2),
        // Not there, and nobody may add one.
        ("to", 1),
        ("cc", 1),
        ("reply-to", 1),
        ("content-type", 1),
        ("mime-version", 1),
        // Closed because they are there.
        ("list-unsubscribe", 3),
        ("list-id", 2),
        ("content-language", 2),
        // Relays and lists may add theirs.
        ("content-transfer-encoding", 0),
        ("list-post", 0),
        ("x-other", 0),
        ("sender", 0),
    ] {
        assert_eq!(count(name), expected, "{name} in {names:?}");
    }
    assert!(signed.lines().all(|line| line.len() <= LINE_OCTETS + 2), "{signed}");
    for tag in [" t=", " l=", " x=", " i="] {
        assert!(!signed.split("\r\nDate:").next().unwrap().contains(tag), "{tag} in {signed}");
    }
}

#[test]
fn a_weighed_signature_has_the_octets_of_the_real_one() {
    let rsa = || signer("forum.example", "autumn", RSA);
    let ed25519 = || signer("mail.forum.example", "e.2026", ED25519);
    for signers in [vec![rsa()], vec![ed25519()], vec![rsa(), ed25519()]] {
        let dkim = Dkim::of(signers);
        for message in [format!("{HEADER}\r\nbody\r\n"), format!("{HEADER}\r\n"), HEADER.into()] {
            let real = signed(&dkim, &message);
            assert_eq!(signed(&dkim.only_weighed(), &message).len(), real.len());
            assert_eq!(signed(&dkim, &message), real, "the same octets at every attempt");
            assert!(real.ends_with(&message));
            assert_eq!(real.matches("DKIM-Signature:").count(), dkim.signers().len());
        }
    }
    assert_eq!(signed(&Dkim::default(), HEADER), HEADER);
}

#[test]
fn whether_dmarc_counts_a_signature() {
    for (signs, author, expected) in [
        ("forum.example", "forum.example", true),
        ("forum.example", "Mail.Forum.example", true),
        ("mail.forum.example", "forum.example", true),
        ("forum.example", "otherforum.example", false),
        ("office.example", "forum.example", false),
    ] {
        let signer = signer(signs, "s", ED25519);
        assert_eq!(signer.is_aligned_with(author), expected, "{signs} for {author}");
    }
}

/// The record of an RSA key is what OpenSSL calls its public key.
#[test]
fn a_record_is_published_in_strings_that_dns_takes() {
    let published = include_str!("../../../tests/it/fixtures/dkim/public.pem");
    let base64: String = published.lines().filter(|line| !line.starts_with("--")).collect();
    let record = signer("forum.example", "autumn", RSA).record();
    assert_eq!(record.value, format!("v=DKIM1; k=rsa; p={base64}"));
    let strings = record.strings();
    assert_eq!(strings.concat(), record.value);
    assert_eq!(strings.iter().map(|s| s.len()).collect::<Vec<_>>(), [255, 155]);
    let line = record.to_string();
    assert!(
        line.starts_with("autumn._domainkey.forum.example. IN TXT \"v=DKIM1; k=rsa;"),
        "{line}"
    );
    assert_eq!(line.matches('"').count(), 4);
}

#[test]
fn a_key_just_made_signs_and_is_another_each_time() {
    for (new, kind) in
        [(NewKey::Rsa, KeyKind::Rsa { bits: 2_048 }), (NewKey::Ed25519, KeyKind::Ed25519)]
    {
        let made = make_key(new, "forum.example", "autumn").unwrap();
        let signer = signer("forum.example", "autumn", made.pem.reveal().as_bytes());
        assert_eq!(signer.key.kind(), kind);
        assert_eq!(signer.record(), made.record);
        assert!(!format!("{made:?}").contains("PRIVATE"), "security S16");
    }
    let one = || make_key(NewKey::Ed25519, "forum.example", "autumn").unwrap().record.value;
    assert_ne!(one(), one());
}
