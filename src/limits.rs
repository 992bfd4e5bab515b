//! Every number the program is bounded by, with its unit and its reason.
//!
//! Owns limits only: nothing here acts. A number that an RFC or a measurement dictates cites it.
//! Relations between numbers are asserted at compile time, so that a change of one that breaks
//! another does not build.

use std::time::Duration;

/// Octets in the local part of an address (RFC 5321 4.5.3.1.1).
pub const ADDRESS_LOCAL_OCTETS_MAX: usize = 64;
/// Octets in a domain (RFC 5321 4.5.3.1.2).
pub const ADDRESS_DOMAIN_OCTETS_MAX: usize = 255;
/// Octets in a label of a domain (RFC 1035 2.3.4).
pub const DOMAIN_LABEL_OCTETS_MAX: usize = 63;
/// Different addresses in one cell that are read as several people's: more are a list gone wrong.
pub const CELL_ADDRESSES_MAX: usize = 8;
/// How many times as often a domain must be in the lists as one that differs by a letter, before
/// that is called its slip: two towns of like names hardly both send a delegation of twenty.
pub const SLIP_DOMAIN_TIMES_MIN: u32 = 20;
/// People at a domain that can still be a slip: nobody makes the same one four times.
pub const SLIP_PEOPLE_MAX: u32 = 3;
/// Letters of a name in a domain, of which one may be a slip: among shorter ones all neighbours
/// are somebody's own.
pub const SLIP_LABEL_CHARS_MIN: usize = 5;
/// Octets of a domain that is looked at for a letter too many: longer ones are not typed by hand.
pub const SLIP_DOMAIN_OCTETS_MAX: usize = 64;
/// Frequent domains that are looked at for one way of missing a letter.
pub const SLIP_NEIGHBOURS_MAX: usize = 32;
/// Addresses of offices that a note names.
pub const OFFICES_NAMED_MAX: usize = 3;
/// Octets in a whole address: a path is at most 256 with its angle brackets (RFC 5321 4.5.3.1.3).
pub const ADDRESS_OCTETS_MAX: usize = 254;

/// People of one address whose names stand in `To:`; of more, the address stands alone there.
pub const NAMES_IN_TO_MAX: usize = 3;

/// Octets in a line of a message without its line end (RFC 5322 2.1.1).
pub const MESSAGE_LINE_OCTETS_MAX: usize = 998;
/// Octets in an encoded line of a message body without its line end (RFC 2045 6.7, 6.8).
pub const MESSAGE_ENCODED_LINE_OCTETS_MAX: usize = 76;
/// Octets in a header line of ours without its line end: RFC 2047 2 says 76 for a line that holds
/// an encoded word, RFC 5322 2.1.1 advises 78 for all; only one long word can exceed it.
pub const HEADER_LINE_OCTETS_MAX: usize = 76;
/// Octets in an encoded word (RFC 2047 2).
pub const HEADER_ENCODED_WORD_OCTETS_MAX: usize = 75;
/// Octets in a word or quoted text that stands in a header as it is: the longest that fits any
/// line of ours behind a header's name; a longer one is encoded, because it cannot be folded.
pub const HEADER_PLAIN_WORD_OCTETS_MAX: usize = 60;

