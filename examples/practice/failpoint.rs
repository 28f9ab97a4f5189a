//! Points at which the process can be made to die, so that tests see it continue.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use practicemail::net::{CommandPoint, CommandProbe};
use serde::Serialize;

/// The mail store's transitions.
pub(crate) const TRANSITIONS: &[&str] = &[
    "connect",
    "disconnect",
    "acquire_lease",
    "renew_lease",
    "release_lease",
    "change_coverage",
    "commit_window",
    "commit_comparison",
    "end_pass",
    "set_practice_settings",
    "change_settings",
    "erase_account",
    "enqueue",
    "claim_outgoing",
    "confirm_outgoing",
    "finish_outgoing",
    "cancel_outgoing",
    "decide_outgoing",
];

/// What `--failpoint` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failpoint {
    /// The names.
    List,
    /// To die at the `pass`-th time a point is passed.
    At {
        /// The point.
        name: String,
        /// From 1 on.
        pass: u32,
    },
}

impl FromStr for Failpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "list" {
            return Ok(Self::List);
        }
        let (name, pass) = text.split_once(':').unwrap_or((text, "1"));
        if !names().iter().any(|known| known == name) {
            return Err("there is no such point; `--failpoint list` prints them".to_owned());
        }
        let pass = pass.parse().ok().filter(|pass| *pass > 0);
        let pass = pass.ok_or("the number behind the colon counts passes, from 1 on")?;
        Ok(Self::At { name: name.to_owned(), pass })
    }
}

/// Every name: before and after every store transition and every command on the wire.
fn names() -> Vec<String> {
    let points = TRANSITIONS.iter().map(|name| ("store", name));
    let points = points.chain(CommandPoint::COMMANDS.iter().map(|name| ("wire", name)));
    points
        .flat_map(|(place, name)| ["before", "after"].map(|side| format!("{place}.{name}.{side}")))
        .collect()
}

/// The names, as they are answered.
#[derive(Serialize)]
pub(crate) struct FailpointList {
    failpoints: Vec<String>,
}

impl FailpointList {
    /// All of them.
    pub(crate) fn new() -> Self {
        Self { failpoints: names() }
    }
}

impl fmt::Display for FailpointList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.failpoints.join("\n"))
    }
}

/// Counts the passes of the one point that is armed.
#[derive(Clone)]
pub(crate) struct Fuse {
    name: Arc<str>,
    left: Arc<AtomicU32>,
}

impl Fuse {
    /// Arms a point.
    pub(crate) fn new(name: &str, pass: u32) -> Self {
        Self { name: name.into(), left: Arc::new(AtomicU32::new(pass)) }
    }

    /// Passes a point: does not return if it is the armed one for the last time.
    pub(crate) fn pass(&self, place: &str, name: &str, side: &str) {
        let mut parts = self.name.split('.');
        let armed = [place, name, side].into_iter().all(|part| parts.next() == Some(part));
        if armed && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            std::process::abort();
        }
    }

    /// Passes the points around commands.
    pub(crate) fn probe(&self) -> CommandProbe {
        let fuse = self.clone();
        Arc::new(move |point| match point {
            CommandPoint::Before(name) => fuse.pass("wire", name, "before"),
            CommandPoint::After(name) => fuse.pass("wire", name, "after"),
            _ => {}
        })
    }
}
