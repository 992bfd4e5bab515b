//! The sample workspace inside the program: what `init` writes.
//!
//! Owns the list of the sample's files. They are the very files at the repository's root, so the
//! sample that is tested is the sample that is written; a test compares the list with the folder.

/// A file of the sample.
#[derive(Clone, Copy, Debug)]
pub struct SampleFile {
    /// Path relative to the workspace, with `/`.
    pub file: &'static str,
    /// What is in it.
    pub bytes: &'static [u8],
}

macro_rules! sample_files {
    ($($file:literal),* $(,)?) => {
        &[$(SampleFile { file: $file, bytes: include_bytes!(concat!("../", $file)) }),*]
    };
}

/// All files of the sample, configuration first.
pub const FILES: &[SampleFile] = sample_files![
    "secretariat.toml",
    "recipients/delegations.csv",
    "recipients/inscripciones.tsv",
    "recipients/registration.csv",
    "templates/layout.html",
    "templates/images/logo.png",
    "templates/footer.ar.md",
    "templates/footer.en.md",
    "templates/footer.es.md",
    "templates/footer.fr.md",
    "templates/footer.ru.md",
    "templates/footer.zh.md",
    "templates/signature.ar.md",
    "templates/signature.en.md",
    "templates/signature.es.md",
    "templates/signature.fr.md",
    "templates/signature.ru.md",
    "templates/signature.zh.md",
    "templates/outcome/ar.md",
    "templates/outcome/en.md",
    "templates/outcome/es.md",
    "templates/outcome/fr.md",
    "templates/outcome/ru.md",
    "templates/outcome/zh.md",
    "templates/thank-you/ar.md",
    "templates/thank-you/en.md",
    "templates/thank-you/es.md",
    "templates/thank-you/fr.md",
    "templates/thank-you/ru.md",
    "templates/thank-you/zh.md",
    "attachments/guidelines.en.pdf",
    "attachments/guidelines.es.pdf",
    "attachments/guidelines.fr.pdf",
    "attachments/highlights.en.pdf",
    "attachments/highlights.fr.pdf",
    "attachments/statement.ar.pdf",
    "attachments/statement.en.pdf",
    "attachments/statement.es.pdf",
    "attachments/statement.fr.pdf",
    "attachments/statement.ru.pdf",
    "attachments/statement.zh.pdf",
];

/// Whether a file of the sample holds people.
#[must_use]
pub fn is_list(file: &SampleFile) -> bool {
    file.file.starts_with("recipients/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn below(folder: &str, found: &mut BTreeSet<String>) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let name = format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap());
            if root.join(&name).is_dir() {
                below(&name, found)
            } else {
                found.insert(name);
            }
        }
    }

    #[test]
    fn every_file_of_the_sample_is_written_by_init() {
        let mut on_disk = BTreeSet::from(["secretariat.toml".to_owned()]);
        ["recipients", "templates", "attachments"].iter().for_each(|f| below(f, &mut on_disk));
        let embedded: BTreeSet<String> = FILES.iter().map(|f| f.file.to_owned()).collect();
        assert_eq!(embedded, on_disk);
    }
}
