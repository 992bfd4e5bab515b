//! How letters begin: by title and gender, by what the workspace writes itself, never with a hole.

use crate::support::reader::read_folder;
use crate::support::workspace::Workspace;

const LETTER: &str =
    "Subject: Outcomes\n\n{{ greeting }}\n\nThe Statement is final.\n\nThe Secretariat\n";

/// The first lines of all letters, in the order of the list.
fn first_lines(workspace: &Workspace) -> Vec<String> {
    let letters = read_folder(&workspace.dry_run_out("letters"));
    // Without the marks that keep a value of the other direction from mixing up its line.
    let is_mark = |c: char| matches!(c, '\u{2066}'..='\u{2069}');
    let line = |text: &str| text.lines().next().unwrap_or_default().replace(is_mark, "");
    letters.iter().map(|letter| line(letter.text.as_deref().expect("a text"))).collect()
}

/// Spanish forms have H and M, and M is a woman there; Dutch ones M and V, and V is. What a letter means
/// is settled for each list, and where it cannot be, nobody is greeted by it.
#[test]
fn a_letter_for_the_gender_means_what_its_list_makes_of_it() {
    let lists = [
        (
            "es.csv",
            "Nombre,Apellidos,Correo electrónico,Sexo\nAna,Pérez,a@town.example,M\nLuis,Mora,b@town.example,H\n",
        ),
        (
            "nl.csv",
            "First name,Family name,E-mail,Geslacht\nEls,Bos,c@town.example,V\nJan,Vos,d@town.example,M\n",
        ),
        (
            "pl.csv",
            "First name,Family name,E-mail,Gender\nEwa,Lis,e@town.example,K\nJan,Kot,f@town.example,M\n",
        ),
        (
            "hu.csv",
            "First name,Family name,E-mail,Neme\nÉva,Tóth,g@town.example,N\nPál,Nagy,h@town.example,F\n",
        ),
        ("one.csv", "Nombre,Apellidos,Correo electrónico,Sexo\nEva,Gil,i@town.example,M\n"),
    ];
    let mut workspace = Workspace::new().letter("outcome", "en", LETTER);
    for (name, list) in lists {
        workspace = workspace.list(name, list);
    }
    let mut greeted = first_lines(&workspace);
    greeted.sort();
    assert_eq!(
        greeted,
        [
            "Dear Eva Gil,",
            "Dear Mr Kot,",
            "Dear Mr Mora,",
            "Dear Mr Nagy,",
            "Dear Mr Vos,",
            "Dear Ms Bos,",
            "Dear Ms Lis,",
            "Dear Ms Pérez,",
            "Dear Ms Tóth,",
        ]
    );
    let said = workspace.run(&["check"]).stdout;
    let expected = "the gender \"M\" may mean a woman or a man in this list, and nobody is greeted by it (1 row)";
    assert!(said.contains(expected) && said.contains("recipients/one.csv:2"), "{said}");
    assert_eq!(said.matches("may mean a woman or a man").count(), 1, "{said}");
}

#[test]
fn letters_greet_by_title_and_gender_in_the_language_of_the_letter() {
    let list = "Title,First name,Family name,Gender,E-mail,Language\n\
                Prof.,Ana,Pérez,,a@town.example,en\n,Bo,Li,M,b@town.example,en\n\
                ,Cy,Doe,,c@town.example,en\nMme,Zoé,Martin,,d@town.example,fr\n\
                Dra.,Ana,López,,e@town.example,es\n,Иван Петрович,Петров,,f@town.example,ru\n\
                Prof. Dr.,Eva,Weiß,w,g@town.example,de\n";
    let mut workspace = Workspace::new().list("all.csv", list);
    for language in ["en", "fr", "es", "ru", "de"] {
        workspace = workspace.letter("outcome", language, LETTER);
    }
    assert_eq!(
        first_lines(&workspace),
        [
            "Dear Professor Pérez,",
            "Dear Mr Li,",
            "Dear Cy Doe,",
            "Madame,",
            "Estimada Dra. López:",
            "Уважаемый Иван Петрович!",
            "Sehr geehrte Frau Prof. Dr. Weiß,",
        ]
    );
    let output = workspace.run(&["check", "-v"]);
    assert!(output.stdout.contains("1 person is greeted neutrally"), "{output:#?}");
    assert!(output.stdout.contains("Cy Doe (row 4)"), "{output:#?}");
}

