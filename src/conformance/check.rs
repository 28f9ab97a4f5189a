//! Single checks: how they are run, and what they say when they fail.

use std::any::Any;
use std::fmt::Debug;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::report::{CheckReport, Report};
use crate::error::{Error, ErrorKind};

/// Longest a check may take: the largest writes a few hundred messages.
pub(super) const LIMIT: Duration = Duration::from_mins(1);
/// Longest description of a value in a failure.
const MAX_SHOWN: usize = 600;

pub(super) type Outcome<T = ()> = Result<T, Failure>;

/// Why a check did not pass, for the implementor.
#[derive(Debug)]
pub(super) enum Failure {
    /// What was found instead.
    Wrong(String),
    /// Why it could not be made.
    NotChecked(String),
}

impl Failure {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self::Wrong(what.into())
    }

    /// What it says.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Wrong(text) | Self::NotChecked(text) => text,
        }
    }

    pub(super) fn not_checked(why: impl Into<String>) -> Self {
        Self::NotChecked(why.into())
    }
}

/// A call that should have gone well.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Wrong(format!("a call failed: {error:?}"))
    }
}

impl From<crate::types::InvalidId> for Failure {
    fn from(error: crate::types::InvalidId) -> Self {
        Error::from(error).into()
    }
}

impl From<crate::types::AddressError> for Failure {
    fn from(error: crate::types::AddressError) -> Self {
        Error::from(error).into()
    }
}

/// One check, on a bench of its own.
pub(super) struct Check<B> {
    pub(super) clause: &'static str,
    pub(super) name: &'static str,
    pub(super) run: for<'a> fn(&'a B) -> LocalBoxFuture<'a, Outcome>,
}

pub(super) async fn run<'c, B: 'c>(
    suite: &'static str,
    checks: impl IntoIterator<Item = &'c Check<B>>,
    fresh: impl AsyncFn() -> Outcome<B>,
) -> Report {
    let mut reports = Vec::new();
    for check in checks {
        let attempt = async {
            let bench = fresh().await?;
            (check.run)(&bench).await
        };
        let (failure, not_checked) = match ended(attempt).await {
            Ok(()) => (None, None),
            Err(Failure::Wrong(failure)) => (Some(failure), None),
            Err(Failure::NotChecked(why)) => (None, Some(why)),
        };
        reports.push(CheckReport { clause: check.clause, name: check.name, failure, not_checked });
    }
    Report::new(suite, reports)
}

/// How an attempt ended; one that panics or hangs has failed.
pub(super) async fn ended(attempt: impl Future<Output = Outcome>) -> Outcome {
    match AssertUnwindSafe(tokio::time::timeout(LIMIT, attempt)).catch_unwind().await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(Failure::new(format!("it did not end within {} seconds", LIMIT.as_secs()))),
        Err(panic) => Err(Failure::new(format!("it panicked: {}", panic_message(&*panic)))),
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

/// Fails unless `actual` is `expected`.
pub(super) fn same<T: PartialEq + Debug>(what: &str, actual: &T, expected: &T) -> Outcome {
    hold(actual == expected, || format!("{what}: expected {}, found {}", shown(expected), shown(actual)))
}

/// Fails unless `holds`.
pub(super) fn hold(holds: bool, what: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(Failure::new(what())) }
}

/// Fails unless a call was refused with `kind`.
pub(super) fn refused<T>(what: &str, result: Result<T, Error>, kind: ErrorKind) -> Outcome {
    match result {
        Err(error) if error.kind() == kind => Ok(()),
        Err(error) => Err(Failure::new(format!(
            "{what}: expected to be refused with {kind:?}, was refused with {error:?}"
        ))),
        Ok(_) => Err(Failure::new(format!("{what}: expected to be refused with {kind:?}, was done"))),
    }
}

/// The value that has to be there.
pub(super) fn present<T>(what: &str, value: Option<T>) -> Outcome<T> {
    value.ok_or_else(|| Failure::new(format!("{what} is missing")))
}

fn shown(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    match text.char_indices().nth(MAX_SHOWN) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text,
    }
}
