//! `erase` and `forget`: what goes out of the archive.

use std::fmt;

use practicemail::contract::Bars;
use practicemail::error::{Error, ErrorKind, Result};
use practicemail::practice_mail::{ErasedReport, ForgetOptions, Forgotten, Scope};
use serde::Serialize;

use crate::answer::Answer;
use crate::args::{EraseArgs, ForgetArgs};
use crate::host::{Host, viewer};

/// Erases a client's messages, those only a user has, or one.
pub(crate) async fn erase(host: &Host, args: &EraseArgs) -> Result<Answer> {
    let what = &args.what;
    let scope = match (&what.client, &what.user, what.id) {
        (Some(client), ..) => Scope::Client(client.clone()),
        (_, Some(user), _) => Scope::User(user.clone()),
        (.., Some(id)) => Scope::Message(id),
        _ => return Err(Error::new(ErrorKind::Invalid, "--client, --user or --id says what to erase")),
    };
    let bars = match &what.client {
        Some(client) if args.until_back => Bars::UntilClientIsBack(client.clone()),
        _ => Bars::ForEver,
    };
    let by = viewer(args.by.as_ref());
    let report = host.door.erase(host.practice()?, &by, &scope, &bars).await?;
    Answer::of(&Erased::from(report), true)
}

/// Erases what is no client's any more and whose time is over.
pub(crate) async fn forget(host: &Host, args: &ForgetArgs) -> Result<Answer> {
    let mut options = ForgetOptions::default().grace_days(args.grace_days);
    if args.confirm {
        options = options.confirmed();
    }
    let by = viewer(args.by.as_ref());
    let report = host.door.forget(host.practice()?, &by, options).await?;
    Answer::of(&Forgot::from(report), !report.stopped)
}

#[derive(Serialize)]
struct Erased {
    erased: usize,
    shared: usize,
    retained: usize,
    unsent: usize,
}

impl From<ErasedReport> for Erased {
    fn from(report: ErasedReport) -> Self {
        let ErasedReport { erased, shared, retained, unsent, .. } = report;
        Self { erased, shared, retained, unsent }
    }
}

impl fmt::Display for Erased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} messages erased.", self.erased)?;
        for (count, why) in [
            (self.shared, "are another client's too"),
            (self.retained, "must be kept"),
            (self.unsent, "are still to be sent"),
        ] {
            if count > 0 {
                write!(f, " {count} stay: they {why}.")?;
            }
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Forgot {
    messages: usize,
    unlisted: usize,
    gone: usize,
    due: usize,
    erased: usize,
    retained: usize,
    orphans: usize,
    stopped: bool,
}

impl From<Forgotten> for Forgot {
    fn from(report: Forgotten) -> Self {
        let Forgotten { messages, unlisted, gone, due, erased, retained, orphans, stopped, .. } = report;
        Self { messages, unlisted, gone, due, erased, retained, orphans, stopped }
    }
}

impl fmt::Display for Forgot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Of {} messages {} are no client's now, and {} are on no server any more.",
            self.messages, self.unlisted, self.gone
        )?;
        if self.stopped {
            return write!(
                f,
                "The time of {} is over: so many that nothing was erased. If that is right, --confirm erases them.",
                self.due
            );
        }
        write!(f, "The time of {} is over: {} erased, {} must be kept.", self.due, self.erased, self.retained)
    }
}
