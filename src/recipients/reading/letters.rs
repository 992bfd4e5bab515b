//! What letters, words and names look like: the data by which encodings are told apart.
//!
//! Owns weights, as rough logarithms of how much likelier a letter is in a name than in a text read
//! in the wrong encoding. How they are added up is `evidence.rs`. They were tried on the corpus of
//! docs/decisions/0020-encodings.md; a change of one is a reason to measure again.

/// The letters beyond ASCII of languages that people in lists have their names from; a word whose
/// letters fit none of them is hardly a word.
const ALPHABETS: [&str; 24] = [
    "áčďéěíňóřšťúůýž",
    "áäčďéíĺľňóôŕšťúýž",
    "ąćęłńóśźż",
    "áéíóöőúüű",
    "ăâîșțşţ",
    "čćđšž",
    "çğıiöşüâîû",
    "əçğıöşü",
    "äöüßé",
    "àâæçéèêëîïôœùûüÿ",
    "áéíñóúü",
    "àçèéíïòóúü·",
    "àáâãçéêíóôõúü",
    "àèéìíîòóùú",
    "åäöæøéü",
    "áðéíóúýþæöø",
    "éëèïóöü",
    "äöõüšž",
    "āčēģīķļņšūž",
    "ąčęėįšųūž",
    "ëç",
    "ċġħżàèìòù",
    "áéíóúñ",
    "ñãâêîôûẽĩũỹ",
];

/// Whether some language has all these small letters.
pub(super) fn fit_one_language(letters: &[char]) -> bool {
    ALPHABETS.iter().any(|alphabet| letters.iter().all(|c| alphabet.contains(*c)))
}

/// Names that lists are full of, in small letters, in encodings where few letters tell.
const NAMES: &str = "josé maría andrés jesús ángel sofía lucía martín raúl óscar tomás nicolás \
    simón ramón joaquín sebastián agustín inés mónica verónica núñez pérez garcía lópez gonzález \
    rodríguez fernández hernández martínez sánchez ramírez gómez díaz jiménez muñoz peña ibáñez \
    gutiérrez álvarez vásquez vázquez domínguez velázquez suárez méndez ordóñez marín león \
    joão antónio antônio conceição gonçalves simões guimarães assunção luís cátia mário araújo \
    magalhães estêvão françois françoise rené renée andré andrée hélène jérôme zoé chloé éric \
    stéphane stéphanie cécile hervé gérard noël joël raphaël gaël anaïs loïc benoît frédéric \
    véronique valérie geneviève thérèse agnès grégoire léa théo müller jürgen günter günther \
    schröder köhler jörg björn bjørn sören søren håkan åsa sjöström øystein jørgensen sørensen \
    lindström bergström nyström åkesson gößmann weiß groß schäfer krüger könig böhm käthe bärbel \
    łukasz michał paweł wałęsa józef małgorzata wójcik jabłoński kamiński zieliński wiśniewski \
    wiśniewska zając dąbrowski dąbrowska kozłowski jiří tomáš dvořák novák nováková černý růžička \
    šárka ondřej matěj lukáš zdeněk kateřina václav procházka jaroslav vojtěch štěpán \
    lászló györgy jános istván józsef zoltán erzsébet kovács szabó tóth ildikó nagy ferenc \
    ștefan ştefan ionuț ionuţ mihăiță mădălina constanța đorđe žižek petrović jovanović ivanović \
    marković horvat novaković matić babić kovačević kovač čedomir željko živko šimić ayşe doğan \
    yılmaz yıldız çelik şahin öztürk özdemir gülşen çağlar aydın kılıç tuğba ışık müjgan şükrü \
    mäkelä hämäläinen mäkinen virtanen jönsson öberg örn þór guðrún sigurðsson jóhannsson \
    são tomé méxico bogotá perú españa brasília québec genève zürich münchen köln düsseldorf \
    malmö göteborg århus tromsø łódź kraków gdańsk wrocław plzeň děčín poděbrady győr pécs \
    timișoara timişoara brașov braşov iași iaşi čačak niš diyarbakır eskişehir çanakkale \
    türkiye côte d’ivoire österreich czechia česko";

