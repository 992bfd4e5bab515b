//! Attacks by the name of a file (security S14): a list or a link that leads to another file than
//! the person's own, or out of the workspace.
//!
//! A canary stands where each attack leads. It must be in no message, and the plan must not be made.

use crate::support::pdf::of_text;
use crate::support::workspace::Workspace;
use serde_json::Value;

/// Whoever reads this got a file that was not theirs.
const CANARY: &str = "canary of another folder";

/// Two people; the second one's certificate is named by the attack.
fn named_by(value: &str) -> Workspace {
    let cell = value.replace('"', "\"\"");
    let list = format!(
        "email,name,id\nana@town.example,Ana Pérez,17\nli@town.example,Li Wei,\"{cell}\"\n"
    );
    let workspace = Workspace::new()
        .list("registration.csv", &list)
        .letter("outcome", "en", "Subject: x\n\n{{ greeting }}\n\n{{ attachment_table }}\n")
        .campaign_lines("attachments = [\"certificate\"]")
        .config(
            "[attachments.certificate]\ntitle = \"Certificate\"\nfile = \"certificates/{id}.pdf\"",
        )
        .file("certificates/17.pdf", of_text(&["This certifies that Ana took part."]))
        .file("private/18.pdf", of_text(&[CANARY]))
        .file(".secretariat/18.pdf", of_text(&[CANARY]));
    std::fs::write(workspace.beside("18.pdf"), of_text(&[CANARY])).expect("a file outside");
    workspace
}

/// The plan is refused with an error of this kind; nothing is written.
#[track_caller]
fn refused(workspace: &Workspace, code: &str) -> Value {
    let (exit, json) = workspace.run_json(&["check"]);
    assert_eq!(exit, Some(3), "{json:#}");
    let problems = json["problems"].as_array().expect("a list");
    let found = problems.iter().find(|p| p["code"] == code && p["severity"] == "error");
    let found = found.unwrap_or_else(|| panic!("no {code}: {problems:#?}")).clone();
    assert!(found["hint"].is_string() && found["file"].is_string(), "{found:#}");
    let out = workspace.beside("out");
    let dry = workspace.run(&["send", "--dry-run", "--out", &out.to_string_lossy()]);
    assert_eq!(dry.code, Some(3), "{dry:#?}");
    assert!(!out.exists() || std::fs::read_dir(&out).expect("a folder").next().is_none());
    found
}

/// Security S14: a cell that names a file in another folder.
#[track_caller]
fn cannot_name(value: &str) {
    let found = refused(&named_by(value), "unnamed-attachment");
    assert_eq!(
        (&found["file"], &found["line"]),
        (&"recipients/registration.csv".into(), &3.into())
    );
}

/// Security S14: a cell that is part of a name, and names nothing that is there.
#[track_caller]
fn names_nothing(value: &str) {
    refused(&named_by(value), "missing-attachment");
}

/// Security S14.
#[test]
fn dots_and_slashes_lead_to_no_password_file() {
    cannot_name("../../etc/passwd");
    cannot_name("../../../../../../etc/passwd\u{0}");
    cannot_name("../18");
    cannot_name("..");
    cannot_name("../.secretariat/18");
}

/// Security S14.
#[test]
fn an_absolute_path_is_no_value() {
    cannot_name("/etc/passwd");
    cannot_name("//server/share/18");
}

/// Security S14.
#[test]
fn a_slash_in_a_value_names_no_folder() {
    cannot_name("private/18");
    cannot_name("./18");
}

/// Security S14.
#[test]
fn a_backslash_names_no_folder() {
    cannot_name("..\\private\\18");
    cannot_name("\\\\server\\share\\18");
}

/// Security S14.
#[test]
fn a_drive_letter_and_a_hidden_stream_are_no_values() {
    cannot_name("C:18");
    cannot_name("C:\\18");
    cannot_name("17.pdf:hidden");
}

/// Security S14: what a web server would read as `../` is text here.
#[test]
fn percent_encoding_is_not_decoded() {
    names_nothing("%2e%2e%2fprivate%2f18");
    names_nothing("..%2f18");
}

/// Security S14: slashes of other scripts look like ours and lead nowhere.
#[test]
fn slashes_that_look_alike_lead_nowhere() {
    for slash in ['\u{2215}', '\u{2044}', '\u{ff0f}', '\u{29f8}', '\u{ff3c}'] {
        names_nothing(&format!("..{slash}private{slash}18"));
    }
}

/// Security S14: a NUL ends a name in C.
#[test]
fn a_nul_ends_no_name() {
    let (exit, json) = named_by("17.pdf\u{0}x").run_json(&["check"]);
    assert_eq!(exit, Some(3), "{json:#}");
}

/// Security S14: names that Windows takes for devices or cuts off.
#[test]
fn device_names_and_trailing_dots_are_refused_everywhere() {
    for value in ["CON", "nul", "COM1", "Aux.x", "17.", "17..."] {
        let file = format!("certificates/{value}.pdf");
        let workspace = named_by(value).file(&file, of_text(&["A certificate."]));
        let found = workspace.run_json(&["check"]).1;
        let is_dotted = value.ends_with('.');
        let refused = found["problems"]
            .as_array()
            .expect("a list")
            .iter()
            .any(|p| p["code"] == "unnamed-attachment" && p["severity"] == "error");
        // `17..pdf` is an ordinary name: the dots are not at its end.
        assert_eq!(refused, !is_dotted, "{value}: {found:#}");
    }
}