/// Bytes of a participant list: above a million rows of 500 bytes, below what would exhaust memory.
pub const LIST_BYTES_MAX: u64 = 512 << 20;
/// Bytes of a list that is not UTF-8: its text is a copy, up to three times as large.
pub const LIST_CONVERTED_BYTES_MAX: usize = 256 << 20;
/// Bytes of a list that its encoding is found out from, of lines with anything beyond ASCII: some
/// hundred names; more do not change the verdict.
pub const ENCODING_EVIDENCE_BYTES: usize = 24 << 10;
/// How much likelier one encoding must be than the next, as a natural logarithm: one in twenty.
pub const ENCODING_MARGIN: f32 = 3.0;
/// Words that a doubt about an encoding shows in both readings.
pub const ENCODING_READINGS_SHOWN: usize = 3;
/// Filled rows at the beginning of a list among which its header is looked for: titles have few.
pub const HEADER_ROWS_SEARCHED: usize = 20;
/// Names of a list that `check` shows.
pub const SAMPLE_NAMES: usize = 5;
/// Bytes of one cell: a longer one is an unclosed quotation mark, not a value.
pub const CELL_BYTES_MAX: usize = 64 << 10;
/// Columns of a list: spreadsheets end at 16,384.
pub const LIST_COLUMNS_MAX: usize = 16_384;
/// Bytes that a workbook may unpack to, in what is read of it: a million rows of 15 columns; a zip
/// of 1 MB can unpack to a thousand.
pub const WORKBOOK_INFLATED_BYTES_MAX: u64 = 1 << 30;
/// Bytes of one element's tag or text in a workbook: a cell of 64 KB with every character escaped.
pub const WORKBOOK_PIECE_BYTES_MAX: usize = 1 << 20;
/// Bytes of text in one sheet, twice what a large list has: one long text can stand in a million
/// cells and lie in the file once.
pub const WORKBOOK_TEXT_BYTES_MAX: usize = 256 << 20;
/// Rows of a sheet: spreadsheets end there.
pub const WORKBOOK_ROWS_MAX: u32 = 1 << 20;
/// Cells with anything in them in one sheet: all rows with 32 columns.
pub const WORKBOOK_CELLS_MAX: usize = 1 << 25;
/// Cells of one sheet, each row counted up to its last filled one: all rows with 256 columns. Rows
/// are looked at cell by cell, and a row may end in column 16,384.
pub const WORKBOOK_CELLS_SPREAD_MAX: u64 = 1 << 28;
/// Texts that the cells of a workbook share: a million rows of 15 columns, all different.
pub const WORKBOOK_STRINGS_MAX: usize = 1 << 24;
/// Sheets of a workbook: one for each day of nearly three years.
pub const WORKBOOK_SHEETS_MAX: usize = 1_024;
/// Characters of a sheet's name that are kept: programs allow 31.
pub const SHEET_NAME_CHARS_MAX: usize = 255;
/// Parts that a workbook refers to: its sheets, and some for each of them.
pub const WORKBOOK_RELATIONS_MAX: usize = 4_096;
/// Bytes of the name of a part in a workbook's zip.
pub const WORKBOOK_PART_NAME_BYTES_MAX: usize = 1_024;
/// Styles of cells in a workbook: Excel has room for 65,490.
pub const WORKBOOK_STYLES_MAX: usize = 1 << 16;
/// Number formats of its own in a workbook: Excel has room for 250.
pub const WORKBOOK_FORMATS_MAX: usize = 4_096;
/// Characters of a number format: Excel has room for 255.
pub const NUMBER_FORMAT_CHARS_MAX: usize = 255;
/// Bytes of text in one row of an OpenDocument sheet, which is held until the row ends: 250 of the
/// longest cells.
pub const WORKBOOK_ROW_TEXT_BYTES_MAX: usize = 16 << 20;
/// Merged cells that are kept of a sheet: one in each row.
pub const WORKBOOK_MERGED_MAX: usize = 1 << 20;
/// Bytes of an xls file, which is not packed: sheets end at 65,536 rows.
pub const XLS_BYTES_MAX: usize = 128 << 20;
/// Cells with anything in them in one sheet of an xls file: all rows with 64 columns.
pub const XLS_CELLS_MAX: usize = 1 << 22;
/// Cells that a finding about a column names before it says how many more there are.
pub const CELLS_NAMED_MAX: usize = 5;
/// Sheets that a finding names before it says how many more there are.
pub const SHEETS_NAMED_MAX: usize = 8;
/// Rows of a list that its delimiter is found out from: more do not change the verdict.
pub const LIST_SAMPLE_ROWS: usize = 50;
/// Headers that a message about a list names before it says how many more there are.
pub const HEADERS_NAMED_MAX: usize = 20;
/// Copies to one address that are told of: an office may want so many, a slip in a column makes them.
pub const COPIES_TO_ONE_SAID_MIN: u64 = 10;
/// Copies of one letter: each is a delivery of its own, and all stand in its *Cc*. An office has a
/// handful; RFC 5321 4.5.3.1.8 lets a server stop at 100 recipients, and filters stop earlier.
pub const COPIES_OF_A_LETTER_MAX: usize = 64;
/// Lines of `decisions.csv` about nobody for which the lists are searched for a similar address: each
/// is one pass through everybody, and whoever has more has another list.
pub const NEAR_ADDRESSES_ASKED_MAX: usize = 20;
/// Bytes of `decisions.csv`: a hundred thousand decisions fit.
pub const DECISIONS_BYTES_MAX: u64 = 16 << 20;
/// Values of a column that `where` names which are counted by name: more are no list of answers.
pub const WHERE_VALUES_COUNTED_MAX: usize = 1_000;
/// Of those kept and of those left out, each, this many are shown: they fit two lines.
pub const WHERE_VALUES_SHOWN: usize = 8;
/// Characters of a cell that a message quotes: longer than any address people can take in at once.
pub const CELL_SHOWN_CHARS_MAX: usize = 80;
/// Kinds of cells in a list's column of gender that are looked at to find out what its letters mean:
/// a column with more holds something else.
pub const GENDER_VALUES_MAX: usize = 100;
/// Names that one finding about many of them shows before it says how many more there are: enough
/// to see what they have in common.
pub const NAMES_SHOWN_MAX: usize = 5;
/// Values of one column that are unknown and reported each for itself: with more of them, the
/// column probably means something else, and that is one finding.
pub const VALUES_REPORTED_MAX: usize = 8;
/// Characters of a greeting that somebody wrote: more is a letter.
pub const GREETING_CHARS_MAX: usize = 200;
/// People who are greeted by name in one line; more are greeted as participants.
pub const GREETED_TOGETHER_MAX: usize = 6;

