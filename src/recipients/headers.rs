//! Which headers mean which role: the table behind finding columns by themselves.
//!
//! Owns data only: headers as forms and spreadsheets write them in Arabic, Chinese, English,
//! French, German, Italian, Portuguese, Russian and Spanish, and the most usual ones in Czech, Dutch,
//! Japanese, Korean, Polish, Turkish, Ukrainian and a few others. Case, accents and punctuation do not
//! matter. How the table is used is decided in `columns.rs`.

use super::fold;
use super::recognise::{apart, without_number};
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// What a column can be besides a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Role {
    Email,
    Name,
    GivenName,
    FamilyName,
    Patronymic,
    Language,
    Country,
    Town,
    Title,
    Gender,
    Greeting,
}

impl Role {
    pub(super) const ALL: [Role; 11] = [
        Role::Email,
        Role::Name,
        Role::GivenName,
        Role::FamilyName,
        Role::Patronymic,
        Role::Language,
        Role::Country,
        Role::Town,
        Role::Title,
        Role::Gender,
        Role::Greeting,
    ];

    /// What letters and `[columns]` call it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Role::Email => "email",
            Role::Name => "name",
            Role::GivenName => "given_name",
            Role::FamilyName => "family_name",
            Role::Patronymic => "patronymic",
            Role::Language => "language",
            Role::Country => "country",
            Role::Town => "town",
            Role::Title => "title",
            Role::Gender => "gender",
            Role::Greeting => "greeting",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// Headers of each role, the most telling first: a list with `Preferred language` and `Language`
/// has its letters' language in the former.
const HEADERS: &[(Role, &str)] = &[
    (
        Role::Email,
        "email|e-mail|email address|e-mail address|mail|mail address|electronic mail|\
         courriel|adresse e-mail|adresse mail|adresse courriel|adresse électronique|\
         adresse de courriel|courrier électronique|mél|adresse de messagerie|\
         correo electrónico|correo|correo e|dirección de correo electrónico|dirección de correo|\
         dirección electrónica|dirección de e-mail|dirección e-mail|\
         электронная почта|адрес электронной почты|эл. почта|эл. адрес|электронный адрес|\
         email адрес|e-mail адрес|адрес e-mail|имейл|мейл|почта|\
         البريد الإلكتروني|بريد إلكتروني|البريد الإليكتروني|عنوان البريد الإلكتروني|الإيميل|\
         إيميل|البريد|\
         电子邮件|电子邮箱|邮箱|邮箱地址|电邮|电邮地址|电子邮件地址|电子邮箱地址|邮件|邮件地址|\
         電子郵件|電郵|電子信箱|\
         E-Mail-Adresse|Mailadresse|elektronische Post|\
         posta elettronica|indirizzo e-mail|indirizzo email|indirizzo mail|\
         indirizzo di posta elettronica|indirizzo elettronico|\
         correio eletrônico|correio electrónico|endereço de e-mail|endereço de email|\
         endereço eletrônico|endereço electrónico|endereço de correio eletrônico|\
         e-mailadres|mailadres|emailadres|adres e-mail|adres email|adres mailowy|poczta elektroniczna|\
         e-posta|eposta|e-posta adresi|e-posta adresiniz|електронна пошта|адреса електронної пошти|ел. пошта|\
         e-mailová adresa|elektronická pošta|e-mail cím|e-mail címe|email cím|e-post|e-postadress|epost|\
         sähköposti|sähköpostiosoite|メールアドレス|電子メール|メール|이메일|이메일 주소|전자우편|메일",
    ),
    (
        Role::Name,
        "full name|whole name|complete name|name in full|participant name|name of participant|\
         display name|participant|delegate|delegate name|\
         nom complet|nom et prénom|nom et prénoms|nom prénom|prénom nom|prénom et nom|\
         nom prénoms|noms et prénoms|nom du participant|\
         nombre completo|nombre y apellido|nombre y apellidos|apellidos y nombres|\
         apellidos y nombre|apellido y nombre|nombres y apellidos|nombre del participante|\
         ФИО|Ф.И.О.|полное имя|имя и фамилия|фамилия и имя|фамилия имя|имя фамилия|\
         фамилия имя отчество|фамилия, имя, отчество|\
         الاسم الكامل|الاسم بالكامل|الإسم الكامل|الاسم الثلاثي|\
         姓名|全名|名字|参会者姓名|參會者姓名|\
         vollständiger Name|Vor- und Nachname|Vor- und Zuname|\
         nome completo|nome e cognome|cognome e nome|nome e sobrenome|nome e apelido|\
         name|names|nom|noms|nombre|nombres|имя|الاسم|الإسم|اسم|nome|nomi|nomes|\
         volledige naam|voor- en achternaam|imię i nazwisko|nazwisko i imię|ad soyad|adı soyadı|ad ve soyad|\
         isim soyisim|ПІБ|П.І.Б.|прізвище та ім’я|ім’я та прізвище|прізвище, ім’я, по батькові|\
         jméno a příjmení|příjmení a jméno|teljes név|név|ime i prezime|fullständigt namn|koko nimi|\
         氏名|お名前|名前|성명|이름|naam|jméno|ім’я|namn|navn|nimi|meno a priezvisko|nume și prenume",
    ),
    (
        Role::GivenName,
        "given name|given names|first name|first names|forename|forenames|christian name|\
         given|first|\
         prénom|prénoms|\
         nombre de pila|primer nombre|\
         имя отчество|имя и отчество|личное имя|\
         الاسم الأول|الإسم الأول|الاسم الشخصي|\
         名|\
         Vorname|Vornamen|Rufname|\
         prenome|nome di battesimo|primeiro nome|nome próprio|\
         voornaam|voornamen|roepnaam|imię|imiona|ad|adı|adınız|isim|křestní jméno|keresztnév|utónév|\
         förnamn|fornavn|etunimi|prenume|meno|власне ім’я",
    ),
    (
        Role::FamilyName,
        "family name|family names|last name|last names|surname|surnames|family|last|\
         nom de famille|noms de famille|patronyme|\
         apellido|apellidos|primer apellido|\
         фамилия|\
         اللقب|اسم العائلة|الاسم العائلي|الاسم الأخير|الكنية|لقب العائلة|\
         姓|姓氏|\
         Nachname|Familienname|Zuname|\
         cognome|cognomi|sobrenome|sobrenomes|apelido|apelidos|último nome|nome de família|\
         achternaam|familienaam|nazwisko|soyad|soyadı|soyadınız|soyisim|прізвище|příjmení|priezvisko|\
         vezetéknév|családnév|prezime|efternamn|efternavn|etternavn|sukunimi|nume de familie",
    ),
    (Role::Patronymic, "отчество|по батькові|patronymic|patronymic name|имя по отцу"),
    (
        Role::Language,
        "letter language|language of letter|correspondence language|language of correspondence|\
         language for correspondence|preferred language|language preference|\
         preferred language of correspondence|preferred language for correspondence|\
         preferred working language|working language|communication language|\
         language of communication|language|lang|language code|locale|\
         langue de correspondance|langue préférée|langue de préférence|langue de travail|\
         langue de communication|langue|\
         idioma de correspondencia|idioma preferido|idioma de preferencia|idioma de trabajo|\
         lengua|idioma|lengua de correspondencia|\
         язык переписки|язык корреспонденции|предпочитаемый язык|предпочтительный язык|\
         рабочий язык|язык общения|язык|\
         لغة المراسلة|لغة المراسلات|اللغة المفضلة|لغة العمل|لغة التواصل|اللغة|لغة|\
         通信语言|首选语言|工作语言|语言|语种|語言|\
         Korrespondenzsprache|bevorzugte Sprache|Sprache|\
         lingua di corrispondenza|lingua preferita|lingua|\
         idioma de correspondência|língua preferida|língua|\
         taal|voorkeurstaal|correspondentietaal|język|język korespondencji|dil|yazışma dili|мова|\
         мова листування|jazyk|nyelv|språk|sprog|kieli|言語|使用言語|언어|사용 언어",
    ),
    (
        Role::Country,
        "country|country name|country of residence|country of work|country/territory|\
         country or territory|country or area|country/area|country/region|\
         country/region name|country code|nation|member state|\
         country represented|represented country|\
         pays|pays de résidence|nom du pays|état membre|pays représenté|pays ou territoire|\
         país|país de residencia|país representado|nombre del país|estado miembro|\
         страна|страна проживания|государство|государство-член|\
         البلد|بلد|الدولة|دولة|بلد الإقامة|بلد الاقامة|دولة الإقامة|\
         国家|国家/地区|国家或地区|国别|國家|所在国|所在国家|居住国|\
         Land|Staat|Wohnsitzland|Herkunftsland|Ländercode|\
         paese|paese di residenza|nazione|stato membro|\
         país de residência|nome do país|estado-membro|\
         kraj|ülke|країна|země|ország|国|国名|국가|나라|krajina",
    ),
    (
        Role::Title,
        "title|salutation|honorific|form of address|courtesy title|mr/ms|mr/mrs|mr./ms.|prefix|\
         titre|civilité|titre de civilité|\
         título|tratamiento|\
         обращение|титул|\
         التحية|صيغة المخاطبة|لقب الاحترام|\
         称谓|尊称|称呼|稱謂|\
         Anrede|Titel|\
         titolo|appellativo|\
         tratamento|forma de tratamento|\
         aanhef|titulatuur|zwrot grzecznościowy|tytuł|tytuł naukowy|hitap|unvan|ünvan|звертання|oslovení|\
         titul|敬称|호칭|academic title|akademischer Titel|akad. Titel|titre académique|título académico|\
         academische titel|megszólítás|tilltal",
    ),
    (
        Role::Town,
        "town|city|city or town|municipality|\
         ville|commune|\
         ciudad|localidad|municipio|\
         город|населённый пункт|\
         المدينة|مدينة|البلدية|\
         城市|所在城市|\
         Stadt|Ort|Wohnort|\
         città|comune|\
         cidade|município|\
         stad|woonplaats|plaats|miasto|miejscowość|şehir|il|місто|město|mesto|város|kaupunki|市区町村|都市|도시",
    ),
    (
        Role::Gender,
        "gender|sex|m/f|f/m|m/f/x|m/w/d|m/w|w/m|male/female|\
         h/m|m/h|v/m|m/v|m/v/x|m/k|k/m|м/ж|ж/м|\
         sexe|genre|h/f|f/h|neme|\
         género|sexo|\
         пол|\
         الجنس|النوع الاجتماعي|\
         性别|性別|\
         Geschlecht|\
         sesso|genere|\
         gênero|\
         geslacht|płeć|cinsiyet|стать|pohlaví|pohlavie|neme|kön|køn|kjønn|sukupuoli|spol|lytis|gen|성별",
    ),
    (
        Role::Greeting,
        "greeting|personal greeting|greeting line|salutation line|letter greeting|\
         formule d'appel|appel|\
         saludo|\
         приветствие|\
         صيغة التحية|\
         问候语|\
         Briefanrede|persönliche Anrede|\
         formula di saluto|\
         saudação|vocativo",
    ),
];

/// Headers that mean the whole name alone, and beside one half of a name the other half: `Name` and
/// `Vorname`, `Nom` and `Prénom`, `Имя` and `Фамилия`.
const EITHER_HALF: &str = "name|names|nom|noms|nombre|nombres|имя|الاسم|الإسم|اسم|nome|nomi|nomes|\
                           名字|naam|jméno|ім’я|namn|navn|nimi|이름|名前";

/// Columns of titles by their names in letters, which count beside another one: `Anrede` (Frau) and
/// `Titel` (Dr.).
pub(super) const SECOND_TITLES: &[&str] = &[
    "salutation",
    "honorific",
    "anrede",
    "titel",
    "civilite",
    "titre",
    "tratamiento",
    "titulo",
    "titolo",
    "tytul",
    "titul",
    "unvan",
    "hitap",
    "aanhef",
    "prefix",
    "academic_title",
    "akademischer_titel",
    "akad_titel",
    "titre_academique",
    "titulo_academico",
    "academische_titel",
    "обращение",
    "титул",
];

/// The header of a column that holds titles in the East of the Arab countries and names of families
/// in the West.
pub(super) fn may_be_titles(header: &str) -> bool {
    matches!(fold::condensed(header).as_str(), "اللقب" | "لقب")
}

/// Words that make a header one of e-mail addresses, as [`fold::words`] leaves them.
const EMAIL_WORDS: &[&str] = &[
    "email",
    "e mail",
    "mail",
    "emails",
    "e mails",
    "courriel",
    "correo",
    "почта",
    "почты",
    "البريد الالكتروني",
    "بريد الكتروني",
    "ايميل",
    "邮箱",
    "电邮",
    "电子邮件",
    "電郵",
];

/// Words that say that the address is somebody else's, or not the one to write to, or not even an
/// address; as [`fold::words`] leaves them.
const NOT_THEIR_OWN: &[&str] = &[
    "assistant",
    "assistants",
    "secretary",
    "secretariat",
    "cc",
    "copy",
    "emergency",
    "supervisor",
    "focal",
    "manager",
    "alternate",
    "alternative",
    "secondary",
    "second",
    "other",
    "additional",
    "backup",
    "2",
    "3",
    "confirm",
    "confirmation",
    "repeat",
    "verify",
    "old",
    "assistante",
    "secretaire",
    "secretariat",
    "copie",
    "urgence",
    "autre",
    "secondaire",
    "responsable",
    "asistente",
    "secretaria",
    "secretario",
    "copia",
    "emergencia",
    "otro",
    "alternativo",
    "secundario",
    "jefe",
    "ассистента",
    "помощника",
    "секретаря",
    "копия",
    "другой",
    "дополнительный",
    "руководителя",
    "المساعد",
    "مساعد",
    "السكرتير",
    "نسخه",
    "الطوارئ",
    "البديل",
    "助理",
    "秘书",
    "抄送",
    "备用",
    "紧急",
    "sent",
    "status",
    "consent",
    "opt",
    "date",
    "sekretariat",
    "assistenz",
    "buyer",
    "payer",
    "billing",
    "invoice",
    "booker",
    "booked",
    "agent",
    "spouse",
    "partner",
    "accompanying",
    "organisation",
    "organization",
    "organisme",
    "institution",
    "organizacion",
    "institucion",
    "organizacao",
    "instituicao",
    "organizzazione",
    "hotel",
    "contact person",
    "personne de contact",
    "persona de contacto",
    "ansprechpartner",
    "kopie",
    "bestatigung",
    "bestaetigung",
    "wiederholen",
    "confirmez",
    "confirmer",
    "confirme",
    "confirmar",
    "confirmacion",
    "conferma",
    "подтверждение",
    "подтвердите",
    "контактного",
    "организации",
    "учреждения",
    "المرافق",
    "المؤسسه",
    "تاكيد",
    "确认",
    "单位",
    "assistente",
    "segretaria",
    "segreteria",
    "copia",
];

static KNOWN: LazyLock<HashMap<String, (Role, usize)>> = LazyLock::new(|| {
    let headers = |(role, names): &(Role, &'static str)| {
        let role = *role;
        names.split('|').enumerate().map(move |(rank, name)| (fold::condensed(name), (role, rank)))
    };
    HEADERS.iter().flat_map(headers).collect()
});

static HALVES: LazyLock<Vec<String>> =
    LazyLock::new(|| EITHER_HALF.split('|').map(fold::condensed).collect());

/// The role a header names by itself and how telling it is (0 is best). A header in two languages,
/// `Country / Pays`, counts when all its parts name one role.
pub(super) fn role_of(header: &str) -> Option<(Role, usize)> {
    let known = |text: &str| KNOWN.get(&fold::condensed(text)).copied();
    if let Some(found) = known(header) {
        return Some(found);
    }
    let mut parts = header.split(['/', '|', '\n', '\r']).filter(|part| !part.trim().is_empty());
    let first = known(parts.next()?)?;
    parts.all(|part| known(part).is_some_and(|(role, _)| role == first.0)).then_some(first)
}

/// Whether a header of names can mean either half of a name.
pub(super) fn may_be_half(header: &str) -> bool {
    let first = header.split(['/', '|', '\n']).next().unwrap_or(header);
    HALVES.contains(&fold::condensed(first))
}

/// Whether a header stands in the table with these very letters, whatever their case: an accent
/// that was read wrongly makes another word. Only of headers with letters beyond ASCII.
pub(super) fn is_written_so(header: &str) -> bool {
    static WRITTEN: LazyLock<HashSet<String>> = LazyLock::new(|| {
        let all = HEADERS.iter().flat_map(|(_, names)| names.split('|'));
        all.filter(|name| !name.is_ascii()).map(str::to_lowercase).collect()
    });
    WRITTEN.contains(&header.trim().to_lowercase())
}

/// Whether a header speaks of e-mail addresses.
pub(super) fn speaks_of_email(header: &str) -> bool {
    let words = fold::words(&apart(header));
    EMAIL_WORDS.iter().any(|word| has_words(&words, word))
}

/// Whether a header says that its addresses are not those of the people in the list themselves.
pub(super) fn is_somebody_elses(header: &str) -> bool {
    let words = fold::words(&apart(without_number(header)));
    NOT_THEIR_OWN.iter().any(|word| has_words(&words, word))
}

/// Whether folded text has these words; Chinese and Arabic write theirs together with others.
pub(super) fn has_words(text: &str, words: &str) -> bool {
    match words.is_ascii() {
        true => format!(" {text} ").contains(&format!(" {words} ")),
        false => text.contains(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_name_their_role_in_all_languages() {
        for (role, headers) in [
            (Role::Email, &["E-mail", "EMAIL ADDRESS", "Courriel", "Correo electrónico"][..]),
            (Role::Email, &["Электронная почта", "البريد الالكتروني", "邮箱", "E-mail / Courriel"]),
            (Role::Name, &["Name", "Nom", "Full Name", "姓名", "ФИО", "Nombre y apellidos"]),
            (Role::GivenName, &["First name", "Prénom", "PRENOM(S)", "الاسم الأول", "Vorname"]),
            (Role::FamilyName, &["Surname", "Apellidos", "Фамилия", "姓", "Last Name / Surname"]),
            (Role::Language, &["Language", "Langue", "Idioma", "Язык", "اللغة", "语言"]),
            (Role::Country, &["Country", "Pays / Country", "País", "Страна", "البلد", "国家"]),
            (Role::Town, &["City", "Ville", "Ciudad", "Город", "المدينة", "城市", "Cidade"]),
            (Role::Title, &["Title", "Civilité", "称谓", "Anrede"]),
            (
                Role::Gender,
                &["Gender", "Sexe", "Sexo", "Пол", "الجنس", "性别", "Geschlecht", "M/F"],
            ),
            (
                Role::Greeting,
                &["Greeting", "Formule d’appel", "Saludo", "Приветствие", "Briefanrede"],
            ),
        ] {
            for header in headers {
                assert_eq!(role_of(header).map(|(role, _)| role), Some(role), "{header}");
            }
        }
        for header in ["Country / City", "Organisation", "", "Mother tongue", "Nationality"] {
            assert_eq!(role_of(header), None, "{header}");
        }
    }

    /// The later of two equal entries would win without a word.
    #[test]
    fn no_header_names_two_roles() {
        let mut seen: HashMap<String, Role> = HashMap::new();
        for (role, names) in HEADERS {
            for name in names.split('|') {
                let other = seen.insert(fold::condensed(name), *role);
                assert!(other.is_none_or(|o| o == *role), "{name}: {other:?}");
                assert_eq!(role_of(name).map(|(role, _)| role), Some(*role), "{name}");
            }
        }
        assert!(EITHER_HALF.split('|').all(|n| seen.get(&fold::condensed(n)) == Some(&Role::Name)));
    }

    #[test]
    fn addresses_of_assistants_are_told_from_peoples_own() {
        for header in ["E-mail address (office)", "Your e-mail", "工作邮箱", "بريد إلكتروني شخصي"]
        {
            assert!(speaks_of_email(header) && !is_somebody_elses(header), "{header}");
        }
        for header in ["Assistant e-mail", "E-mail 2", "Confirm email", "CC e-mail", "助理邮箱"]
        {
            assert!(speaks_of_email(header) && is_somebody_elses(header), "{header}");
        }
        for header in ["Mailing list", "City", "Почтовый адрес", "الرمز البريدي", "邮政编码"]
        {
            assert!(!speaks_of_email(header), "{header}");
        }
    }
}
