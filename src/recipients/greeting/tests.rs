//! How people of all kinds are greeted, and what is found about titles and names.

use super::*;
use crate::address::EmailAddress;
use crate::id::RecipientKey;
use crate::problem::Place;
use crate::recipients::{LanguageBy, Values};

/// Somebody with `name`, or with given and family name between a bar.
fn person(name: &str, title: &str, gender: &str) -> Recipient {
    let (given, family) = name.split_once('|').unwrap_or_default();
    let is_parted = name.contains('|');
    let whole =
        if is_parted { format!("{given} {family}").trim().to_owned() } else { name.to_owned() };
    let values = Values::from_pairs([
        ("name", whole.as_str()),
        ("given_name", given),
        ("family_name", family),
        ("title", title),
        ("gender", gender),
    ]);
    let address = EmailAddress::parse("a@x.example").unwrap();
    Recipient {
        number: 1,
        key: RecipientKey::of(&address),
        address,
        name: Some(whole).filter(|name| !name.is_empty()),
        language: Language::english(),
        language_by: LanguageBy::Default,
        country: None,
        values,
        together: Vec::new(),
        copies: Vec::new(),
        greeting: None,
        place: Place::line("l.csv", 2),
    }
}

fn tag(tag: &str) -> Language {
    Language::parse_tag(tag).unwrap()
}

fn greet(language: &str, recipient: &Recipient) -> Greeting {
    Greetings::built_in().greet(&tag(language), recipient)
}

#[track_caller]
fn check(language: &str, name: &str, title: &str, gender: &str, expected: &str) {
    let greeting = greet(language, &person(name, title, gender));
    assert_eq!(greeting.as_str(), expected, "{language} {name} {title} {gender}");
}

#[test]
fn a_person_is_greeted_by_title_in_the_language_of_the_letter() {
    for (language, title, expected) in [
        ("en", "Ms", "Dear Ms Pérez,"),
        ("en", "Mrs.", "Dear Mrs Pérez,"),
        ("en", "Sra.", "Dear Ms Pérez,"),
        ("en", "M.", "Dear Mr Pérez,"),
        ("en", "Prof.", "Dear Professor Pérez,"),
        ("en", "Prof. Dr.", "Dear Professor Pérez,"),
        ("en", "Ms Dr", "Dear Dr Pérez,"),
        ("en", "H.E.", "Your Excellency,"),
        ("en", "Alcaldesa", "Dear Mayor Pérez,"),
        ("en", "Oberbürgermeisterin", "Dear Mayor Pérez,"),
        ("en", "Sir", "Dear Sir Ana,"),
        ("en", "Arq.", "Dear Ana Pérez,"),
        ("en", "Mx", "Dear Ana Pérez,"),
        ("en", "Mr/Ms", "Dear Ana Pérez,"),
        ("de", "Frau", "Sehr geehrte Frau Pérez,"),
        ("de", "Frau Prof. Dr.", "Sehr geehrte Frau Prof. Dr. Pérez,"),
        ("de", "Dr", "Guten Tag Dr. Ana Pérez,"),
        ("de", "Bürgermeisterin", "Sehr geehrte Frau Bürgermeisterin,"),
        ("fr", "Ms", "Madame,"),
        ("fr", "Mr", "Monsieur,"),
        ("fr", "Maire", "Bonjour Ana Pérez,"),
        ("fr", "Pr", "Bonjour Ana Pérez,"),
        ("fr", "Mme le Maire", "Madame la Maire,"),
        ("fr", "M. le Préfet", "Monsieur le Préfet,"),
        ("fr", "Mme la Présidente", "Madame la Présidente,"),
        ("en", "Mme la Présidente", "Dear Ms Pérez,"),
        ("en", "Lord Mayor", "Dear Lord Mayor,"),
        ("de", "Lord Mayor", "Guten Tag Ana Pérez,"),
        ("de", "Herr und Frau", "Guten Tag Ana Pérez,"),
        ("de", "Divers", "Guten Tag Ana Pérez,"),
        ("en", "MM", "Dear Ana Pérez,"),
        ("fr", "Mme Pr", "Madame la Professeure,"),
        ("es", "Ms", "Estimada Sra. Pérez:"),
        ("es", "Dra.", "Estimada Dra. Pérez:"),
        ("es", "Dr", "Estimado/a Dr./Dra. Pérez:"),
        ("es", "Alcalde", "Estimado Sr. Alcalde:"),
        ("it", "Dott.ssa", "Gentile Dott.ssa Pérez,"),
        ("pt", "Sra.", "Prezada Sra. Pérez,"),
        ("pt-br", "Prof.", "Prezado(a) Prof(a). Pérez,"),
        ("ru", "Ms", "Уважаемая госпожа Pérez!"),
        ("ru", "Prof.", "Уважаемый профессор Pérez!"),
        ("zh", "Prof.", "尊敬的Pérez教授："),
        ("zh", "Ms", "尊敬的Ana Pérez女士："),
        ("ja", "Ms", "Ana Pérez 様"),
        ("ar", "Ms", "حضرة السيدة Ana Pérez المحترمة،"),
        ("nl", "Ms", "Geachte mevrouw Pérez,"),
        ("tr", "Prof. Dr.", "Sayın Prof. Dr. Ana Pérez,"),
        ("ko", "Prof.", "Ana Pérez 교수님께"),
    ] {
        check(language, "Ana|Pérez", title, "", expected);
    }
}