/// Bytes of a letter's source file.
pub const TEMPLATE_BYTES_MAX: u64 = 1 << 20;
/// Bytes of a rendered letter, before encoding: guards against loops in a template (security S6).
pub const LETTER_BYTES_MAX: usize = 4 << 20;
/// Depth of nested parentheses and brackets in a tag: the template parser recurses (security S6).
pub const TEMPLATE_NESTING_MAX: usize = 64;
/// Branches `elif` of one condition: the template parser recurses over them (security S6).
pub const TEMPLATE_BRANCHES_MAX: usize = 64;
/// Branches of one language's letter that tell kinds of letter apart: one bit each; what stands
/// behind them is rendered all the same.
pub const LETTER_BRANCHES_MAX: usize = 64;
/// Kinds of letter that are listed: nobody reads more, and a letter with many conditions has one for
/// nearly every person. The others are counted.
pub const KINDS_LISTED_MAX: usize = 100;
/// Values one text in a template is put together of: with the longest cells 4 MiB, so that a text
/// that doubles itself ends as an error (security S6).
pub const TEMPLATE_TERMS_MAX: usize = 64;
/// Parts a value is split into by a template, so that a loop over them ends.
pub const TEMPLATE_PARTS_MAX: usize = 1_000;
/// How much older than the letter in the default language a translation must be to be noted: copying
/// a workspace or checking it out gives all its files about the same time.
pub const TRANSLATION_OLDER_MIN: Duration = Duration::from_secs(60);
/// Bytes of one attachment or image before encoding.
pub const ATTACHMENT_BYTES_MAX: u64 = 100 << 20;

/// Missing files and sharers of one file that a message names before it says how many more.
pub const FILES_NAMED_MAX: usize = 5;
/// Files that are compared with each other for a likeness of names: a thousand by a hundred take a
/// tenth of a second.
pub const FILES_COMPARED_MAX: usize = 1_000;
/// Bytes of a PDF that is looked into: twice what any letter may carry.
pub const PDF_BYTES_MAX: usize = 36 << 20;
/// Bytes that are looked at or unpacked in one PDF before it is given up: a second of work, and
/// five times what a report of 500 pages needs.
pub const PDF_WORK_BYTES_MAX: u64 = 256 << 20;
/// Bytes of one stream of a PDF once it is unpacked: the longest page of text has a fifth.
pub const PDF_STREAM_BYTES_MAX: usize = 8 << 20;
/// Objects of a PDF: a book of a thousand pages with all its structure has a fifth.
pub const PDF_OBJECTS_MAX: usize = 1 << 20;
/// Members of one value of a PDF, with those within: lists of pages and structure stay below.
pub const PDF_VALUES_MAX: usize = 1 << 18;
/// Values within values of a PDF.
pub const PDF_NESTING_MAX: usize = 64;
/// References that lead to one value, and objects one of which needs the next.
pub const PDF_REFERENCES_MAX: usize = 16;
/// Cross-reference sections: one for each time a file was saved.
pub const PDF_SECTIONS_MAX: usize = 1_000;
/// Pages whose text is read: who writes, and in which language, is known by then.
pub const PDF_PAGES_READ_MAX: usize = 300;
/// Pages that are counted.
pub const PDF_PAGES_MAX: usize = 100_000;
/// Drawings within drawings that are read for their text, and how many on one page.
pub const PDF_FORMS_NESTED_MAX: usize = 4;
/// See [`PDF_FORMS_NESTED_MAX`].
pub const PDF_FORMS_MAX: usize = 64;
/// Characters of text kept of a page: a page of small print has a tenth.
pub const PDF_PAGE_CHARS_MAX: usize = 64 << 10;

