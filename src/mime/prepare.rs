//! An answer completed: what its author left open follows from what it answers.

use std::collections::BTreeSet;

use super::draft_text::DraftText;
use super::{Answered, date, forward_subject, html, reply_subject};
use crate::types::{Address, AddressKey, Answer, Draft, Recipient};

/// Most recipients of a forwarded message told in the text.
const MAX_SHOWN: usize = 50;

/// Completes a draft that answers a message, once; a draft that answers none stays as it is. `own` are the addresses of
/// its author.
///
/// - A reply without recipients goes to Reply-To, else to the authors; one to what the author wrote himself, to those who got that.
/// - A reply to all has the other recipients in Cc besides, without the author's own addresses and without anybody twice.
/// - What is forwarded stands below the author's text and signature, as text in either form: HTML from outside is not sent on.
///   Its attachments go along.
/// - The subject has one prefix.
pub fn prepare(draft: &Draft, answered: &Answered, own: &[Address]) -> Draft {
    let subject = if draft.subject.is_empty() { &answered.subject } else { &draft.subject };
    let mut draft = Draft { subject: subject.clone(), ..draft.clone() };
    match draft.answers {
        None => {}
        Some(Answer::Forward(_)) => {
            draft.subject = forward_subject(subject.as_str());
            forward(&mut draft, answered);
        }
        Some(Answer::Reply(_)) => {
            draft.subject = reply_subject(draft.subject.as_str());
            if draft.recipients().next().is_none() {
                draft.to = partners(answered, &keys(own));
            }
        }
        Some(Answer::ReplyAll(_)) => {
            draft.subject = reply_subject(draft.subject.as_str());
            reply_all(&mut draft, answered, &keys(own));
        }
    }
    draft
}

fn keys(own: &[Address]) -> BTreeSet<AddressKey> {
    own.iter().map(Address::key).collect()
}

/// Those a reply goes to.
fn partners(answered: &Answered, own: &BTreeSet<AddressKey>) -> Vec<Recipient> {
    let others = |list: &[Recipient]| {
        let mut seen = own.clone();
        list.iter().filter(|one| seen.insert(one.address.key())).cloned().collect::<Vec<_>>()
    };
    let wrote_it = answered.from.iter().any(|author| own.contains(&author.address.key()));
    let lists = if wrote_it { [&answered.to, &answered.cc] } else { [&answered.reply_to, &answered.from] };
    lists
        .into_iter()
        .map(|list| others(list))
        .find(|list| !list.is_empty())
        // A message to oneself is answered to oneself.
        .unwrap_or_else(|| answered.from.iter().take(1).cloned().collect())
}

fn reply_all(draft: &mut Draft, answered: &Answered, own: &BTreeSet<AddressKey>) {
    if draft.to.is_empty() {
        draft.to = partners(answered, own);
    }
    let mut seen = own.clone();
    seen.extend(draft.recipients().map(|(_, recipient)| recipient.address.key()));
    for recipient in answered.to.iter().chain(&answered.cc) {
        if seen.insert(recipient.address.key()) {
            draft.cc.push(recipient.clone());
        }
    }
}

fn forward(draft: &mut Draft, answered: &Answered) {
    let mut text = DraftText::of(draft);
    if let Some(signature) = draft.signature.take() {
        text.sign(&signature);
    }
    let forwarded = format!("{}\n\n{}", head(answered), answered.text);
    text.add(&forwarded, &html::from_lines(&forwarded));
    draft.text = Some(text.text);
    draft.html = text.html;
    draft.files.extend(answered.files.iter().cloned());
}

/// What stands above a forwarded text.
fn head(answered: &Answered) -> String {
    let mut lines = vec!["---------- Forwarded message ----------".to_owned()];
    let mut add = |name: &str, value: String| {
        if !value.is_empty() {
            lines.push(format!("{name}: {value}"));
        }
    };
    add("From", shown(&answered.from));
    add("Date", answered.date.and_then(date::format).unwrap_or_default());
    add("Subject", answered.subject.to_string());
    add("To", shown(&answered.to));
    add("Cc", shown(&answered.cc));
    lines.join("\n")
}

