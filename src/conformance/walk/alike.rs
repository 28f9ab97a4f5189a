//! Whether two stores answered alike, and where they did not.

use std::fmt::Debug;

use crate::conformance::check::{Failure, Outcome};
use crate::error::{Error, ErrorKind, Result};
use crate::types::Timestamp;

/// What is shown of an answer, before and after it differs.
const BEFORE: usize = 120;
const AFTER: usize = 280;

/// Fails unless both succeeded with the same, or failed with the same kind, until the same time.
pub(super) fn alike<T: PartialEq + Debug>(what: &str, reference: &Result<T>, other: &Result<T>) -> Outcome {
    let holds = match (reference, other) {
        (Ok(one), Ok(two)) => one == two,
        (Err(one), Err(two)) => refusal(one) == refusal(two),
        _ => false,
    };
    if holds { Ok(()) } else { Err(differ(what, &format!("{reference:?}"), &format!("{other:?}"))) }
}

/// As [`alike`], of what of an answer has to be the same.
pub(super) fn alike_but<T, P: PartialEq + Debug>(
    what: &str,
    [reference, other]: &[Result<T>; 2],
    part: impl Fn(&T) -> P,
) -> Outcome {
    let part = |given: &Result<T>| given.as_ref().map(&part).map_err(refusal);
    let (reference, other) = (part(reference), part(other));
    if reference == other {
        return Ok(());
    }
    Err(differ(what, &format!("{reference:?}"), &format!("{other:?}")))
}

/// What of an error has to be the same: its kind, and until when it holds.
fn refusal(error: &Error) -> (ErrorKind, Option<Timestamp>) {
    (error.kind(), error.not_before())
}

/// Both from a little before the place where they first differ.
fn differ(what: &str, reference: &str, other: &str) -> Failure {
    if reference == other {
        // Texts, subjects and addresses are in no `Debug`.
        return Failure::new(format!(
            "{what} answered `{other:.AFTER$}` with another text, subject or address"
        ));
    }
    let same = reference.chars().zip(other.chars()).take_while(|(one, two)| one == two).count();
    let from = same.saturating_sub(BEFORE);
    let cut = |text: &str| {
        let shown: String = text.chars().skip(from).take(BEFORE + AFTER).collect();
        if from == 0 { shown } else { format!("… {shown}") }
    };
    Failure::new(format!("{what} answered `{}`, the reference `{}`", cut(other), cut(reference)))
}