/// Letters that a core renders before it hands them on: enough that handing on costs nothing.
pub const RENDER_BATCH_LETTERS: usize = 16;
/// Such batches that a core may be ahead: enough that no core waits for another one's long letter,
/// and with letters of 30 KB some 2 MB for each core.
pub const RENDER_BATCHES_AHEAD: usize = 2;

/// Problems of one kind shown one by one in JSON before they are grouped (contract, JSON).
pub const PROBLEMS_OF_A_KIND_MAX: usize = 100;

/// Bytes of `secretariat.toml`: hundreds of campaigns fit; more is another file by that name.
pub const CONFIG_BYTES_MAX: u64 = 1 << 20;
/// Bytes of a password file or of what a password command prints: access tokens reach 2 KB.
pub const PASSWORD_BYTES_MAX: u64 = 8 << 10;
/// Wait for a password command: a person may have to unlock a password store first.
pub const PASSWORD_COMMAND_TIMEOUT: Duration = Duration::from_secs(2 * 60);

/// How long an access token must still be good when it is used: signing in takes seconds, and clocks
/// differ by minutes.
pub const TOKEN_GOOD_FOR_MIN: Duration = Duration::from_secs(5 * 60);
/// One call of an identity provider, from its name to the end of its answer.
pub const PROVIDER_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of an identity provider's answer: two tokens with everything in them have a tenth.
pub const PROVIDER_ANSWER_BYTES_MAX: u64 = 64 << 10;
/// Characters of an identity provider's own words in a message.
pub const PROVIDER_WORDS_CHARS_MAX: usize = 300;
/// Wait for a person to sign in with a browser: a telephone with the second proof may have to be
/// found first.
pub const SIGN_IN_TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// Wait for what a browser asks of us once it is connected: browsers connect ahead and say nothing.
pub const BROWSER_READ_TIMEOUT: Duration = Duration::from_secs(2);
/// Octets of what a browser asks of us: an authorisation code is below 2 KB, cookies of this
/// computer's other programs are not.
pub const BROWSER_REQUEST_OCTETS_MAX: usize = 64 << 10;
/// Octets of chance in what a browser brings back and in what proves that it was we who sent it (RFC
/// 7636 7.1: 32).
pub const SIGN_IN_CHANCE_OCTETS: usize = 32;
/// Wait between two looks whether a device code was typed, unless the provider says (RFC 8628 3.5).
pub const DEVICE_CODE_INTERVAL: Duration = Duration::from_secs(5);
/// How much longer that wait gets each time the provider says `slow_down` (RFC 8628 3.5).
pub const DEVICE_CODE_SLOWER_BY: Duration = Duration::from_secs(5);
/// Bytes of one entry of a system's keyring: Windows holds 2,560 octets, two of them a character.
pub const KEYRING_ENTRY_BYTES_MAX: usize = 1_200;
/// Entries that one secret is kept in: five times the longest refresh token that was seen.
pub const KEYRING_ENTRIES_MAX: usize = 8;
/// Bits of an RSA key that signs, at least (RFC 8301 3.2): shorter ones are refused by receivers.
pub const DKIM_RSA_BITS_MIN: usize = 2_048;
/// Bits of an RSA key that signs, at most: verifiers need not know longer ones (RFC 8301 3.2).
pub const DKIM_RSA_BITS_MAX: usize = 4_096;
/// Bytes of a key's file: one of 4,096 bits has 3 KB.
pub const DKIM_KEY_BYTES_MAX: u64 = 64 << 10;
/// Keys that sign one message: an RSA and an Ed25519 key for the conference's domain and the like
/// for its host's; each signature is half a kilobyte of header.
pub const DKIM_KEYS_MAX: usize = 4;
/// Octets of one string of a TXT record (RFC 1035 3.3.14).
pub const DNS_STRING_OCTETS_MAX: usize = 255;

