//! `disconnect`: an account is taken out of use.

use std::fmt;

use practicemail::error::Result;
use practicemail::practice_mail::{Archived, Disconnected, Revocation, Viewer};
use serde::Serialize;

use crate::answer::Answer;
use crate::args::DisconnectArgs;
use crate::failure::Failure;
use crate::host::Host;

/// Disconnects an account; what is archived of it stays unless it is to be erased.
pub(crate) async fn run(host: &Host, args: &DisconnectArgs) -> Result<Answer> {
    let account = host.account_of(&args.whose).await?;
    let by = Viewer::System { reason: "the terminal's user owns the store" };
    let archived = if args.erase { Archived::Erase } else { Archived::Keep };
    let done = host.door.disconnect(host.practice()?, &by, &account, archived).await?;
    let row = Row::of(account.to_string(), &done, args.erase);
    Answer::of(&row, row.problem.is_none())
}

#[derive(Serialize)]
struct Row {
    account: String,
    revocation: &'static str,
    erased: bool,
    /// Why the provider could not be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Failure>,
}

impl Row {
    fn of(account: String, done: &Disconnected, erased: bool) -> Self {
        let (revocation, problem) = match &done.revocation {
            Revocation::Revoked => ("revoked", None),
            Revocation::NotOffered => ("not_offered", None),
            Revocation::Failed(error) => ("failed", Some(Failure::from(error))),
            _ => ("no_grant", None),
        };
        Self { account, revocation, erased, problem }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let archive = if self.erased { "erased" } else { "kept" };
        writeln!(f, "{} is disconnected; what was archived from it is {archive}.", self.account)?;
        match self.revocation {
            "revoked" => writeln!(f, "The provider has ended the permission.")?,
            "not_offered" => {
                let page = "https://myaccount.microsoft.com, under Apps";
                writeln!(
                    f,
                    "The permission is still listed at the provider; you can withdraw it at {page}."
                )?;
            }
            "failed" => writeln!(f, "The provider could not be told; the permission is forgotten here.")?,
            _ => {}
        }
        self.problem.as_ref().map_or(Ok(()), |problem| write!(f, "{problem}"))
    }
}
