//! One mail transaction (RFC 5321 §3.3).

use std::fmt;
use std::time::{Duration, Instant};

use super::classify::{self, Stage};
use super::octets::without_last_line_end;
use super::recipients::Recipients;
use super::reply::Reply;
use super::session::Session;
use super::wire::Handover;
use crate::contract::{SendFailure, SendPermit, SendReport, Submission};
use crate::error::{Error, ErrorKind, Result};
use crate::types::Address;

/// The longest that anything is waited for: a sum of times has to fit.
const LONGEST: Duration = Duration::from_hours(24);

/// How a transaction ended.
pub(super) struct Ended {
    pub(super) result: Result<SendReport, SendFailure>,
    /// Where it leaves the session.
    pub(super) session: Leaves,
}

/// Where a transaction leaves the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaves {
    /// At rest: another transaction may begin.
    AtRest,
    /// In the middle of it; RSET brings it to rest.
    Amid,
    /// Beyond use.
    Broken,
    /// Beyond use before anything of the transaction was taken: another session may begin it anew.
    Untouched,
}

impl Ended {
    fn failed(session: Leaves, failure: impl Into<SendFailure>) -> Self {
        Self { result: Err(failure.into()), session }
    }
}

/// Hands a message over.
pub(super) async fn hand_over(
    session: &mut Session,
    submission: &Submission,
    permit: &dyn SendPermit,
) -> Ended {
    let parameters = match parameters(session, submission) {
        Ok(parameters) => parameters,
        Err(error) => return Ended::failed(Leaves::AtRest, error),
    };
    let mail = format!("MAIL FROM:<{}>{parameters}\r\n", submission.reverse_path);
    match session.command("smtp_mail", mail).await {
        Ok(reply) if reply.is_positive() => {}
        Ok(reply) => return refused(session, Stage::Mail, &reply, Recipients::default()),
        Err(error) if error.kind() == ErrorKind::ConnectionLost => {
            return Ended::failed(Leaves::Untouched, error);
        }
        Err(error) => return Ended::failed(Leaves::Broken, error),
    }
    let mut recipients = Recipients::default();
    for address in &submission.forward_paths {
        if recipients.are_enough() {
            recipients.leave(address);
            continue;
        }
        let reply = match session.command("smtp_rcpt", format!("RCPT TO:<{address}>\r\n")).await {
            Ok(reply) => reply,
            Err(error) => return broken(error, recipients),
        };
        if ends_session(&reply) || (300..400).contains(&reply.code) {
            return refused(session, Stage::Recipient, &reply, recipients);
        }
        recipients.answered(address, &reply, &session.veil, session.provider);
    }
    if let Some(error) = recipients.objection(submission.policy) {
        return Ended::failed(Leaves::Amid, SendFailure::new(error, recipients.into_results()));
    }
    match session.command("smtp_data", "DATA\r\n").await {
        Ok(reply) if reply.code == 354 => {}
        Ok(reply) => return refused(session, Stage::Data, &reply, recipients),
        Err(error) => return broken(error, recipients),
    }
    data(session, submission, permit, recipients).await
}

/// Writes the message, and judges what became of it.
async fn data(
    session: &mut Session,
    submission: &Submission,
    permit: &dyn SendPermit,
    recipients: Recipients,
) -> Ended {
    let patience = session.deadlines.end_of_data.min(LONGEST);
    session.witness.begin(Instant::now() + patience);
    // Asked when all is out but the write that completes the message: whoever slept through its claim finds out there. A way
    // out of DATA there is none but to leave.
    let permit = async {
        let asked = Instant::now();
        // Counted from before the question: the time the answer took is not given twice.
        permit.confirm().await.map(|granted| asked + granted.min(patience))
    };
    let octets = without_last_line_end(&submission.octets);
    let outcome = session.message(octets, patience, permit).await;
    let handed_over = matches!(session.witness.handover(), Handover::Done(_));
    session.witness.set_handover(Handover::No);
    match outcome {
        Ok(reply) if handed_over && reply.is_positive() => {
            let report = SendReport::new(recipients.into_results(), reply.shown(&session.veil));
            Ended { result: Ok(report), session: Leaves::AtRest }
        }
        Ok(reply) if handed_over && (reply.is_transient() || reply.is_permanent()) => {
            refused(session, Stage::EndOfData, &reply, recipients)
        }
        Ok(reply) if handed_over => {
            let error = classify::refused(Stage::EndOfData, &reply, &session.veil, session.provider);
            broken(unknown(error), recipients)
        }
        Err(error) if handed_over => broken(unknown(error), recipients),
        Ok(reply) => {
            let error = classify::refused(Stage::EndOfData, &reply, &session.veil, session.provider);
            broken(error, recipients)
        }
        Err(error) => broken(error, recipients),
    }
}

fn unknown(error: Error) -> Error {
    let message = "the message was handed over and its acceptance not heard: it may have been sent";
    Error::new(ErrorKind::DeliveryUnknown, message).with_source(error)
}

fn broken(error: Error, recipients: Recipients) -> Ended {
    Ended::failed(Leaves::Broken, SendFailure::new(error, recipients.into_results()))
}

fn refused(session: &Session, stage: Stage, reply: &Reply, recipients: Recipients) -> Ended {
    let error = classify::refused(stage, reply, &session.veil, session.provider);
    let leaves = match (stage, error.kind()) {
        (Stage::Mail, _) if ends_session(reply) => Leaves::Untouched,
        _ if ends_session(reply) => Leaves::Broken,
        // What answers out of place is not understood any more.
        (_, ErrorKind::Protocol) => Leaves::Broken,
        _ => Leaves::Amid,
    };
    Ended::failed(leaves, SendFailure::new(error, recipients.into_results()))
}

/// RFC 5321 §3.8: the server closes the connection.
fn ends_session(reply: &Reply) -> bool {
    reply.code == 421
}

/// The parameters of MAIL.
fn parameters(session: &Session, submission: &Submission) -> Result<String> {
    let length = submission.octets.len() as u64;
    if let Some(limit) = session.extensions.size
        && length > limit
    {
        let message = format!("the message has {length} octets, the server takes {limit}");
        return Err(Error::new(ErrorKind::MessageTooLarge, message));
    }
    let mut parameters =
        if session.extensions.has("SIZE") { format!(" SIZE={length}") } else { String::new() };
    let international = |address: &Address| !address.local().is_ascii();
    let by_sender = international(&submission.reverse_path);
    if by_sender || submission.forward_paths.iter().any(international) {
        if !session.extensions.has("SMTPUTF8") {
            let (kind, whose) = if by_sender {
                (ErrorKind::SenderRefused, "the sender's")
            } else {
                (ErrorKind::RecipientRefused, "a recipient's")
            };
            let why = "address holds letters beyond ASCII, and the server does not offer SMTPUTF8";
            return Err(Error::new(kind, format!("{whose} {why}")));
        }
        parameters.push_str(" SMTPUTF8");
    }
    if !submission.octets.is_ascii() && session.extensions.has("8BITMIME") {
        parameters.push_str(" BODY=8BITMIME");
    }
    Ok(parameters)
}

impl fmt::Debug for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ended({:?})", self.session)
    }
}
