//! What a server saw, for tests to look at.

use std::{
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
};

/// What stands where a secret was.
const HIDDEN: &str = "***";
/// Shorter secrets are hidden in sign-in commands only: elsewhere they would blot out half of every line.
const SHORTEST: usize = 4;

/// A line a session sent, without its secrets and its literals.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// Which connection, the first one being 1.
    pub connection: u32,
    /// Whether the connection was encrypted.
    pub encrypted: bool,
    /// The line; a literal stands as its announcement, a password or token as `***`.
    pub text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.connection, self.text)
    }
}

/// Everything a server remembers of its sessions.
#[derive(Default)]
pub(super) struct Record {
    lines: Mutex<Vec<Line>>,
    bodies: Mutex<Vec<(String, String, u32)>>,
    flags_changed: AtomicUsize,
    opened: AtomicU32,
    open: AtomicUsize,
}

impl Record {
    /// Counts a connection in and returns its number.
    pub(super) fn opened(&self) -> u32 {
        self.open.fetch_add(1, Ordering::SeqCst);
        self.opened.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(super) fn closed(&self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }

    pub(super) fn line(&self, line: Line) {
        lock(&self.lines).push(line);
    }

    pub(super) fn body(&self, user: &str, mailbox: &str, uid: u32) {
        lock(&self.bodies).push((user.to_owned(), mailbox.to_owned(), uid));
    }

    pub(super) fn flag_changed(&self) {
        self.flags_changed.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        lock(&self.lines).clone()
    }

    pub(super) fn bodies(&self) -> Vec<(String, String, u32)> {
        lock(&self.bodies).clone()
    }

    pub(super) fn flags_changed_count(&self) -> usize {
        self.flags_changed.load(Ordering::SeqCst)
    }

    pub(super) fn opened_count(&self) -> u32 {
        self.opened.load(Ordering::SeqCst)
    }

    pub(super) fn open_count(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    pub(super) fn forget(&self) {
        lock(&self.lines).clear();
        lock(&self.bodies).clear();
        self.flags_changed.store(0, Ordering::SeqCst);
    }
}

/// The line with everything hidden that could be a secret.
pub(super) fn redact(line: &str, secrets: &[String]) -> String {
    let mut words = line.splitn(4, ' ');
    let (tag, name, first) = (words.next(), words.next(), words.next());
    let named = |wanted: &str| name.is_some_and(|name| name.eq_ignore_ascii_case(wanted));
    let mut text = match (tag, name, first) {
        (Some(tag), Some(name), Some(first)) if named("LOGIN") => {
            // A login in quotes may hold spaces; then its first word is not all of it.
            let whole = !first.starts_with('"') || first.len() > 1 && first.ends_with('"');
            if whole { format!("{tag} {name} {first} {HIDDEN}") } else { format!("{tag} {name} {HIDDEN}") }
        }
        (Some(tag), Some(name), Some(mechanism)) if named("AUTHENTICATE") => {
            let initial = words.next().map_or("", |_| " ***");
            format!("{tag} {name} {mechanism}{initial}")
        }
        _ => line.to_owned(),
    };
    for secret in secrets.iter().filter(|secret| secret.len() >= SHORTEST) {
        text = text.replace(secret, HIDDEN);
    }
    text
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        let check = |line: &str| redact(line, &["geheim".to_owned()]);
        assert_eq!(check("a LOGIN anna geheim"), "a LOGIN anna ***");
        assert_eq!(check("a login \"an na\" \"x\""), "a login ***");
        assert_eq!(check("a AUTHENTICATE PLAIN AGFubmEAcw=="), "a AUTHENTICATE PLAIN ***");
        assert_eq!(check("a AUTHENTICATE PLAIN"), "a AUTHENTICATE PLAIN");
        assert_eq!(check("a SELECT geheim"), "a SELECT ***");
        assert_eq!(check("a NOOP"), "a NOOP");
    }
}