#[test]
fn a_column_of_gender_stands_in_for_a_title_and_a_contradiction_for_neither() {
    check("en", "Ana|Pérez", "", "F", "Dear Ms Pérez,");
    check("de", "Ana|Pérez", "Dr", "weiblich", "Sehr geehrte Frau Dr. Pérez,");
    check("es", "Ana|Pérez", "Dr", "F", "Estimada Dra. Pérez:");
    check("en", "Ana|Pérez", "Mr", "F", "Dear Ana Pérez,");
    check("fr", "Ana|Pérez", "", "non-binary", "Bonjour Ana Pérez,");
    check("en", "Ana|Pérez", "Mr/Ms", "F", "Dear Ms Pérez,");
}

#[test]
fn a_name_stays_whole_where_the_list_does_not_say_its_parts() {
    check("en", "Ana Pérez", "Ms", "", "Dear Ms Ana Pérez,");
    check("en", "Ana PÉREZ GARCÍA", "Ms", "", "Dear Ms PÉREZ GARCÍA,");
    check("en", "Pérez, Ana", "", "", "Dear Ana Pérez,");
    check("en", "Pérez, Ana", "Dr", "", "Dear Dr Pérez,");
    check("en", "Ms Ana Pérez", "Ms", "", "Dear Ms Ana Pérez,");
    check("en", "Dr. Ana Pérez", "", "", "Dear Dr Ana Pérez,");
    check("zh", "王芳", "女士", "", "尊敬的王芳女士：");
    check("zh", "王芳女士", "", "", "尊敬的王芳女士：");
    check("nl", "Jeroen|van den Berg", "Dhr.", "", "Geachte heer Van den Berg,");
    check("de", "Ursula|von der Leyen", "Frau", "", "Sehr geehrte Frau von der Leyen,");
}

#[test]
fn russian_greets_by_name_and_patronymic() {
    check("ru", "Павел Сергеевич|Волков", "Dr", "", "Уважаемый Павел Сергеевич!");
    check("ru", "Петрова Анна Ивановна", "", "", "Уважаемая Анна Ивановна!");
    check("ru", "Анна Ивановна|Петрова", "H.E.", "", "Ваше Превосходительство!");
    check("ru", "Анна|Петрова", "г-жа", "", "Уважаемая госпожа Петрова!");
    // The patronymic greets in no other language.
    check("en", "Анна Ивановна|Петрова", "", "", "Dear Анна Ивановна Петрова,");
}

#[test]
fn without_title_and_gender_the_form_is_neutral_and_without_a_name_still_whole() {
    for (language, named, nameless) in [
        ("en", "Dear Ana Pérez,", "Dear Participant,"),
        ("fr", "Bonjour Ana Pérez,", "Madame, Monsieur,"),
        ("es", "Estimado/a Ana Pérez:", "Estimado/a participante:"),
        ("ru", "Уважаемый(ая) Ana Pérez!", "Уважаемые участники!"),
        ("zh-hans", "尊敬的Ana Pérez女士/先生：", "尊敬的与会者："),
        ("ar", "حضرة السيد/السيدة Ana Pérez،", "حضرات المشاركين والمشاركات،"),
        ("pt-BR", "Prezado(a) Ana Pérez,", "Prezado(a) participante,"),
        ("sw", "Dear Ana Pérez,", "Dear Participant,"),
    ] {
        check(language, "Ana|Pérez", "", "", named);
        check(language, "", "", "", nameless);
    }
    let kind = |language, title| greet(language, &person("Ana|Pérez", title, "")).kind();
    assert_eq!(
        [kind("en", ""), kind("en", "Ms"), kind("en", "Mx")],
        [Kind::Neutral, Kind::Personal, Kind::Personal]
    );
    // Japanese greets everybody alike.
    assert_eq!(kind("ja", ""), Kind::Personal);
    assert_eq!(greet("en", &person("", "", "")).kind(), Kind::Nameless);
}