#[test]
fn a_greeting_in_the_row_and_greetings_toml_go_before_the_rules() {
    let list = "name,email,title,greeting\nAna Pérez,a@town.example,Ms,Dear Ana\n\
                Bo Li,b@town.example,Arq.,\nCy Doe,c@town.example,,\n";
    let own =
        "[en]\nneutral = \"Good morning {name},\"\n[en.titles]\n\"Arq.\" = \"Dear Arq. {name},\"\n";
    let workspace = Workspace::new()
        .list("all.csv", list)
        .letter("outcome", "en", LETTER)
        .file("greetings.toml", own);
    assert_eq!(first_lines(&workspace), ["Dear Ana,", "Dear Arq. Bo Li,", "Good morning Cy Doe,"]);
}

/// "Dear ," cannot be sent (product, point 6).
#[test]
fn an_unfinished_greeting_stops_the_mailing_and_says_where_it_stands() {
    let base = || Workspace::with_people(2);
    for (workspace, expected) in [
        (
            base().list("b.csv", "email,greeting\nx@town.example,\"Dear ,\"\n"),
            "recipients/b.csv:2:2",
        ),
        (
            base().list("b.csv", "email,greeting\nx@town.example,Dear Mr Ms Li\n"),
            "recipients/b.csv:2:2",
        ),
        (base().file("greetings.toml", "[en]\nneutral = \"Dear ,\"\n"), "greetings.toml:2:11"),
        (base().file("greetings.toml", "[en]\nneutrl = \"Dear {name},\"\n"), "greetings.toml:2:1"),
        (
            base().file("greetings.toml", "[en]\nfemale = \"Dear {surname},\"\n"),
            "greetings.toml:2:10",
        ),
    ] {
        let output = workspace.run(&["send", "--dry-run"]);
        assert_eq!(output.code, Some(3), "{output:#?}");
        assert!(output.stderr.contains(expected), "{expected}: {output:#?}");
    }
}

/// Security S7: a person named `{{ 7*7 }}` gets that name, whatever column it stands in; nothing of
/// a list is read as a template or as a form of greetings.
#[test]
fn names_and_titles_in_braces_are_never_evaluated() {
    let list = "title,given name,family name,email\n{{ 7*7 }},{name},{{ 7*7 }},a@town.example\n\
                Ms,Ana,{% raw %},b@town.example\nDr,{title},{{ greeting }},c@town.example\n";
    let workspace = Workspace::new().list("all.csv", list).letter("outcome", "en", LETTER);
    assert_eq!(
        first_lines(&workspace),
        ["Dear {name} {{ 7*7 }},", "Dear Ms {% raw %},", "Dear Dr {{ greeting }},"]
    );
    let workspace = Workspace::new()
        .list("all.csv", "name,email,greeting\nAna,a@town.example,\"Dear {{ 7*7 }},\"\n")
        .letter("outcome", "en", LETTER);
    let output = workspace.run(&["check"]);
    assert!(output.code == Some(3) && output.stdout.contains("[bad-greeting]"), "{output:#?}");
}

#[test]
fn a_likely_column_is_named_and_an_unclear_one_asked_for() {
    let workspace = Workspace::new()
        .list("a.csv", "Contact e-mail,Full name\na@town.example,Ana\n")
        .letter("outcome", "en", LETTER);
    let output = workspace.run(&["check"]);
    assert_eq!(output.code, Some(0), "{output:#?}");
    assert!(output.stdout.contains("\"Contact e-mail\" is taken for email"), "{output:#?}");
    let settled = workspace.config("[columns]\nemail = \"Contact e-mail\"\n");
    assert!(!settled.run(&["check"]).stdout.contains("likely-column"));
}