/// `[retry] first_wait` unless written: greylisting lets go after about five minutes.
pub const RETRY_FIRST_WAIT: Duration = Duration::from_secs(5 * 60);
/// `[retry] max_wait` unless written: the doubled waits end near an hour (RFC 5321 4.5.4.1 asks
/// for half an hour and more).
pub const RETRY_MAX_WAIT: Duration = Duration::from_secs(67 * 60);
/// `[retry] give_up_after` unless written (RFC 5321 4.5.4.1: 4 to 5 days).
pub const RETRY_GIVE_UP_AFTER: Duration = Duration::from_secs(5 * 24 * 3_600);
/// A letter is not given up before it was tried so often: time in which nobody tried, or that a
/// clock set forward has made up, says nothing of the mailbox.
pub const RETRY_ATTEMPTS_MIN: u32 = 3;
/// A clock that was set back by more is told of: time servers correct less, and change nothing.
pub const CLOCK_SET_BACK_SAID: Duration = Duration::from_secs(60);
/// The longest time `[retry]` may name: a letter a month late is no longer the letter approved.
pub const RETRY_TIME_MAX: Duration = Duration::from_secs(30 * 24 * 3_600);

/// `[limits] letter_warn` unless written, encoded bytes: many mailboxes refuse above it.
pub const LETTER_WARN_BYTES: u64 = 10 << 20;
/// `[limits] letter_error` unless written, encoded bytes: the large providers take 25 MB before
/// they count what encoding adds.
pub const LETTER_ERROR_BYTES: u64 = 18 << 20;

/// Octets of one line of a server's answer: RFC 5321 4.5.3.1.5 says 512; real servers write more.
pub const REPLY_LINE_OCTETS_MAX: usize = 4_096;
/// Octets of a whole answer with all its lines.
pub const REPLY_OCTETS_MAX: usize = 64 << 10;

/// Wait for a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Wait for the greeting and for the answers to EHLO, AUTH, MAIL, RCPT, RSET (RFC 5321
/// 4.5.3.2.1-3).
pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// Wait for the answer to DATA (RFC 5321 4.5.3.2.4).
pub const DATA_TIMEOUT: Duration = Duration::from_secs(2 * 60);
/// Wait for one block of the message to be taken (RFC 5321 4.5.3.2.5).
pub const BLOCK_TIMEOUT: Duration = Duration::from_secs(3 * 60);
/// Wait for the answer to the end of the message (RFC 5321 4.5.3.2.6).
pub const END_OF_MESSAGE_TIMEOUT: Duration = Duration::from_secs(10 * 60);
/// Wait for an answer that explains a failed write: it is here already or does not exist.
pub const EARLY_ANSWER_WAIT: Duration = Duration::from_secs(1);
/// Octets of a message that are held back until the intent is durable, and that a deadline is for:
/// small enough that they travel at once. A message that is no longer leaves in one write.
pub const MESSAGE_BLOCK_OCTETS: usize = 64 << 10;
/// Parts of a message in one write: a letter with three documents has nine. Linux takes 1,024.
pub const PARTS_IN_A_WRITE: usize = 64;
/// Octets of a refused message that are still sent, because BDAT has promised them, rather than
/// to lose the connection: about as much time as a new one takes with TLS and sign-in.
pub const REFUSED_REST_OCTETS_MAX: usize = 1 << 20;
/// Octets of ENVID as it is said (RFC 3461 4.4).
pub const ENVELOPE_ID_OCTETS_MAX: usize = 100;
/// Octets of a command line with its line end (RFC 5321 4.5.3.1.4).
pub const COMMAND_LINE_OCTETS_MAX: usize = 512;
/// Addresses of one relay that are tried in turn, each with its own wait.
pub const RELAY_ADDRESSES_MAX: usize = 8;
/// Wait for the answer to QUIT, which decides nothing.
pub const QUIT_TIMEOUT: Duration = Duration::from_secs(5);
/// A flight's last bytes leave only on a connection that has answered within this time: a
/// connection that died in silence must lead to "deferred", not to "uncertain".
pub const CONNECTION_FRESH: Duration = Duration::from_secs(5);

