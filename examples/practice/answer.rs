//! What a command answers: one object, for a program or for a person.

use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;

use practicemail::error::{Error, ErrorKind, Result};
use serde::Serialize;

/// A command's answer.
pub(crate) struct Answer {
    json: String,
    text: String,
    whole: bool,
}

impl Answer {
    /// An answer; not `whole` when part of what was asked for failed.
    pub(crate) fn of(answer: &(impl Serialize + Display), whole: bool) -> Result<Self> {
        let json = serde_json::to_string(answer)
            .map_err(|cause| Error::new(ErrorKind::Invalid, "the answer is no JSON").with_source(cause))?;
        Ok(Self { json, text: answer.to_string(), whole })
    }

    /// An answer that was written already.
    pub(crate) const fn said() -> Self {
        Self { json: String::new(), text: String::new(), whole: true }
    }

    /// Prints it and tells with which code to exit.
    pub(crate) fn print(&self, json: bool) -> ExitCode {
        let text = if json { &self.json } else { &self.text };
        if text.is_empty() && self.json.is_empty() {
            return ExitCode::SUCCESS;
        }
        // A reader that has seen enough and closed the pipe is no failure.
        let _ = writeln!(std::io::stdout().lock(), "{}", text.trim_end());
        if self.whole { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
