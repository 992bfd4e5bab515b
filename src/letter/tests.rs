//! Letters as a whole: sources and a person in, what the reader gets out.

use super::*;
use crate::recipients::Values;

/// The sample workspace's sources of a campaign.
fn sample(campaign: &str) -> (Sources, Vocabulary) {
    macro_rules! each_language {
        ($before:literal, $after:literal) => {
            [
                ("ar", include_str!(concat!("../../templates/", $before, "ar", $after))),
                ("en", include_str!(concat!("../../templates/", $before, "en", $after))),
                ("es", include_str!(concat!("../../templates/", $before, "es", $after))),
                ("fr", include_str!(concat!("../../templates/", $before, "fr", $after))),
                ("ru", include_str!(concat!("../../templates/", $before, "ru", $after))),
                ("zh", include_str!(concat!("../../templates/", $before, "zh", $after))),
            ]
        };
    }
    let sources = |name: &str, texts: [(&str, &str); 6]| {
        texts
            .map(|(tag, text)| {
                let file = format!("templates/{}", name.replace('*', tag));
                (language(tag), Source { file, text: text.to_owned() })
            })
            .into()
    };
    let letters = match campaign {
        "outcome" => sources("outcome/*.md", each_language!("outcome/", ".md")),
        _ => sources("thank-you/*.md", each_language!("thank-you/", ".md")),
    };
    let logo = include_bytes!("../../templates/images/logo.png").as_slice();
    let logo = ImageFile { file: "templates/images/logo.png".to_owned(), bytes: logo.into() };
    let layout = include_str!("../../templates/layout.html").to_owned();
    let sources = Sources {
        letters,
        layout: Some(Source { file: "templates/layout.html".to_owned(), text: layout }),
        signatures: sources("signature.*.md", each_language!("signature.", ".md")),
        footers: sources("footer.*.md", each_language!("footer.", ".md")),
        images: [("images/logo.png".to_owned(), logo)].into(),
    };
    let config: toml::Table = toml::from_str(include_str!("../../secretariat.toml")).unwrap();
    let conference = config["conference"].as_table().unwrap();
    let conference =
        conference.iter().map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned())).collect();
    let columns = ["name", "city", "town", "ciudad", "ville", "country"];
    let vocabulary = Vocabulary {
        columns: columns.map(str::to_owned).to_vec(),
        conference,
        attachments: match campaign {
            "outcome" => ["statement", "guidelines", "highlights"].map(str::to_owned).to_vec(),
            _ => Vec::new(),
        },
        default_language: Some(language("en")),
        ..Vocabulary::default()
    };
    (sources, vocabulary)
}

fn language(tag: &str) -> Language {
    Language::parse_tag(tag).unwrap()
}

fn attachment(id: &str, number: u32, title: &str, size: usize) -> Arc<Attachment> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    bytes.resize(size, b' ');
    let name = format!("{id}.en.pdf");
    let file = format!("attachments/{name}");
    let mut problems = Problems::new();
    Arc::new(Attachment::new(id, number, title, &name, &file, bytes.into(), &mut problems))
}

fn documents() -> Vec<Arc<Attachment>> {
    vec![
        attachment("statement", 1, "Almara Statement on Learning Towns", 116_439),
        attachment("guidelines", 2, "Guidelines for Learning Towns", 626_985),
        attachment("highlights", 3, "Almara 2026: Highlights", 1_500_000),
    ]
}

/// The letter that a body becomes for a person with these values, in a bare layout.
struct One<'a> {
    language: &'a str,
    body: &'a str,
    values: &'a [(&'a str, &'a str)],
    attachments: Vec<Arc<Attachment>>,
}

impl<'a> One<'a> {
    fn new(body: &'a str) -> One<'a> {
        One { language: "en", body, values: &[], attachments: Vec::new() }
    }

    fn with(mut self, values: &'a [(&'a str, &'a str)]) -> One<'a> {
        self.values = values;
        self
    }

    fn compile(&self) -> (Option<Letters>, Problems) {
        let text = format!("Subject: A letter to {{{{ greeting }}}}\n\n{}", self.body);
        let file = format!("templates/c/{}.md", self.language);
        let layout = "<html><head><title>{{ subject }}</title></head><body>\n{{ body }}</body>";
        let sources = Sources {
            letters: [(language(self.language), Source { file, text })].into(),
            layout: Some(Source { file: "layout.html".to_owned(), text: layout.to_owned() }),
            ..Sources::default()
        };
        let vocabulary = Vocabulary {
            columns: ["x", "y", "city"].map(str::to_owned).to_vec(),
            conference: [("name".to_owned(), "The *Forum*".to_owned())].into(),
            attachments: self.attachments.iter().map(|a| a.id.clone()).collect(),
            ..Vocabulary::default()
        };
        let mut problems = Problems::new();
        let letters = Letters::compile(&sources, &vocabulary, &mut problems);
        (letters, problems)
    }

    fn render(&self) -> Result<Letter, RenderFailure> {
        let (letters, problems) = self.compile();
        let letters = letters.unwrap_or_else(|| panic!("{problems:?}"));
        let values = Values::from_pairs(self.values.iter().copied());
        letters.render(&Particulars {
            language: &language(self.language),
            greeting: "Dear Ana,",
            values: &values,
            attachments: &self.attachments,
        })
    }

    fn html(&self) -> String {
        let html = self.render().unwrap().html;
        let start = html.find("<body>\n").unwrap() + 7;
        html[start..html.find("</body>").unwrap()].to_owned()
    }

    fn text(&self) -> String {
        self.render().unwrap().text
    }

    fn codes(&self) -> Vec<&'static str> {
        self.compile().1.iter().map(|p| p.code).collect()
    }
}

#[test]
fn the_sample_letters_are_whole_in_six_languages() {
    for campaign in ["outcome", "thank-you"] {
        let (sources, vocabulary) = sample(campaign);
        let mut problems = Problems::new();
        let letters = Letters::compile(&sources, &vocabulary, &mut problems).unwrap();
        assert!(problems.is_empty(), "{:#?}", problems.sorted());
        for tag in ["ar", "en", "es", "fr", "ru", "zh"] {
            let letter = letters
                .render(&Particulars {
                    language: &language(tag),
                    greeting: "Dear Ana Pérez,",
                    values: &Values::from_pairs([("town", "Tallinn"), ("ville", "Tours")]),
                    attachments: &documents(),
                })
                .unwrap();
            assert!(!letter.subject.is_empty() && !letter.text.contains("{{"), "{tag}");
            let direction = if tag == "ar" { "rtl" } else { "ltr" };
            let opening = format!("<html lang=\"{tag}\" dir=\"{direction}\"");
            assert!(letter.html.contains(&opening), "{tag}");
            assert_eq!(letter.images.len(), 1, "{tag}");
            assert!(letter.html.contains(&format!("cid:{}", letter.images[0].content_id)));
            assert!(letter.html.lines().all(|line| line.len() < 4000));
            if let Some(folder) = std::env::var_os("LETTERS_TO") {
                let stem = std::path::Path::new(&folder).join(format!("{campaign}.{tag}"));
                let logo = "../../templates/images/logo.png";
                let cid = format!("cid:{}", letter.images[0].content_id);
                std::fs::write(stem.with_extension(format!("{tag}.txt")), &letter.text).unwrap();
                let html = letter.html.replace(&cid, logo);
                std::fs::write(stem.with_extension(format!("{tag}.html")), html).unwrap();
            }
        }
    }
}