/// Rests of a relay that does not want to talk now, one after the other; a relay that still does
/// not after the last one is left alone until the command is run again.
pub const RELAY_RESTS: [Duration; 3] =
    [Duration::from_secs(2), Duration::from_secs(8), Duration::from_secs(30)];
/// Letters lost one after the other with no acceptance between before the relay gets a rest.
pub const LOST_IN_A_ROW_MAX: u32 = 10;

/// Letters refused one after the other on a connection before a new one takes its place: Postfix
/// answers a second later to everything once a connection has made more than 10 errors and accepted
/// nothing since, and hangs up after 20. The first refusal counts twice where it met a flight.
pub const REFUSALS_A_CONNECTION_MAX: u32 = 8;
/// Letters in doubt one after the other with no acceptance between that stop a run: each is a
/// question to a person, so there must be few; one connection cut at a bad moment makes as many as
/// there are connections, two unless more are asked for.
pub const DOUBTS_IN_A_ROW_MAX: u32 = 5;

/// How long a relay that asked for less gets half (delivery paper, fault table: "half the rate, one
/// connection, 15 min").
pub const SLOW_DOWN_LASTS: Duration = Duration::from_secs(15 * 60);
/// Shortest time between two letters to a relay that asked for less: what it took before may have
/// been too short to measure.
pub const SLOW_DOWN_SPACING_MIN: Duration = Duration::from_secs(1);
/// Longest time between two letters to such a relay: beyond it a rest is what it needs.
pub const SLOW_DOWN_SPACING_MAX: Duration = Duration::from_secs(60);
/// Shortest pause after a relay has spoken of a limit of letters a day: it may count otherwise.
pub const DAILY_LIMIT_PAUSE_MIN: Duration = Duration::from_secs(3_600);

/// Connections to a relay at once (contract, `[relay] connections`): more are more than any relay
/// for people's mail allows.
pub const CONNECTIONS_MAX: usize = 64;
/// Connections where nothing is written: most of the speed of many, and within what the services
/// of offices allow (3 at Microsoft 365).
pub const CONNECTIONS_USUAL: std::num::NonZeroUsize = std::num::NonZeroUsize::new(2).unwrap();
/// Letters in a daily limit: beyond it there is none.
pub const DAILY_LIMIT_MAX: u64 = 1_000_000_000;
/// Octets of lists that `why` reads for rows that were left out: it answers at once, also for a
/// mailing of a million.
pub const WHY_LISTS_BYTES_MAX: u64 = 1 << 20;
/// A connection that has nothing to do for longer is taken leave of: relays drop idle ones after
/// minutes, and others may want its place.
pub const CONNECTION_IDLE_MAX: Duration = Duration::from_secs(10);
/// Longest sleep before a run looks again: a computer may have slept meanwhile.
pub const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(30);
/// How often a run looks whether somebody has paused or withdrawn its mailing from another
/// terminal.
pub const PAUSE_LOOKED_FOR: Duration = Duration::from_millis(500);
/// How long letters must have gone before the screen says how many a minute: one letter in its
/// first moment is no rate.
pub const RATE_MEASURED_MIN: Duration = Duration::from_secs(10);
/// The time that this rate is taken over: a run that becomes slower says so within a minute.
pub const RATE_MEASURED_OVER: Duration = Duration::from_secs(60);

/// Refusals about us with the same words, one after the other, that stop a run.
pub const REFUSALS_IN_A_ROW_MAX: usize = 3;
/// Answers before the share of such refusals counts.
pub const REFUSALS_ANSWERED_MIN: u64 = 50;
/// Share of such refusals above which a run stops, in percent.
pub const REFUSALS_PERCENT_MAX: u64 = 20;
/// Answers before the share of refused recipients counts.
pub const WRONG_LIST_ANSWERED_MIN: u64 = 20;
/// Share of refused recipients above which the list must be a wrong one, in percent.
pub const WRONG_LIST_PERCENT_MAX: u64 = 30;

