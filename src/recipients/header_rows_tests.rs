//! Header rows as registration systems, forms and spreadsheets write them: each with what is
//! recognised, in nine languages.

use super::columns::Columns;
use super::evidence::Evidence;
use super::{ListSource, Options, gather};
use crate::language::Language;
use crate::problem::{Place, Problems, Severity};
use std::collections::BTreeMap;

/// What is recognised in a row of headers.
fn recognised(row: &str) -> String {
    let options = Options {
        copies: Vec::new(),
        lists: Vec::new(),
        columns: Vec::new(),
        default_language: Language::english(),
        language_by_country: BTreeMap::new(),
        two_addresses: crate::recipients::TwoAddresses::default(),
    };
    let (mut columns, mut problems) = (Columns::new(&options), Problems::new());
    let place = Place::line("l.csv", 1);
    let evidence = |_: &[usize]| Evidence::default();
    let layout = columns.layout(row.split('|'), evidence, &place, &mut problems);
    let found = layout.map(|layout| layout.recognised()).unwrap_or_default().replace('"', "");
    let codes: Vec<String> = problems.iter().map(|p| format!("!{}", p.code)).collect();
    [codes.join(" "), found].join(" ").trim().to_owned()
}

/// Headers separated by `|`, and what is recognised; `!` before what has a warning or an error.
const ROWS: &[(&str, &str)] = &[
    (
        "Imię|Nazwisko|E-mail|Miasto|Kraj|Płeć|Tytuł",
        "email = E-mail, given_name = Imię, family_name = Nazwisko, country = Kraj, town = Miasto, \
         title = Tytuł, gender = Płeć",
    ),
    (
        "Ad|Soyad|E-posta|Şehir|Ülke|Unvan",
        "email = E-posta, given_name = Ad, family_name = Soyad, country = Ülke, town = Şehir, title = \
         Unvan",
    ),
    (
        "Aanhef|Voornaam|Naam|E-mailadres|Woonplaats|Geslacht|Taal",
        "email = E-mailadres, given_name = Voornaam, family_name = Naam, language = Taal, town = \
         Woonplaats, title = Aanhef, gender = Geslacht",
    ),
    (
        "Прізвище|Ім’я|По батькові|Електронна пошта|Місто|Країна|Стать",
        "email = Електронна пошта, given_name = Ім’я, family_name = Прізвище, patronymic = По \
         батькові, country = Країна, town = Місто, gender = Стать",
    ),
    (
        "Jméno|Příjmení|E-mail|Město|Země|Titul",
        "email = E-mail, given_name = Jméno, family_name = Příjmení, country = Země, town = Město, \
         title = Titul",
    ),
    (
        "氏名|メールアドレス|国名|性別",
        "email = メールアドレス, name = 氏名, country = 国名, gender = 性別",
    ),
    ("이름|이메일|국가|성별", "email = 이메일, name = 이름, country = 국가, gender = 성별"),
    (
        "Anrede|Titel|Vorname|Nachname|E-Mail",
        "email = E-Mail, given_name = Vorname, family_name = Nachname, title = Anrede and Titel",
    ),
    (
        "Фамилия|Имя|Отчество|E-mail",
        "email = E-mail, given_name = Имя, family_name = Фамилия, patronymic = Отчество",
    ),
    (
        "Order #|Order Date|First Name|Last Name|Email|Quantity|Ticket Type|Attendee #|Order Type",
        "email = Email, given_name = First Name, family_name = Last Name",
    ),
    (
        "Order ID|Buyer first name|Buyer last name|Buyer email|Attendee first name|Attendee \
         last name|Attendee email|Ticket",
        "email = Attendee email, given_name = Attendee first name, family_name = Attendee last \
         name",
    ),
    (
        "Timestamp|Email Address|Full name|Which country do you represent?|Preferred language",
        "!likely-column email = Email Address, name = Full name, language = Preferred language, \
         country = Which country do you represent? (likely)",
    ),
    (
        "Timestamp|What is your e-mail address?|What is your first name?|What is your family \
         name?|Organisation",
        "email = What is your e-mail address?, given_name = What is your first name?, \
         family_name = What is your family name?",
    ),
    (
        "Horodateur|Adresse e-mail|Nom|Prénom|Pays|Établissement",
        "email = Adresse e-mail, given_name = Prénom, family_name = Nom, country = Pays",
    ),
    (
        "Marca temporal|Dirección de correo electrónico|Nombre|Apellidos|País|Ciudad",
        "email = Dirección de correo electrónico, given_name = Nombre, family_name = Apellidos, \
         country = País, town = Ciudad",
    ),
    (
        "Zeitstempel|E-Mail-Adresse|Vorname|Nachname|Land|Stadt",
        "email = E-Mail-Adresse, given_name = Vorname, family_name = Nachname, country = Land, \
         town = Stadt",
    ),
    (
        "Carimbo de data/hora|Endereço de e-mail|Nome completo|País|Cidade",
        "email = Endereço de e-mail, name = Nome completo, country = País, town = Cidade",
    ),
    (
        "Informazioni cronologiche|Indirizzo email|Nome|Cognome|Paese",
        "email = Indirizzo email, given_name = Nome, family_name = Cognome, country = Paese",
    ),
    (
        "Отметка времени|Адрес электронной почты|Фамилия|Имя|Страна|Город",
        "email = Адрес электронной почты, given_name = Имя, family_name = Фамилия, country = \
         Страна, town = Город",
    ),
    (
        "طابع زمني|عنوان البريد الإلكتروني|الاسم الأول|اسم العائلة|البلد",
        "email = عنوان البريد الإلكتروني, given_name = الاسم الأول, family_name = اسم العائلة, \
         country = البلد",
    ),
    (
        "时间戳记|电子邮件地址|姓名|国家|城市",
        "email = 电子邮件地址, name = 姓名, country = 国家, town = 城市",
    ),
    (
        "ID|Start time|Completion time|Email|Name|1. Full name|2. E-mail|3. Country",
        "!several-email-columns",
    ),
    (
        "ID|Heure de début|Heure de fin|Adresse de messagerie|Nom|Prénom1|Pays de résidence",
        "email = Adresse de messagerie, given_name = Prénom1, family_name = Nom, country = Pays \
         de résidence",
    ),
    (
        "ID|Name|E-mail Address|Affiliation|Position|Country|Registration date",
        "email = E-mail Address, name = Name, country = Country",
    ),
    (
        "Registration ID|Title|First Name|Surname|Email Address|Affiliation|Country",
        "email = Email Address, given_name = First Name, family_name = Surname, country = \
         Country, title = Title",
    ),
    (
        "Confirmation Number|Registrant: First Name|Registrant: Last Name|Registrant: Email \
         Address|CC Email Address|Company",
        "email = Registrant: Email Address, given_name = Registrant: First Name, family_name = \
         Registrant: Last Name",
    ),
    (
        "FirstName|LastName|EmailAddress|CompanyName|CountryCode|JobTitle",
        "email = EmailAddress, given_name = FirstName, family_name = LastName, country = \
         CountryCode",
    ),
    (
        "first_name|last_name|email|country|city|gender",
        "email = email, given_name = first_name, family_name = last_name, country = country, \
         town = city, gender = gender",
    ),
    (
        "participant_first_name|participant_last_name|participant_email|participant_country",
        "email = participant_email, given_name = participant_first_name, family_name = \
         participant_last_name, country = participant_country",
    ),
    (
        "registrant_email|registrant_name|registrant_country",
        "email = registrant_email, name = registrant_name, country = registrant_country",
    ),
    (
        "Salutation|First name *|Last name *|E-mail *|Country *|City *",
        "email = E-mail *, given_name = First name *, family_name = Last name *, country = \
         Country *, town = City *, title = Salutation",
    ),
    (
        "Title|Given Name(s)|FAMILY NAME|E-mail (office)|E-mail (private)|Country",
        "!several-email-columns",
    ),
    (
        "No.|Name|Sex|Country|E-mail|Tel.",
        "email = E-mail, name = Name, country = Country, gender = Sex",
    ),
    (
        "S/N|Full Name (as in passport)|M/F|Nationality|Country of residence|Email|Assistant's \
         e-mail",
        "email = Email, name = Full Name (as in passport), country = Country of residence, \
         gender = M/F",
    ),
    (
        "Mr/Ms|First Name|LAST NAME|Organization|E-mail 1|E-mail 2",
        "email = E-mail 1, given_name = First Name, family_name = LAST NAME, title = Mr/Ms",
    ),
    (
        "Participant|Country|E-mail|Assistant|Assistant e-mail",
        "email = E-mail, name = Participant, country = Country",
    ),
    (
        "Delegate name|Delegation|Delegate e-mail|Focal point e-mail",
        "email = Delegate e-mail, name = Delegate name",
    ),
    (
        "Head of delegation|Country|Email|Emergency contact name|Emergency contact email",
        "email = Email, country = Country",
    ),
    (
        "Name of organisation|Contact person|Contact e-mail|Country",
        "!likely-column email = Contact e-mail (likely), country = Country",
    ),
    (
        "Family name / Nom|Given name / Prénom|E-mail / Courriel|Country / Pays|Language / Langue",
        "email = E-mail / Courriel, given_name = Given name / Prénom, family_name = Family name \
         / Nom, language = Language / Langue, country = Country / Pays",
    ),
    (
        "Nom / Name|Prénom / First name|Courriel / E-mail|Pays / Country",
        "email = Courriel / E-mail, given_name = Prénom / First name, family_name = Nom / Name, \
         country = Pays / Country",
    ),
    (
        "Email|Confirm email|First name|Last name",
        "email = Email, given_name = First name, family_name = Last name",
    ),
    ("Email|Email (confirm)|Name", "email = Email, name = Name"),
    ("Email|Email opt-in|Name", "email = Email, name = Name"),
    (
        "Civilité|Nom|Prénom|Adresse électronique|Organisme|Ville|Pays|Langue de correspondance",
        "email = Adresse électronique, given_name = Prénom, family_name = Nom, language = \
         Langue de correspondance, country = Pays, town = Ville, title = Civilité",
    ),
    (
        "N°|Nom et prénom(s)|Sexe|Fonction|Structure|Téléphone|E-mail",
        "email = E-mail, name = Nom et prénom(s), gender = Sexe",
    ),
    (
        "Nom de famille (en majuscules)|Prénom(s)|Courriel professionnel|Pays",
        "!likely-column email = Courriel professionnel (likely), given_name = Prénom(s), \
         family_name = Nom de famille (en majuscules), country = Pays",
    ),
    (
        "Quel est votre prénom ?|Quel est votre nom de famille ?|Votre adresse e-mail|Pays de \
         résidence",
        "!likely-column !likely-column email = Votre adresse e-mail, given_name = Quel est \
         votre prénom ? (likely), family_name = Quel est votre nom de famille ? (likely), \
         country = Pays de résidence",
    ),
    (
        "Nom du participant|Email du participant|Email de l'assistante|Pays",
        "email = Email du participant, name = Nom du participant, country = Pays",
    ),
    (
        "Tratamiento|Nombre(s)|Apellido(s)|Correo electrónico|Institución|País",
        "email = Correo electrónico, given_name = Nombre(s), family_name = Apellido(s), country \
         = País, title = Tratamiento",
    ),
    (
        "Nombre completo|Correo electrónico institucional|País de residencia|Idioma de preferencia",
        "!likely-column email = Correo electrónico institucional (likely), name = Nombre \
         completo, language = Idioma de preferencia, country = País de residencia",
    ),
    (
        "Nombre y apellidos|Cargo|Municipio|Correo|Correo del asistente",
        "email = Correo, name = Nombre y apellidos, town = Municipio",
    ),
    (
        "Apellidos y nombres|Sexo|E-mail (obligatorio)|País",
        "email = E-mail (obligatorio), name = Apellidos y nombres, country = País, gender = Sexo",
    ),
    (
        "Anrede|Titel|Vorname|Name|E-Mail|Ort|Land|Sprache",
        "email = E-Mail, given_name = Vorname, family_name = Name, language = Sprache, country \
         = Land, town = Ort, title = Anrede and Titel",
    ),
    (
        "Anrede *|Vorname *|Nachname *|Ihre E-Mail-Adresse *|Organisation",
        "email = Ihre E-Mail-Adresse *, given_name = Vorname *, family_name = Nachname *, title \
         = Anrede *",
    ),
    (
        "Geschlecht (m/w/d)|Vor- und Nachname|E-Mail|E-Mail Sekretariat",
        "email = E-Mail, name = Vor- und Nachname, gender = Geschlecht (m/w/d)",
    ),
    (
        "Titolo|Nome|Cognome|Posta elettronica|Ente|Città",
        "email = Posta elettronica, given_name = Nome, family_name = Cognome, town = Città, \
         title = Titolo",
    ),
    (
        "Nome e cognome|Indirizzo e-mail|Conferma indirizzo e-mail|Paese",
        "email = Indirizzo e-mail, name = Nome e cognome, country = Paese",
    ),
    (
        "Tratamento|Nome|Sobrenome|Correio eletrônico|Município|País",
        "email = Correio eletrônico, given_name = Nome, family_name = Sobrenome, country = \
         País, town = Município, title = Tratamento",
    ),
    (
        "Nome completo|E-mail|E-mail do assistente|Cidade|Gênero",
        "email = E-mail, name = Nome completo, town = Cidade, gender = Gênero",
    ),
    ("ФИО|Должность|Организация|Эл. почта|Телефон", "email = Эл. почта, name = ФИО"),
    (
        "Фамилия|Имя Отчество|Пол|Адрес электронной почты|Страна|Язык переписки",
        "email = Адрес электронной почты, given_name = Имя Отчество, family_name = Фамилия, \
         language = Язык переписки, country = Страна, gender = Пол",
    ),
    (
        "№ п/п|Фамилия, имя, отчество|Электронная почта *|E-mail помощника|Город",
        "email = Электронная почта *, name = Фамилия, имя, отчество, town = Город",
    ),
    (
        "الاسم الكامل|الجنس|البريد الإلكتروني|بريد المساعد الإلكتروني|الدولة|المدينة",
        "email = البريد الإلكتروني, name = الاسم الكامل, country = الدولة, town = المدينة, \
         gender = الجنس",
    ),
    (
        "اللقب|الاسم|البريد الإلكتروني|البلد|اللغة",
        "email = البريد الإلكتروني, given_name = الاسم, family_name = اللقب, language = اللغة, \
         country = البلد",
    ),
    ("序号|姓名|性别|单位|职务|电子邮箱|手机", "email = 电子邮箱, name = 姓名, gender = 性别"),
    (
        "姓|名|称谓|邮箱|助理邮箱|国家/地区|语言",
        "email = 邮箱, given_name = 名, family_name = 姓, language = 语言, country = 国家/地区, title = 称谓",
    ),
    (
        "1、您的姓名|2、您的电子邮箱（必填）|3、所在城市",
        "email = 2、您的电子邮箱（必填）, name = 1、您的姓名, town = 3、所在城市",
    ),
    ("氏名|メールアドレス|国", "email = メールアドレス, name = 氏名, country = 国"),
    ("Work email|Private email|Name", "!several-email-columns"),
    (
        "Primary Email|First Name|Last Name",
        "!likely-column email = Primary Email (likely), given_name = First Name, family_name = \
         Last Name",
    ),
    ("Please give your e-mail|Name", "email = Please give your e-mail, name = Name"),
    ("Organisation e-mail|E-mail|Name", "email = E-mail, name = Name"),
    ("Organisation e-mail|Name", "!no-email-column"),
    ("Name|City|Country", "!no-email-column"),
    ("Email address|E-mail|Name", "!several-email-columns"),
    (
        "User Email|User Name|Registration Time|Approval Status",
        "email = User Email, name = User Name",
    ),
    (
        "Email|First Name|Last Name|Phone|Country/Region Name|City",
        "email = Email, given_name = First Name, family_name = Last Name, country = \
         Country/Region Name, town = City",
    ),
    (
        "Guest name|Guest email|Greeting|Plus one",
        "email = Guest email, name = Guest name, greeting = Greeting",
    ),
];

