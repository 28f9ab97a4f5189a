//! The house: who may name whom, and what is deliberately absent (docs/architecture.md).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules by floor, the lowest first. A module names modules of lower floors, and of its own floor only itself.
const FLOORS: &[&[&str]] = &[
    &["types", "error"],
    &["settings"],
    &["contract"],
    &["matching", "mime", "net"],
    &["oauth", "imap", "smtp", "graph", "discover", "storage", "testkit"],
    &["sync", "outbound"],
    &["connect"],
    &["practice_mail"],
];
/// What a module may name besides: floors 1 and 2 are one where settings hold errors; conformance sees the contract alone.
const ALSO: &[(&str, &[&str])] =
    &[("error", &["types"]), ("conformance", &["types", "error", "settings", "contract"])];
/// What floor 6 and 8 must not know: a protocol. The door names one adapter, the one it connects by unless told otherwise.
const NEVER: &[(&str, &[&str])] = &[
    ("sync", &["imap", "smtp", "graph", "oauth", "discover", "net", "storage", "connect"]),
    ("outbound", &["imap", "smtp", "graph", "oauth", "discover", "net", "storage", "connect"]),
];

fn sources(below: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // A folder of tests may name what it likes, and so may a file of them.
            files.extend(if path.ends_with("tests") { Vec::new() } else { sources(&path) });
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
    files
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn module_of(file: &Path) -> String {
    let inside = file.strip_prefix(src()).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The part of a file that is not its tests: those may name what they like.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text)
}

fn allowed(module: &str) -> Option<Vec<&'static str>> {
    if let Some((_, also)) = ALSO.iter().find(|(m, _)| *m == module) {
        return Some(also.to_vec());
    }
    let floor = FLOORS.iter().position(|modules| modules.contains(&module))?;
    Some(FLOORS[..floor].concat())
}

#[test]
fn modules_name_lower_floors_only() {
    let known: Vec<&str> = FLOORS.concat();
    let mut wrong = Vec::new();
    for file in sources(&src()) {
        let module = module_of(&file);
        if module == "lib" || module == "manual" {
            continue;
        }
        let Some(allowed) = allowed(&module) else {
            panic!("{module} stands on no floor: give it one in this table")
        };
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in without_tests(&text).lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for (at, _) in code.match_indices("crate::") {
                let name: String =
                    code[at + 7..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let never = NEVER.iter().any(|(m, names)| *m == module && names.contains(&name.as_str()));
                let fine =
                    name == module || allowed.contains(&name.as_str()) || !known.contains(&name.as_str());
                if never || !fine {
                    wrong.push(format!("{}:{}: {module} names {name}", file.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn protocol_crates_stay_in_their_module() {
    let homes: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("async_imap", &["imap"][..]),
        ("ammonia", &["mime"]),
        ("mail_parser", &["mime"]),
        ("lettre", &["mime", "smtp"]),
        ("hyper", &["net"]),
        ("hyper_util", &["net"]),
        ("http_body_util", &["net"]),
        ("rustls", &["net", "testkit"]),
        ("tokio_rustls", &["net", "testkit"]),
        ("sqlx", &["storage"]),
        ("chacha20poly1305", &["storage"]),
        ("psl", &["types"]),
        ("oauth2", &["oauth"]),
        ("quick_xml", &["discover"]),
        ("hickory_resolver", &["discover"]),
        ("idna", &["types", "settings"]),
    ]);
    let mut wrong = Vec::new();
    for file in sources(&src()) {
        let text = fs::read_to_string(&file).unwrap();
        for (crate_name, modules) in &homes {
            let named = text.lines().any(|l| {
                let code = l.split("//").next().unwrap_or_default();
                code.contains(&format!("{crate_name}::")) && !code.contains(&format!("_{crate_name}::"))
            });
            if named && !modules.contains(&module_of(&file).as_str()) {
                wrong.push(format!("{} names {crate_name}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// No third-party type is public on the floors a host touches: what a host upgrades is this crate, not what it is made of.
#[test]
fn hosts_see_no_third_party_types() {
    let foreign = ["chrono::", "bytes::", "rustls::", "sqlx::", "async_imap::", "mail_parser::", "secrecy::"];
    let mut wrong = Vec::new();
    for file in sources(&src()) {
        if !["types", "error", "settings", "contract", "sync", "practice_mail", "matching"]
            .contains(&module_of(&file).as_str())
        {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in without_tests(&text).lines().enumerate() {
            let public = line.trim_start().starts_with("pub ") && !line.trim_start().starts_with("pub(");
            if public && foreign.iter().any(|name| line.contains(name)) {
                wrong.push(format!("{}:{}: {}", file.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Commands that would change a mailbox are in the vocabulary of the reader and of what it shares nowhere; the filer adds
/// messages and mailboxes and knows no other.
#[test]
fn only_the_filer_can_change_anything_and_only_by_adding() {
    let adds = ["APPEND", "CREATE", "SUBSCRIBE"];
    let changes = ["STORE", "SELECT", "EXPUNGE", "MOVE", "COPY", "DELETE", "RENAME", "UNSUBSCRIBE", "CLOSE"];
    let mut added = Vec::new();
    for file in sources(&src().join("imap")) {
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in without_tests(&text).lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let says = |word: &&str| {
                ["\"", "UID "].iter().any(|before| code.contains(&format!("{before}{word} ")))
                    || code.contains(&format!("(\"{word}\", "))
            };
            let place = format!("{}:{}", file.display(), number + 1);
            assert!(!code.contains("BODY[] "), "{place}: a body without PEEK");
            assert_eq!(changes.iter().find(|word| says(word)), None, "{place}");
            if let Some(word) = adds.iter().find(|word| says(word)) {
                assert!(file.ends_with("filer.rs"), "{place}: {word}");
                added.push(*word);
            }
        }
    }
    added.sort_unstable();
    added.dedup();
    assert_eq!(added, adds, "the filer's own commands are seen by this test");
}

/// The traits can be shared between tasks as trait objects.
#[test]
fn the_traits_are_object_safe_and_shared() {
    use practicemail::contract::*;
    fn shared<T: Send + Sync + ?Sized>() {}
    fn sent<T: Send + ?Sized>() {}
    shared::<dyn PracticeDirectory>();
    shared::<dyn MailStore>();
    shared::<dyn BlobStore>();
    shared::<dyn CredentialStore>();
    shared::<dyn KeyProvider>();
    shared::<dyn Connector>();
    shared::<dyn MailTransport>();
    shared::<dyn Clock>();
    sent::<dyn MailboxReader>();
    sent::<dyn BlobWriter>();
    shared::<practicemail::PracticeMail>();
}

/// No address, subject, secret or text is printed by what a host may log.
#[test]
fn debug_output_tells_nothing_of_people() {
    use practicemail::types::*;
    let address = Address::parse("anna.secret@example.org").unwrap();
    let name = CleanText::new("Anna Secret");
    let printed = [
        format!(
            "{address:?} {:?} {:?} {:?}",
            address.key(),
            address.domain(),
            MatchKey::Address(address.key())
        ),
        format!("{:?} {name:?}", Participant::new(Field::From, address.clone(), name.clone())),
        format!("{:?}", MessageId::parse("<anna.secret@x>").unwrap()),
        format!("{:?}", MailboxName::encode("Anna Secret")),
        format!("{:?}", Secret::new("anna secret")),
        format!("{:?}", practicemail::settings::Login::new("anna.secret").unwrap()),
    ];
    for text in printed {
        assert!(
            !text.to_lowercase().contains("secret@") && !text.contains("Anna") && !text.contains("anna"),
            "{text}"
        );
    }
}