/// `send` stays while a retry is due within this time (contract, Commands).
pub const WAIT_FOR_RETRY_MAX: Duration = Duration::from_secs(15 * 60);

/// Wait for another program that writes to the ledger: a plan of a hundred thousand letters is
/// written in less, and nothing else takes a second.
pub const LEDGER_BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// Tries at the run lock while somebody only looks whether a run is at work, and the wait between
/// two: a look takes microseconds; 2 s are for a computer that has stopped in the middle of one.
pub const LOCK_TRIES: u32 = 100;
/// See [`LOCK_TRIES`].
pub const LOCK_TRIED_AFTER: Duration = Duration::from_millis(20);
/// Requests in one commit: far above the connections that can wait for it (64, two requests each).
pub const LEDGER_GROUP_MAX: usize = 256;
/// Letters handed over as files that share their two commits and one sync of the folder's names: so
/// many may be broken off by a kill. Above it the files' own syncs are all that takes time.
pub const HAND_OVER_GROUP: usize = 256;
/// Octets of messages held while such a group is written.
pub const HAND_OVER_GROUP_BYTES: usize = 64 << 20;
/// A record that is alone waits so long for an intent to share its commit with. What a kill in that
/// time costs is what it costs before: one letter in doubt for each connection.
pub const LEDGER_RECORD_WAIT: Duration = Duration::from_millis(1);
/// KiB of SQLite's page cache while sending and looking: letters go in the order in which they lie,
/// and every other commit goes through the whole cache.
pub const LEDGER_CACHE_KIB: i64 = 4 << 10;
/// KiB of SQLite's page cache while a plan is written, at least and at most: it must hold the
/// indexes that are written in random order, or each letter reads and writes pages of them.
pub const LEDGER_PLAN_CACHE_KIB_MIN: i64 = 64 << 10;
/// See [`LEDGER_PLAN_CACHE_KIB_MIN`]: what a million letters need.
pub const LEDGER_PLAN_CACHE_KIB_MAX: i64 = 256 << 10;
/// Bytes that those indexes take for each letter, with addresses of usual length.
pub const LEDGER_PLAN_INDEX_BYTES: i64 = 256;
/// Bytes of the write-ahead log kept once its content is in the ledger's file; a plan makes it
/// as large as all its letters.
pub const LEDGER_LOG_BYTES_KEPT: i64 = 16 << 20;
/// Pages (of 4 KiB) in the write-ahead log before it is copied into the file: as much as is kept of
/// it; twice a letter the same pages are written, and copied once.
pub const LEDGER_LOG_PAGES: i64 = LEDGER_LOG_BYTES_KEPT >> 12;
/// Deliveries whose names are one text in the ledger: large enough to be searched at the speed of
/// memory, small enough to be written anew when one name changes.
pub const LEDGER_NAMES_ROWS: i64 = 1_024;

/// Seconds of waiting that pass in one of the real world while a mailing is rehearsed: five minutes
/// of greylisting are a third of a second.
pub const REHEARSAL_SPEED: u32 = 1_000;
/// Connections of a rehearsal: enough that letters overlap as they do in a large mailing.
pub const REHEARSAL_CONNECTIONS: usize = 4;
/// Kills of a rehearsal with faults: one at each moment of handing over.
pub const REHEARSAL_KILLS: usize = 5;
/// Seeds that are drawn where none is named: short enough to be typed again.
pub const REHEARSAL_SEEDS: u64 = 100_000;

