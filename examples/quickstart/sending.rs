//! What leaves the practice: an answer from a user's own account, and a message of one who has none.

use practicemail::PracticeMail;
use practicemail::contract::{Filing, Outgoing, Route};
use practicemail::practice_mail::{NoreplyRequest, RoutePreview, Tab, Viewer};
use practicemail::settings::{Login, Outgoing as Way, ServerSettings};
use practicemail::types::{
    Address, Answer, Draft, DraftFile, Entered, PracticeId, Secret, Signature, UserId,
};

use crate::practice::{CLIENTS, NOREPLY};
use crate::{PASSWORD, Result, show};

/// Settles the practice's noreply address, as an administrator does once.
pub(crate) async fn settle_noreply(
    mail: &PracticeMail,
    practice: &PracticeId,
    server: &ServerSettings,
) -> Result<()> {
    let way = Way::smtp(server.clone(), Login::new(NOREPLY)?);
    let request = NoreplyRequest::new(&Address::parse(NOREPLY)?, way, Entered::New(Secret::new(PASSWORD)));
    Ok(mail.set_noreply(practice, &Viewer::User(UserId::new("anna")?), Some(request)).await?)
}

/// Anna answers the latest message on a tab, with an attachment.
pub(crate) async fn answer(mail: &PracticeMail, practice: &PracticeId, tab: &Tab) -> Result<()> {
    let anna = UserId::new("anna")?;
    preview(&mail.preview_route(practice, &anna, None).await?);
    let latest = tab.messages.first().ok_or("the tab is empty")?;
    let draft = Draft::answering(Answer::Reply(latest.id))
        .text("Dear Paula,\n\nthe return is filed; the receipt is attached.\n")
        .html("<p>Dear Paula,</p><p>the return is filed; the receipt is <b>attached</b>.</p>")
        .signature(Signature::text("Anna Hale\nHale & Partners"))
        .file(DraftFile::attachment("receipt-Q4.pdf", "application/pdf", b"%PDF-1.7 receipt".as_slice()))
        .key("receipt-Q4-2025");
    let queued = mail.send(practice, &anna, draft.clone()).await?;
    outcome(&mail.outcome(practice, queued.id).await?);
    // The host's button was pressed twice: the same key is the same intent.
    let again = mail.send(practice, &anna, draft).await?;
    println!(
        "  Sent again by mistake under the same key: nothing more leaves ({}).",
        if again.known { "known" } else { "new" }
    );
    Ok(())
}

/// Dan writes, who has connected no mailbox.
pub(crate) async fn write_without_account(mail: &PracticeMail, practice: &PracticeId) -> Result<()> {
    let dan = UserId::new("dan")?;
    preview(&mail.preview_route(practice, &dan, None).await?);
    let draft = Draft::new("Your appointment on Friday")
        .to(Address::parse(CLIENTS[0].address)?)
        .text("Dear Paula,\n\nFriday at ten, as agreed.\n\nDan\n");
    let queued = mail.send(practice, &dan, draft).await?;
    outcome(&mail.outcome(practice, queued.id).await?);
    Ok(())
}

fn preview(preview: &RoutePreview) {
    println!("  Before writing, the screen says: From {} <{}>", preview.from.name, preview.from.address);
    if let Some(reply_to) = &preview.reply_to {
        println!("  Replies go to {}", reply_to.address);
    }
    if let Some(notice) = preview.notice() {
        println!("  {notice}");
    }
}

fn outcome(item: &Outgoing) {
    let way = match &item.message.route {
        Route::Own(account) => format!("from {account}'s own account"),
        _ => "from the practice's noreply address".to_owned(),
    };
    println!("  {} {way}", item.state.as_str());
    for recipient in &item.recipients {
        println!("    {} {}: {}", recipient.state.as_str(), recipient.address, recipient.reply);
    }
    let copy = match item.filing {
        Filing::Appended => "the copy was filed in the Sent mailbox",
        Filing::Server => "the provider filed the copy in the Sent mailbox",
        Filing::Pending => "the copy is still to be filed",
        _ => "there is no Sent mailbox to file a copy in",
    };
    println!("    {copy}");
}

/// The top of a tab after sending.
pub(crate) fn tab(tab: &Tab) {
    println!();
    show::page(CLIENTS[0].name, tab, &tab.messages, 2);
}