/// "Dear ," cannot be sent (product, point 6): whatever the cells hold, the line is whole.
#[test]
fn no_greeting_is_empty_or_has_a_hole() {
    let names = [
        "",
        "|",
        "Ana|",
        "|Pérez",
        "Ana|Pérez",
        "Ana Pérez",
        "Dr.",
        "Mr|Ms",
        "王芳",
        ",",
        "Pérez,",
    ];
    let titles =
        ["", "Ms", "Mr Ms", "Prof. Dr.", "H.E.", "-", "null", "{{ 7*7 }}", "先生", "M./Mme", "Sir"];
    for language in BUILT_IN.keys().chain(&["sw"]) {
        for name in names {
            for title in titles {
                for gender in ["", "F", "x"] {
                    let whole = greet(language, &person(name, title, gender));
                    let text = whole.as_str();
                    let mark = BUILT_IN.get(language).unwrap_or(&BUILT_IN["en"]).grammar.mark;
                    assert!(text.ends_with(mark) && text.chars().count() > 3, "{text}");
                    assert!(!text.contains(['{', '}', '|']) && !text.contains("  "), "{text}");
                    let bare = text.strip_suffix(mark).unwrap();
                    assert!(
                        !bare.ends_with([' ', ',', '尊', '的']),
                        "{language} {name} {title}: {text}"
                    );
                }
            }
        }
    }
}

/// Security S7: what stands in a list is never read as a form or template.
#[test]
fn a_name_in_braces_stays_that_name() {
    check("en", "{{ 7*7 }}", "", "", "Dear {{ 7*7 }},");
    check("en", "{name}|{{ 7*7 }}", "Ms", "", "Dear Ms {{ 7*7 }},");
    check("en", "{names}|{title}", "{{ 7*7 }}", "", "Dear {names} {title},");
}

fn together(language: &str, people: &[(&str, &str)]) -> String {
    let mut all = people.iter().map(|(name, title)| person(name, title, ""));
    let mut first = all.next().unwrap();
    first.together = all.map(|one| one.values).collect();
    greet(language, &first).as_str().to_owned()
}

