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
            "First name,Family name,E-mail,M/V\nEls,Bos,c@town.example,V\nJan,Vos,d@town.example,M\n",
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
