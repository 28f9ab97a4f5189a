//! A failure, in words that say what to do.

use std::error::Error as _;
use std::fmt;
use std::process::ExitCode;

use practicemail::error::{Error, Who};
use serde::Serialize;

/// A failure as it is answered.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    kind: &'static str,
    message: String,
    remedy: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    who: &'static str,
    retryable: bool,
    #[serde(skip)]
    summary: &'static str,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let advice = error.advice();
        Self {
            kind: error.kind().as_str(),
            message: with_causes(error),
            remedy: advice.remedy,
            hint: error.hint().map(str::to_owned),
            who: advice.who.as_str(),
            retryable: error.is_retryable(),
            summary: advice.summary,
        }
    }
}

/// Three lines: what happened, what to do, who.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "What happened:  {} ({})", self.summary, self.message)?;
        writeln!(f, "What to do:     {}", self.remedy)?;
        if let Some(hint) = &self.hint {
            writeln!(f, "                {hint}")?;
        }
        write!(f, "Who can do it:  {}", person(self.who))
    }
}

/// Prints a failure that prevented the command.
pub(crate) fn print(error: &Error, json: bool) -> ExitCode {
    let failure = Failure::from(error);
    if json {
        print_json(&failure);
    } else {
        eprintln!("{failure}");
    }
    ExitCode::FAILURE
}

/// Prints how a command is to be called; help and version, when asked for, are no failure.
pub(crate) fn usage(error: &clap::Error, json: bool) -> ExitCode {
    // Nobody is left to tell when the terminal is gone.
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    if json {
        print_json(&Failure {
            kind: "usage",
            message: error.kind().to_string(),
            remedy: "Correct the command; `--help` lists commands and options.",
            hint: None,
            who: Who::User.as_str(),
            retryable: false,
            summary: "The command cannot be understood.",
        });
    }
    ExitCode::from(2)
}

/// An advice's addressee, as a sentence has it.
pub(crate) fn person(who: &str) -> &str {
    match who {
        "user" => "the user",
        "administrator" => "an administrator",
        "host" => "whoever runs this program",
        "nobody" => "nobody has to do anything",
        other => other,
    }
}

fn print_json(failure: &Failure) {
    #[derive(Serialize)]
    struct Failed<'a> {
        error: &'a Failure,
    }
    println!("{}", serde_json::to_string(&Failed { error: failure }).unwrap_or_default());
}

fn with_causes(error: &Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    message
}