/// Look-ups of an SPF record (RFC 7208 4.6.4): a receiving server stops at the eleventh.
pub const SPF_LOOKUPS_MAX: usize = 10;
/// Look-ups without an answer (RFC 7208 4.6.4).
pub const SPF_VOID_LOOKUPS_MAX: usize = 2;
/// Hosts of a domain's MX that SPF looks at (RFC 7208 4.6.4).
pub const SPF_EXCHANGERS_MAX: usize = 10;
/// Domains a survey of an SPF record goes to: three times what a good one may lead to.
pub const SPF_SURVEY_NAMES_MAX: usize = 30;
/// Bits of a published RSA key below which no receiving server accepts a signature (RFC 8301 3.2).
pub const DKIM_PUBLISHED_BITS_MIN: usize = 1_024;
/// Names at which a DMARC policy is looked for (RFC 9989 4.10).
pub const DMARC_WALK_QUERIES_MAX: usize = 8;
/// How long a name server may take for one answer; receiving servers wait no longer.
pub const DNS_TIMEOUT: Duration = Duration::from_secs(5);
/// How often it is asked.
pub const DNS_ATTEMPTS: usize = 2;
/// Questions one rule may ask before it is given up: no rule that ends needs a third of it.
pub const DNS_QUESTIONS_MAX: usize = 300;

/// How long all questions to the name service may take together: somebody waits for the answer.
pub const DNS_TIME_MAX: Duration = Duration::from_secs(15);

/// How long `doctor` waits for one address of a mail server: a run waits longer, nobody watches it.
pub const PROBE_CONNECT_TIMEOUT: Duration = Duration::from_secs(8);
/// For one answer: servers that let strangers wait do so for 30 seconds at most.
pub const PROBE_COMMAND_TIMEOUT: Duration = Duration::from_secs(40);
/// For the farewell.
pub const PROBE_QUIT_TIMEOUT: Duration = Duration::from_secs(2);
/// After this time no further address is begun.
pub const PROBE_TIME_MAX: Duration = Duration::from_secs(45);
/// Days a certificate must still last: those who renew by a program do it 30 before its end, and a
/// mailing of some days must not meet it.
pub const CERTIFICATE_DAYS_MIN: u64 = 14;
/// How wrong a clock may be: what receiving servers and sign-in services forgive.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_secs(5 * 60);
/// Free bytes below which `doctor` warns: the ledger of a large mailing, its log and its documents.
pub const FREE_BYTES_MIN: u64 = 500 << 20;

/// Hex digits of a plan code that identify a plan on the command line (contract, Commands).
pub const PLAN_CODE_DIGITS_MIN: usize = 12;

/// Bytes of a name written by `--out` (contract, JSON): every file system takes 200.
pub const OUT_NAME_BYTES_MAX: usize = 200;

// RFC 5321 4.5.3.2.6: a shorter wait for the end of the message makes duplicates.
const _: () = assert!(END_OF_MESSAGE_TIMEOUT.as_secs() >= 5 * 60);
const _: () = assert!(MESSAGE_ENCODED_LINE_OCTETS_MAX < MESSAGE_LINE_OCTETS_MAX);
const _: () = assert!(HEADER_ENCODED_WORD_OCTETS_MAX < HEADER_LINE_OCTETS_MAX);
const _: () = assert!(HEADER_PLAIN_WORD_OCTETS_MAX < HEADER_ENCODED_WORD_OCTETS_MAX);
const _: () = assert!(REPLY_LINE_OCTETS_MAX <= REPLY_OCTETS_MAX);
// A plan is written with at least the cache of a run.
const _: () = assert!(LEDGER_CACHE_KIB <= LEDGER_PLAN_CACHE_KIB_MIN);
const _: () = assert!(LEDGER_PLAN_CACHE_KIB_MIN <= LEDGER_PLAN_CACHE_KIB_MAX);
const _: () = assert!(CONNECTION_FRESH.as_secs() < BLOCK_TIMEOUT.as_secs());
const _: () = assert!(RETRY_FIRST_WAIT.as_secs() <= RETRY_MAX_WAIT.as_secs());
const _: () = assert!(RETRY_MAX_WAIT.as_secs() <= RETRY_GIVE_UP_AFTER.as_secs());
const _: () = assert!(RETRY_GIVE_UP_AFTER.as_secs() <= RETRY_TIME_MAX.as_secs());
const _: () = assert!(LETTER_WARN_BYTES <= LETTER_ERROR_BYTES);

/// The page for IT waits at most so long for the name service as a whole: its table is left out
/// rather than the page.
pub const NOTE_DNS_TIME_MAX: Duration = Duration::from_secs(20);

/// Where name servers listen (RFC 1035 4.2).
pub const DNS_PORT: u16 = 53;