#[test]
fn header_rows_of_registration_systems_are_understood() {
    for (row, expected) in ROWS {
        assert_eq!(recognised(row), *expected, "{row}");
    }
}

/// The addresses written to, or the errors, of one list.
fn written_to(list: &str) -> String {
    let options = Options {
        copies: Vec::new(),
        lists: Vec::new(),
        columns: Vec::new(),
        default_language: Language::english(),
        language_by_country: BTreeMap::new(),
        two_addresses: crate::recipients::TwoAddresses::default(),
    };
    let mut problems = Problems::new();
    let source = ListSource { file: "l.csv", bytes: list.as_bytes() };
    let people = gather(&[source], &options, &mut problems);
    let wrong = problems.iter().filter(|p| p.severity < Severity::Note).map(|p| p.code.to_owned());
    let addresses = people.recipients.iter().map(|r| r.address.to_string());
    addresses.chain(wrong).collect::<Vec<_>>().join(" ")
}

/// Microsoft Forms writes `anonymous` into `Email`, and the answer into a column of its own.
#[test]
fn of_several_columns_one_without_addresses_is_none_and_the_same_twice_is_one() {
    for (list, expected) in [
        (
            "Email,Name,1. E-mail\nanonymous,,a@x.example\nanonymous,,b@x.example\n",
            "a@x.example b@x.example",
        ),
        (
            "Email address,E-mail\na@x.example,A@x.example\nb@x.example,b@x.example\n",
            "a@x.example b@x.example",
        ),
        (
            "Work email,Private email\n,a@x.example\n,b@x.example\n",
            "a@x.example b@x.example likely-column",
        ),
        ("Email address,E-mail\na@x.example,c@x.example\n", "several-email-columns"),
        ("Email,Email for invoices\na@x.example,c@x.example\n", "a@x.example"),
        // Two that are both empty are as doubtful as two that are both full.
        ("Email address,E-mail\n", "several-email-columns"),
    ] {
        assert_eq!(written_to(list), expected, "{list}");
    }
}

#[test]
fn a_greeting_of_the_row_is_kept_and_an_unfinished_one_refused_with_its_cell() {
    let list = "name,email,greeting\nAna,a@x.example,Dear Ana\nBo,b@x.example,\"Dear ,\"\nCy,\
     c@x.example,\n";
    let options = Options {
        copies: Vec::new(),
        lists: Vec::new(),
        columns: Vec::new(),
        default_language: Language::english(),
        language_by_country: BTreeMap::new(),
        two_addresses: crate::recipients::TwoAddresses::default(),
    };
    let mut problems = Problems::new();
    let source = ListSource { file: "l.csv", bytes: list.as_bytes() };
    let people = gather(&[source], &options, &mut problems);
    let greetings: Vec<_> = people.recipients.iter().map(|r| r.greeting.as_deref()).collect();
    assert_eq!(greetings, [Some("Dear Ana"), None, None]);
    let error = problems.iter().find(|p| p.severity == Severity::Error).unwrap();
    assert_eq!(error.place, Some(Place::at("l.csv", 3, 3)));
    assert_eq!(
        error.message,
        "the greeting \"Dear ,\" in column 3 (greeting) ends with \"Dear\", and no name follows"
    );
}