fn shown(list: &[Recipient]) -> String {
    let one = |recipient: &Recipient| match recipient.name.as_str() {
        "" => recipient.address.to_string(),
        name => format!("{name} <{}>", recipient.address),
    };
    let mut shown: Vec<_> = list.iter().take(MAX_SHOWN).map(one).collect();
    if list.len() > MAX_SHOWN {
        shown.push("…".to_owned());
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mime::answered;
    use crate::types::{CleanText, DraftFile, MessageKey, Signature};

    const MAIL: &[u8] = b"From: Paula <paula@bakery.example>\r\nReply-To: desk@bakery.example\r\nTo: Anna@office.example, \
        Bob <bob@office.example>\r\nCc: eve@other.example, BOB@office.example\r\nSubject: AW: VAT <1>\r\n\
        Date: Tue, 24 Nov 2026 09:30:00 +0100\r\nMessage-ID: <m@bakery.example>\r\n\
        Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>1 &lt; 2<script>x</script>\r\n\
        --b\r\nContent-Type: application/pdf; name=\"../a.pdf\"\r\nContent-ID: <i>\r\n\r\nPDF\r\n--b--\r\n";

    fn key() -> MessageKey {
        MessageKey::from_slice(&[0; 32]).unwrap()
    }

    fn own() -> [Address; 1] {
        [Address::parse("anna@office.example").unwrap()]
    }

    fn prepared(draft: &Draft) -> Draft {
        prepare(draft, &answered(MAIL), &own())
    }

    fn shown_as(list: &[Recipient]) -> Vec<String> {
        list.iter().map(|recipient| recipient.address.to_string()).collect()
    }

    #[test]
    fn a_reply_goes_to_reply_to_unless_it_names_recipients() {
        let reply = Draft::answering(Answer::Reply(key())).text("Yes");
        let draft = prepared(&reply);
        assert_eq!(shown_as(&draft.to), ["desk@bakery.example"]);
        assert_eq!((draft.cc.len(), draft.subject.as_str(), draft.files.len()), (0, "Re: VAT <1>", 0));
        assert_eq!(draft.text.as_deref(), Some("Yes"));
        let named = prepared(&reply.bcc(Address::parse("x@y").unwrap()));
        assert_eq!((named.to.len(), named.bcc.len()), (0, 1));
    }

    #[test]
    fn a_reply_to_all_leaves_out_oneself_and_doubles() {
        let draft = prepared(&Draft::answering(Answer::ReplyAll(key())));
        assert_eq!(shown_as(&draft.to), ["desk@bakery.example"]);
        assert_eq!(shown_as(&draft.cc), ["bob@office.example", "eve@other.example"]);
    }

    #[test]
    fn a_reply_to_oneself_goes_to_those_who_got_the_message() {
        let paula = [Address::parse("PAULA@bakery.example").unwrap()];
        let draft = prepare(&Draft::answering(Answer::Reply(key())), &answered(MAIL), &paula);
        assert_eq!(shown_as(&draft.to), ["Anna@office.example", "bob@office.example"]);
        let all = prepare(&Draft::answering(Answer::ReplyAll(key())), &answered(MAIL), &paula);
        assert_eq!(shown_as(&all.cc), ["eve@other.example"]);
        let note = answered(b"From: anna@office.example\r\nTo: anna@office.example\r\n\r\nnote\r\n");
        let draft = prepare(&Draft::answering(Answer::Reply(key())), &note, &own());
        assert_eq!(shown_as(&draft.to), ["anna@office.example"]);
    }

    #[test]
    fn what_is_forwarded_stands_below_text_and_signature() {
        let draft = prepared(
            &Draft::answering(Answer::Forward(key()))
                .text("Look")
                .html("<p>Look</p>")
                .file(DraftFile::attachment("own.txt", "text/plain", *b"own"))
                .signature(Signature::text("Anna")),
        );
        assert_eq!((draft.subject.as_str(), draft.to.len(), &draft.signature), ("Fwd: VAT <1>", 0, &None));
        let head = "---------- Forwarded message ----------\nFrom: Paula <paula@bakery.example>\n\
            Date: Tue, 24 Nov 2026 09:30:00 +0100\nSubject: AW: VAT <1>\nTo: Anna@office.example, Bob <bob@office.example>\n\
            Cc: eve@other.example, BOB@office.example";
        assert_eq!(draft.text.unwrap(), format!("Look\n\n-- \nAnna\n\n{head}\n\n1 < 2"));
        let html = draft.html.unwrap();
        assert!(html.find("Anna").unwrap() < html.find("Forwarded").unwrap());
        assert!(html.contains("VAT &lt;1&gt;") && html.contains("1 &lt; 2") && !html.contains("script"));
        let names: Vec<_> = draft.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["own.txt", "a.pdf"]);
        assert!(draft.files[1].content_id.is_none() && draft.files[1].octets == b"PDF");
    }

    #[test]
    fn a_subject_of_its_own_stays() {
        let draft = Draft { subject: CleanText::new("Re: Mine"), ..Draft::answering(Answer::Reply(key())) };
        assert_eq!(prepared(&draft).subject.as_str(), "Re: Mine");
        assert_eq!(prepared(&Draft::new("Mine")).subject.as_str(), "Mine");
    }
}