/// Luis was passed over: the greeting of the first row stood for both.
#[test]
fn in_a_joint_letter_nobody_is_greeted_alone() {
    let list = "Title,First name,Family name,E-mail,Greeting\n\
                Ms,Ana,Pérez,office@town.example,\"Dear Mayor Pérez,\"\n\
                Mr,Luis,Mora,office@town.example,\n";
    let base = || {
        Workspace::new()
            .list("all.csv", list)
            .letter("outcome", "en", LETTER)
            .config("[people]\nsame_address = \"joint\"\n")
    };
    let workspace = base();
    let check = workspace.run(&["check"]).stdout;
    assert!(check.contains("is Ana Pérez's alone, whose letter greets 2 people"), "{check}");
    assert_eq!(first_lines(&workspace), ["Dear Ms Pérez and Mr Mora,"]);
    let lines = "address,action,value\noffice@town.example,greeting,\"Dear friends,\"\n";
    let workspace = base().file("decisions.csv", lines);
    assert_eq!(first_lines(&workspace), ["Dear friends,"]);
    assert!(!workspace.run(&["check"]).stdout.contains("greeting-of-one"));
    let lines = "address,action,value\nLuis Mora <office@town.example>,greeting,\"Dear Luis,\"\n";
    let workspace = base().file("decisions.csv", lines);
    assert_eq!(first_lines(&workspace), ["Dear Ms Pérez and Mr Mora,"]);
    let check = workspace.run(&["check"]).stdout;
    assert!(check.contains("the greeting \"Dear Luis,\" is Luis Mora's alone"), "{check}");
}

/// The word means title in the East of the Arab countries and family name in the West.
#[test]
fn an_arabic_column_is_one_of_titles_or_of_families_by_its_cells() {
    let head = "الاسم الكامل,اللقب,البريد الإلكتروني\n";
    let titles = "منى سالم,الدكتورة,a@town.example\nمحمد علي,السيد,b@town.example\n\
                  خالد منصور,سعادة السفير,c@town.example\n";
    let families = "منى سالم,سالم,a@town.example\nمحمد علي,علي,b@town.example\n";
    let both = "منى سالم,سالم,a@town.example\nمحمد علي,السيد,b@town.example\nخالد علي,علي,c@town.example\n";
    let of = |rows: &str| {
        Workspace::new().list("all.csv", format!("{head}{rows}")).letter("outcome", "en", LETTER)
    };
    assert_eq!(
        first_lines(&of(titles)),
        ["Dear Dr منى سالم,", "Dear Mr محمد علي,", "Your Excellency,"]
    );
    let noted = of(families).run(&["check", "-v"]).stdout;
    assert!(noted.contains("family_name = \"اللقب\""), "{noted}");
    let asked = of(both).run(&["check"]).stdout;
    assert!(asked.contains("could be title or family_name, and is used as neither"), "{asked}");
}

#[test]
fn a_title_or_a_stranger_s_name_in_the_column_of_families_greets_nobody() {
    let list = "Full name,Last name,Gender,E-mail\nAna Pérez,Frau,F,a@town.example\n\
                Bo Li,Li,M,b@town.example\nCy Doe,Smith,M,c@town.example\nAda Van den Berg,Berg,F,d@town.example\n";
    let workspace = Workspace::new().list("all.csv", list).letter("outcome", "en", LETTER);
    assert_eq!(
        first_lines(&workspace),
        ["Dear Ms Ana Pérez,", "Dear Mr Li,", "Dear Mr Cy Doe,", "Dear Ms Berg,"]
    );
    let check = workspace.run(&["check"]).stdout;
    for said in [
        "1 family name is probably a title, and not greeted by: \"Frau\" (row 2)",
        "1 family name is no part of the whole name, and not greeted by: \"Smith\" (row 4)",
    ] {
        assert!(check.contains(said), "{said}\n{check}");
    }
}