/// Whether a word in small letters is one of the names that lists are full of.
pub(super) fn is_known_name(word: &str) -> bool {
    use std::collections::HashSet;
    use std::sync::LazyLock;
    static KNOWN: LazyLock<HashSet<&'static str>> =
        LazyLock::new(|| NAMES.split_whitespace().collect());
    KNOWN.contains(word)
}

/// How much a letter beyond ASCII speaks for a text of Latin letters, in small letters.
pub(super) fn of_latin(c: char) -> f32 {
    match c {
        'é' | 'á' | 'í' | 'ó' | 'ñ' | 'ü' | 'ö' | 'ä' | 'ç' | 'ã' | 'ú' | 'č' | 'š' | 'ž' | 'ć'
        | 'ł' | 'ř' | 'ş' | 'ğ' | 'ı' | 'ő' | 'ű' | 'è' => 1.0,
        'ø' | 'å' | 'ë' | 'ê' | 'ô' | 'ý' | 'ě' | 'ů' | 'ń' | 'ę' | 'ą' | 'ś' | 'đ' | 'ï' | 'â'
        | 'à' | 'æ' | 'ß' | 'ż' | 'ă' | 'ș' | 'ț' => 0.8,
        'î' | 'ò' | 'ù' | 'ì' | 'œ' | 'ť' | 'ď' | 'ň' | 'ľ' | 'ź' | 'ţ' | 'ð' | 'þ' | 'ā' | 'ē'
        | 'ī' | 'ū' | 'ė' | 'ų' | 'į' | 'ģ' | 'ķ' | 'ļ' | 'ņ' => 0.4,
        // What the Hungarian letters of Windows-1250 are in Windows-1252.
        'õ' | 'û' => 0.0,
        _ => -0.3,
    }
}

/// Letters that names begin with where they begin with one beyond ASCII.
pub(super) fn begins_names(c: char) -> bool {
    "ÉÁÖÓÜÇÅØŠČŽŁŞĆĐÍÚİŚŻÄ".contains(c)
}

/// How much a small Cyrillic letter speaks for a text: by how often Russian has it; letters of
/// other languages in between.
pub(super) fn of_cyrillic(c: char) -> f32 {
    const BY_FREQUENCY: &str = "оаеинртсвлкмдуяпьгзбычйхшжюцщэфъё";
    match BY_FREQUENCY.chars().position(|known| known == c) {
        Some(0..=11) => 1.0,
        Some(12..=23) => 0.7,
        Some(_) => 0.2,
        None if "іїєґ".contains(c) => 0.4,
        None if "ўђјљњћџ".contains(c) => 0.0,
        None => -0.7,
    }
}

/// The same for Greek.
pub(super) fn of_greek(c: char) -> f32 {
    const BY_FREQUENCY: &str = "αοιετσνηυρπκμλςωάίόδγήέθφύβχώξζψ";
    match BY_FREQUENCY.chars().position(|known| known == c) {
        Some(0..=13) => 1.0,
        Some(14..=24) => 0.6,
        Some(_) => 0.1,
        None => -0.7,
    }
}

/// Family names and characters of given names that a large part of all Chinese and Japanese names
/// has.
pub(super) fn is_of_names(c: char) -> bool {
    const FAMILY: &str = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾\
        張劉陳楊趙黃吳孫馬羅鄭謝韓馮蕭鄧許蔡曾葉蘇呂盧蔣賈叶苏吕卢蒋贾丁魏薛余潘杜戴夏钟鍾汪田任姜\
        佐藤鈴木高橋渡辺伊山中小村加吉井斎松本清野口川谷原石島岡長前後上下大";
    const GIVEN: &str = "芳伟秀英娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂文辉玲志建国華美惠雅淑怡君俊家\
        偉麗強軍艷傑濤輝剛國玉春梅海晓東东云雲红紅子郎一二三恵由健太翔菜愛香奈真智";
    FAMILY.contains(c) || GIVEN.contains(c)
}