#[test]
fn several_people_are_greeted_in_one_line() {
    let two = [("Ana|Pérez", "Ms"), ("Luis|López", "Mr")];
    let unsure = [("Ana|Pérez", "Ms"), ("Inés|López", "")];
    for (language, known, neutral) in [
        ("en", "Dear Ms Pérez and Mr López,", "Dear Ana Pérez and Inés López,"),
        ("es", "Estimada Sra. Pérez y estimado Sr. López:", "Estimados/as Ana Pérez e Inés López:"),
        (
            "de",
            "Sehr geehrte Frau Pérez, sehr geehrter Herr López,",
            "Guten Tag Ana Pérez und Inés López,",
        ),
        ("fr", "Madame, Monsieur,", "Bonjour Ana Pérez et Inés López,"),
        ("it", "Gentile Sig.ra Pérez e gentile Sig. López,", "Gentili Ana Pérez e Inés López,"),
        ("pt", "Prezada Sra. Pérez e prezado Sr. López,", "Prezados(as) Ana Pérez e Inés López,"),
        (
            "ru",
            "Уважаемая госпожа Pérez, уважаемый господин López!",
            "Уважаемые Ana Pérez и Inés López!",
        ),
        ("zh", "尊敬的Ana Pérez女士、Luis López先生：", "尊敬的Ana Pérez、Inés López："),
        ("ja", "Ana Pérez 様、Luis López 様", "Ana Pérez 様、Inés López 様"),
        (
            "ar",
            "حضرة السيدة Ana Pérez المحترمة وحضرة السيد Luis López المحترم،",
            "حضرات السيدات والسادة Ana Pérez وInés López،",
        ),
        ("ko", "Ana Pérez 님과 Luis López 님께", "Ana Pérez 님과 Inés López 님께"),
        ("nl", "Geachte mevrouw Pérez, geachte heer López,", "Geachte Ana Pérez en Inés López,"),
        ("tr", "Sayın Ana Pérez ve Luis López,", "Sayın Ana Pérez ve Inés López,"),
        ("pl", "Szanowna Pani, szanowny Panie,", "Szanowni Państwo,"),
        ("uk", "Шановна пані, шановний пане!", "Шановні пані та панове!"),
    ] {
        assert_eq!(together(language, &two), known);
        assert_eq!(together(language, &unsure), neutral);
    }
    let three = [("Ana|Pérez", "Ms"), ("Luis|López", "Mr"), ("Bo|Li", "Prof.")];
    assert_eq!(together("en", &three), "Dear Ms Pérez, Mr López and Professor Li,");
    assert_eq!(together("fr", &[("Ana|P", "Mme"), ("Eva|L", "Mme")]), "Mesdames,");
    assert_eq!(
        together("fr", &[("A|P", "Mme"), ("E|L", "M."), ("I|L", "M.")]),
        "Mesdames, Messieurs,"
    );
    assert_eq!(together("fr", &[("A|P", "Maire"), ("E|L", "Maire")]), "Bonjour A P et E L,");
    assert_eq!(together("en", &[("Ana|Pérez", "Ms"), ("", "Mr")]), "Dear Participants,");
    assert_eq!(together("en", &[("A B", ""); 7]), "Dear Participants,");
}

#[test]
fn a_greeting_written_for_the_row_goes_before_all_rules() {
    let mut ana = person("Ana|Pérez", "Ms", "");
    for (language, written, expected) in [
        ("en", "Dear Ana,", "Dear Ana,"),
        ("en", "Dear Ana", "Dear Ana,"),
        ("es", " Querida Ana ", "Querida Ana:"),
        ("zh", "王老师", "王老师："),
        ("ja", "王先生", "王先生"),
        // Checked where the list is read, and here once more.
        ("en", "Dear ,", "Dear Ms Pérez,"),
    ] {
        ana.greeting = Some(written.to_owned());
        assert_eq!(greet(language, &ana).as_str(), expected);
    }
}

#[test]
fn a_workspace_s_own_forms_go_first_and_what_they_cannot_fill_is_the_program_s() {
    let mut own = Greetings::built_in();
    let form = |text| Form::parse(text).unwrap();
    own.add(&tag("en"), "female", form("Dear Madam {family_name},"));
    own.add(&tag("en"), "neutral", form("Hello {given_name},"));
    own.add_title(&tag("en"), "Arq.", form("Dear {title} {family_name},"));
    own.add(&tag("sw"), "neutral", form("Mpendwa {name},"));
    let greet = |language, name, title| {
        own.greet(&tag(language), &person(name, title, "")).as_str().to_owned()
    };
    assert_eq!(greet("en", "Ana|Pérez", "Ms"), "Dear Madam Pérez,");
    assert_eq!(greet("en-gb", "Ana|Pérez", ""), "Hello Ana,");
    assert_eq!(greet("en", "Ana Pérez", "Ms"), "Dear Ms Ana Pérez,");
    assert_eq!(greet("en", "Ana Pérez", ""), "Dear Ana Pérez,");
    assert_eq!(greet("en", "Ana|Pérez", "ARQ"), "Dear ARQ Pérez,");
    assert_eq!(greet("en", "Ana|Pérez", "Prof."), "Dear Professor Pérez,");
    // English forms do not stand between a language's own.
    assert_eq!(greet("sw", "Ana|Pérez", "Prof."), "Mpendwa Ana Pérez,");
    assert!(own.knows(&tag("sw")) && own.knows(&tag("pt-br")) && !own.knows(&tag("fi")));
}

mod findings {
    use super::super::super::{ListSource, Options, gather};
    use super::super::review;
    use super::Greetings;
    use crate::language::Language;
    use crate::problem::{Problems, Severity};
    use std::collections::BTreeMap;

