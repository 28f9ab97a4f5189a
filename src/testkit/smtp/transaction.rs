//! MAIL, RCPT, DATA and what comes of them.

use std::{
    io,
    sync::{Arc, PoisonError},
};

use super::{
    fault::{Fault, Stage},
    record::Delivery,
    session::{Session, ended},
};

/// What ends the data.
const END: &[u8] = b"\r\n.\r\n";

/// A transaction under way.
pub(super) struct Mail {
    reverse_path: String,
    parameters: Vec<String>,
    recipients: Vec<String>,
}

impl Session {
    /// Answers MAIL.
    pub(super) fn mail(&mut self, argument: &str) -> String {
        if self.locked() {
            return "530 5.7.0 Must issue a STARTTLS command first".to_owned();
        }
        if self.login.is_none() {
            return "530 5.7.0 Authentication required".to_owned();
        }
        if self.mail.is_some() {
            return "503 5.5.1 Nested MAIL command".to_owned();
        }
        let Some((reverse_path, parameters)) = path(argument, "FROM:") else {
            return "501 5.5.4 Syntax: MAIL FROM:<address>".to_owned();
        };
        let parameters: Vec<String> = parameters.split_whitespace().map(str::to_owned).collect();
        let size =
            parameters.iter().find_map(|parameter| parameter.strip_prefix("SIZE=")?.parse::<usize>().ok());
        if size.is_some_and(|size| size > self.shared.manners.size) {
            return "552 5.3.4 Message size exceeds fixed limit".to_owned();
        }
        if !reverse_path.is_ascii() && !parameters.iter().any(|parameter| parameter == "SMTPUTF8") {
            return "553 5.6.7 SMTPUTF8 is required".to_owned();
        }
        self.mail = Some(Mail { reverse_path: reverse_path.to_owned(), parameters, recipients: Vec::new() });
        self.shared.manners.accepted.to_owned()
    }

    /// Answers RCPT.
    pub(super) async fn recipient(&mut self, argument: &str) -> io::Result<()> {
        self.act(Stage::Rcpt, |session| session.judge_recipient(argument)).await.map(drop)
    }

    fn judge_recipient(&mut self, argument: &str) -> String {
        let Some(taken) = self.mail.as_ref().map(|mail| mail.recipients.len()) else {
            return "503 5.5.1 Error: need MAIL command".to_owned();
        };
        let Some((address, _)) = path(argument, "TO:") else {
            return "501 5.5.4 Syntax: RCPT TO:<address>".to_owned();
        };
        let lower = address.to_lowercase();
        let refused = self.fault(|fault| match fault {
            Fault::RefuseRecipient { address, reply } if *address == lower => Some(reply.clone()),
            Fault::TooManyRecipients { after } if taken >= *after => {
                Some("452 4.5.3 Too many recipients".to_owned())
            }
            _ => None,
        });
        if let Some(reply) = refused {
            return reply;
        }
        if self.fault(|fault| matches!(fault, Fault::Greylist).then_some(())).is_some() {
            let mut seen = self.shared.greylisted.lock().unwrap_or_else(PoisonError::into_inner);
            if seen.insert(lower) {
                return format!("450 4.2.0 <{address}>: Recipient address rejected: Greylisted");
            }
        }
        if let Some(mail) = &mut self.mail {
            mail.recipients.push(address.to_owned());
        }
        "250 2.1.5 Ok".to_owned()
    }

    /// Answers DATA, reads the message and answers its end.
    pub(super) async fn data(&mut self) -> io::Result<()> {
        let reply = self
            .act(Stage::Data, |session| match &session.mail {
                Some(mail) if !mail.recipients.is_empty() => "354 End data with <CR><LF>.<CR><LF>".to_owned(),
                Some(_) => "554 5.5.1 Error: no valid recipients".to_owned(),
                None => "503 5.5.1 Error: need RCPT command".to_owned(),
            })
            .await?;
        if !reply.starts_with(b"354") {
            return Ok(());
        }
        let octets = self.read_data().await?;
        self.act(Stage::EndOfData, |session| session.take_message(octets)).await.map(drop)
    }

    async fn read_data(&mut self) -> io::Result<Vec<u8>> {
        self.shared.record.session(self.connection, |session| session.data_began = session.client_octets);
        let close_amid = self.fault(|fault| match fault {
            Fault::CloseAmidData { octets } => Some(*octets),
            _ => None,
        });
        let room = close_amid.or_else(|| self.room());
        // The data begins a line, so that a dot at its very beginning may end it.
        let mut data = b"\r\n".to_vec();
        let mut searched = 0;
        loop {
            let chunk = self.wire.chunk().await?;
            if chunk.is_empty() {
                return Err(ended());
            }
            data.extend(chunk);
            let unseen = data.get(searched..).unwrap_or_default();
            let found = unseen.windows(END.len()).position(|window| window == END);
            let end = found.map(|at| searched + at + END.len());
            if let Some(end) = end.filter(|end| room.is_none_or(|room| end - 2 <= room)) {
                let rest = data.split_off(end);
                self.wire.unread(rest);
                self.consumed(data.len() - 2)?;
                return Ok(without_stuffing(&data));
            }
            if room.is_some_and(|room| data.len() - 2 >= room) {
                return Err(ended());
            }
            searched = data.len().saturating_sub(END.len() - 1);
        }
    }

    fn take_message(&mut self, octets: Vec<u8>) -> String {
        let (Some(mail), Some(login)) = (self.mail.take(), self.login.clone()) else {
            return "503 5.5.1 Error: need MAIL command".to_owned();
        };
        if octets.len() > self.shared.manners.size {
            return "552 5.3.4 Message size exceeds fixed limit".to_owned();
        }
        let delivery = Delivery {
            login,
            reverse_path: mail.reverse_path,
            recipients: mail.recipients,
            octets: Arc::from(octets),
            parameters: mail.parameters,
        };
        let number = self.shared.record.delivered(delivery.clone());
        let now = self.shared.clock.now().as_unix();
        self.shared.targets.put(&self.shared.manners, &delivery, number, now);
        format!("{} {number:08X}", self.shared.manners.queued)
    }
}

/// The message in data that runs from the line end before it to the dot behind it.
fn without_stuffing(data: &[u8]) -> Vec<u8> {
    let data = data.strip_suffix(b".\r\n").unwrap_or(data);
    let mut octets = Vec::with_capacity(data.len());
    let mut line_end = 0;
    for octet in data {
        let stuffed = line_end == 2 && *octet == b'.';
        line_end = match octet {
            b'\r' => 1,
            b'\n' if line_end == 1 => 2,
            _ => 0,
        };
        if !stuffed {
            octets.push(*octet);
        }
    }
    octets.drain(..2.min(octets.len()));
    octets
}

/// The address in angle brackets behind `keyword`, and what follows it.
fn path<'a>(argument: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let start = argument.get(..keyword.len())?;
    let rest = argument.get(keyword.len()..)?.trim_start();
    if !start.eq_ignore_ascii_case(keyword) {
        return None;
    }
    // A quoted local part may hold an angle bracket.
    rest.strip_prefix('<')?.rsplit_once('>')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stuffing_goes_and_nothing_else() {
        for (data, message) in [
            ("\r\n.\r\n", ""),
            ("\r\n..\r\na..\r\n\r\n..b\r\n.\r\n", ".\r\na..\r\n\r\n.b\r\n"),
            ("\r\na\n.b\r\n.\r\n", "a\n.b\r\n"),
        ] {
            assert_eq!(without_stuffing(data.as_bytes()), message.as_bytes(), "{data:?}");
        }
    }
}