/// "Nobody is greeted by it" was not true, and the form proposed was for the wrong language.
#[test]
fn of_a_title_that_is_half_known_the_truth_is_told_with_a_form_that_helps() {
    let list = "Civilité,Prénom,Nom,Courriel,Langue\nMme la Cheffe,Zoé,Martin,a@town.example,fr\n\
                Xyz,Ana,Pérez,b@town.example,en\n";
    let base = || {
        Workspace::new()
            .list("all.csv", list)
            .letter("outcome", "en", LETTER)
            .letter("outcome", "fr", LETTER)
    };
    let check = base().run(&["check"]).stdout;
    for said in [
        "of the title \"Mme la Cheffe\" only a part is known (1 row)",
        "Zoé Martin is greeted \"Madame,\"",
        "[fr.titles] and below it \"Mme la Cheffe\" = \"{title},\"",
        "Ana Pérez is greeted \"Dear Ana Pérez,\"",
        "[en.titles] and below it \"Xyz\" = \"Dear {title} {family_name},\"",
    ] {
        assert!(check.contains(said), "{said}\n{check}");
    }
    // A form in a language that these readers do not read leaves the warning.
    let own = |text| base().file("greetings.toml", text).run(&["check"]).stdout;
    let of_english = own("[en.titles]\n\"Mme la Cheffe\" = \"Dear {title} {family_name},\"\n");
    assert!(of_english.contains("Mme la Cheffe"), "{of_english}");
    let of_french = own("[fr.titles]\n\"Mme la Cheffe\" = \"{title},\"\n");
    assert!(!of_french.contains("Mme la Cheffe"), "{of_french}");
}

#[test]
fn both_columns_of_titles_are_named_and_looked_at() {
    let list = "Anrede;Titel;Vorname;Nachname;E-Mail\nHerr;OB;Karl;Geisel;a@town.example\n\
                Frau;Dr.;Eva;Gross;b@town.example\nHerr und Frau;;Peter und Eva;Schmidt;c@town.example\n\
                Fr.;;Ute;Huber;d@town.example\n";
    let base = || Workspace::new().list("all.csv", list).letter("outcome", "en", LETTER);
    let check = base().run(&["check", "-v"]).stdout;
    for said in [
        "title = \"Anrede\" and \"Titel\"",
        "the title \"OB\" is not known (1 row)",
        "Karl Geisel is greeted \"Dear Mr Geisel,\"",
        "the title \"Herr und Frau\" is that of several people",
    ] {
        assert!(check.contains(said), "{said}\n{check}");
    }
    assert_eq!(first_lines(&base())[3], "Dear Ms Huber,");
    let set = base().config("[columns]\ntitle = \"Anrede\"\n").run(&["check"]).stdout;
    assert!(!set.contains("\"OB\""), "{set}");
}

#[test]
fn a_list_without_recognised_names_is_told_and_russian_exports_greet_by_patronymic() {
    let list = "Handle,E-mail\nAna,a@town.example\n";
    let workspace = Workspace::new().list("all.csv", list).letter("outcome", "en", LETTER);
    let check = workspace.run(&["check"]).stdout;
    let said = "no column of names was found, though there is \"Handle\": everybody in this list is greeted \
                without a name";
    assert!(check.contains(said), "{check}");
    let russian = "Фамилия,Имя,Отчество,Пол,E-mail,Язык\nИванова,Мария,Петровна,ж,a@town.example,ru\n\
                   Петров,Иван,Ильич,,b@town.example,ru\nLee,Ann,,ж,c@town.example,ru\n";
    let workspace = Workspace::new().list("all.csv", russian).letter("outcome", "ru", LETTER);
    assert_eq!(
        first_lines(&workspace),
        ["Уважаемая Мария Петровна!", "Уважаемый Иван Ильич!", "Уважаемая госпожа Lee!"]
    );
    assert!(!workspace.run(&["check"]).stdout.contains("no-names"));
}

#[test]
fn family_names_alone_in_capitals_are_told_where_the_greeting_shouts_them() {
    let list = "Anrede;Vorname;NOM;Mail;Langue\nFrau;Sabine;GROSS;a@town.example;de\n\
                Mme;Zoé;MARTIN;b@town.example;fr\nHerr;Karl;Geisel;c@town.example;de\n";
    let workspace = Workspace::new()
        .list("all.csv", list)
        .letter("outcome", "de", LETTER)
        .letter("outcome", "fr", LETTER);
    let check = workspace.run(&["check"]).stdout;
    let said = "1 family name is written all in capitals, and greeted so: Sabine GROSS (row 2)";
    assert!(check.contains(said), "{check}");
}