    /// What is found in a list, as `code line: message`.
    fn found(list: &str) -> Vec<String> {
        let options = Options {
            copies: Vec::new(),
            lists: Vec::new(),
            columns: Vec::new(),
            default_language: Language::english(),
            language_by_country: BTreeMap::new(),
            two_addresses: crate::recipients::TwoAddresses::default(),
        };
        let source = ListSource { file: "l.csv", bytes: list.as_bytes() };
        let people = gather(&[source], &options, &mut Problems::new());
        let mut problems = Problems::new();
        review(&people, &Greetings::built_in(), &Language::clone, &mut problems);
        assert!(problems.iter().all(|p| p.severity == Severity::Warning && p.hint.is_some()));
        let line = |p: &crate::problem::Problem| p.place.as_ref().unwrap().line.unwrap();
        problems.iter().map(|p| format!("{} {}: {}", p.code, line(p), p.message)).collect()
    }

    #[test]
    fn titles_that_nobody_knows_are_grouped_with_their_counts() {
        let rows = "email,title\na@x.example,Director\nb@x.example,Dr\nc@x.example,Director\n";
        assert_eq!(found(rows), ["unknown-title 2: the title \"Director\" is not known (2 rows)"]);
        let posts: String = (1..30).map(|n| format!("p{n}@x.example,Post {n}\n")).collect();
        let all = found(&format!("email,title\n{posts}"));
        assert_eq!(all.len(), 1);
        assert!(all[0].starts_with("unknown-title 2: 29 titles are not known, in 29 rows: \"Post"));
        assert!(all[0].ends_with(" and 21 more"));
    }

    #[test]
    fn a_title_that_contradicts_the_gender_is_told_with_its_row() {
        let rows = "email,name,title,gender\na@x.example,Ana,Mr,F\nb@x.example,Bo,Mr,M\n\
                    c@x.example,Cy,Mr/Ms,F\nd@x.example,Di,Dr,purple\n";
        assert_eq!(
            found(rows),
            [
                "title-against-gender 2: the title \"Mr\" and the gender \"F\" of Ana contradict \
                 each other",
                "unknown-gender 5: the gender \"purple\" is not known (1 row)",
            ]
        );
    }

    #[test]
    fn names_all_in_one_case_are_told_once_for_a_list() {
        let rows = "email,name\na@x.example,ANA PÉREZ\nb@x.example,bo li svensson\n\
                    c@x.example,Ana PÉREZ\nd@x.example,JFK\ne@x.example,გიორგი\nf@x.example,王芳\n\
                    g@x.example,МАРИЯ ПЕТРОВА\n";
        assert_eq!(
            found(rows),
            [
                "name-in-capitals 2: 2 names are written all in capitals, and greeted so: ANA \
                 PÉREZ (row 2), МАРИЯ ПЕТРОВА (row 8)",
                "name-in-small-letters 3: 1 name is written without a capital, and greeted so: bo \
                 li svensson (row 3)",
            ]
        );
    }

    #[test]
    fn names_the_wrong_way_round_are_told_only_where_something_shows_it() {
        let list = |rows: &[(&str, &str)]| {
            let row = |(n, (given, family)): (usize, &(&str, &str))| {
                format!("{given},{family},p{n}@x.example\n")
            };
            let rows: String = rows.iter().enumerate().map(row).collect();
            found(&format!("given name,family name,email\n{rows}"))
        };
        let others = [("Anna", "Müller"), ("Anna", "Weiß"), ("Karl", "Müller"), ("Müller", "Anna")];
        assert_eq!(
            list(&others),
            ["swapped-names 5: given name \"Müller\" and family name \"Anna\" probably stand the \
              wrong way round"]
        );
        // One row more is no evidence, and a name may be both.
        assert_eq!(list(&others[1..]), [""; 0]);
        assert_eq!(list(&[("Martin", "Paul"), ("Paul", "Martin")]), [""; 0]);
        assert_eq!(
            list(&[("王", "小明"), ("小明", "王"), ("明", "欧阳"), ("김", "민수")]).len(),
            2
        );
        assert_eq!(list(&[("Петров", "Иван Петрович"), ("Иван Петрович", "Петров")]).len(), 1);
        let mut loud = vec![("Ana", "PÉREZ"); 6];
        loud.push(("LÓPEZ", "Luis"));
        assert_eq!(list(&loud).len(), 1);
        assert_eq!(list(&[("Ana", "PÉREZ"), ("LÓPEZ", "Luis")]), [""; 0]);
    }
}