/// Security S14.
#[test]
fn a_name_longer_than_any_file_system_takes_is_an_error_and_no_crash() {
    refused(&named_by(&"1".repeat(300)), "missing-attachment");
    refused(&named_by(&"1".repeat(60_000)), "missing-attachment");
}

/// Security S14: `A17.pdf` is not the certificate of `a17`, whatever the disk thinks.
#[test]
fn capitals_are_other_names() {
    let workspace = named_by("a18").file("certificates/A18.pdf", of_text(&[CANARY]));
    let found = refused(&workspace, "file-spelling");
    assert!(found["message"].as_str().is_some_and(|m| m.contains("A18.pdf")), "{found:#}");
    let both = workspace.file("certificates/a18.pdf", of_text(&["Li's own certificate."]));
    let (_, json) = both.run_json(&["check"]);
    let alike = json["problems"].as_array().expect("a list");
    // A disk that takes both has two files.
    let files = std::fs::read_dir(both.path().join("certificates")).expect("a folder").count();
    let is_said = alike.iter().any(|p| p["code"] == "names-alike");
    assert_eq!(is_said, files == 3, "{json:#}");
}

/// Security S14: composed and decomposed accents look the same; the person's own spelling wins.
#[test]
fn accents_written_in_two_ways_are_told() {
    let workspace = named_by("Zo\u{eb}")
        .file("certificates/Zo\u{eb}.pdf", of_text(&["Composed."]))
        .file("certificates/Zoe\u{308}.pdf", of_text(&[CANARY]));
    let (code, json) = workspace.run_json(&["check"]);
    assert_eq!(code, Some(0), "{json:#}");
    let files = std::fs::read_dir(workspace.path().join("certificates")).expect("a folder").count();
    let problems = json["problems"].as_array().expect("a list");
    let is_said = problems.iter().any(|p| p["code"] == "names-alike");
    assert_eq!(is_said, files == 3, "{json:#}");
}

#[cfg(unix)]
mod links {
    use super::*;
    use std::os::unix::fs::symlink;

    /// Security S14: a certificate that is a link to a file outside.
    #[test]
    fn a_symlink_to_a_file_outside_is_refused() {
        let workspace = named_by("18");
        symlink(workspace.beside("18.pdf"), workspace.path().join("certificates/18.pdf")).unwrap();
        refused(&workspace, "outside-workspace");
    }

    /// Security S14: the folder of certificates is a link to a folder outside.
    #[test]
    fn a_symlink_to_a_folder_outside_is_refused() {
        let workspace = named_by("18");
        let folder = workspace.path().join("certificates");
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::create_dir(workspace.beside("elsewhere")).unwrap();
        std::fs::write(workspace.beside("elsewhere/17.pdf"), of_text(&[CANARY])).unwrap();
        std::fs::write(workspace.beside("elsewhere/18.pdf"), of_text(&[CANARY])).unwrap();
        symlink(workspace.beside("elsewhere"), &folder).unwrap();
        refused(&workspace, "outside-workspace");
    }

    /// Security S14: a link into the program's own folder.
    #[test]
    fn a_symlink_into_the_private_folder_is_refused() {
        let workspace = named_by("18");
        let target = workspace.path().join(".secretariat/18.pdf");
        symlink(target, workspace.path().join("certificates/18.pdf")).unwrap();
        refused(&workspace, "outside-workspace");
    }

    /// Security S14: a link within the workspace is how some people keep one file in two places.
    #[test]
    fn a_symlink_within_the_workspace_is_followed() {
        let workspace = named_by("18");
        let target = workspace.path().join("private/18.pdf");
        symlink(target, workspace.path().join("certificates/18.pdf")).unwrap();
        assert_eq!(workspace.run(&["check"]).code, Some(0));
    }

    /// Security S14: a link that leads in a circle.
    #[test]
    fn a_symlink_in_a_circle_ends() {
        let workspace = named_by("18");
        let link = workspace.path().join("certificates/18.pdf");
        symlink(&link, &link).unwrap();
        refused(&workspace, "unreadable-file");
    }

    /// Security S14: reading a pipe would wait for ever.
    #[test]
    fn a_fifo_is_not_opened() {
        let workspace = named_by("18");
        let pipe = workspace.path().join("certificates/18.pdf");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        refused(&workspace, "not-a-file");
    }

    /// Security S14: a device never ends; it lies outside, so the link is refused.
    #[test]
    fn a_device_is_not_read() {
        let workspace = named_by("18");
        symlink("/dev/zero", workspace.path().join("certificates/18.pdf")).unwrap();
        refused(&workspace, "outside-workspace");
    }

    /// Security S14: a folder by the name of a certificate.
    #[test]
    fn a_folder_is_no_certificate() {
        let workspace = named_by("18");
        std::fs::create_dir(workspace.path().join("certificates/18.pdf")).unwrap();
        refused(&workspace, "not-a-file");
    }
}
