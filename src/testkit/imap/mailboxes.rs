//! Commands about mailboxes rather than messages (RFC 9051 §6.3.4 to §6.3.10).

use super::{
    command::Arguments,
    personality::Manners,
    reply::{Reply, line, string},
    user::UserRecord,
};

pub(super) fn namespace(user: &UserRecord) -> Reply {
    let delimiter = user.store().delimiter();
    let delimiter = string(delimiter.to_string().as_bytes());
    let delimiter = String::from_utf8_lossy(&delimiter).into_owned();
    let mut untagged = Vec::new();
    line(&mut untagged, format!("* NAMESPACE ((\"\" {delimiter})) NIL NIL"));
    Reply::ok("Namespace completed.").with(untagged)
}

/// CREATE, with a special use where the server takes one (RFC 9051 §6.3.4, RFC 6154 §3).
pub(super) fn create(user: &UserRecord, personality: &Manners, arguments: &mut Arguments) -> Option<Reply> {
    let mailbox = arguments.octets()?;
    let mut attributes = Vec::new();
    if !arguments.is_empty() {
        let mut parameters = Arguments::new(arguments.list()?);
        if !personality.has("CREATE-SPECIAL-USE") || !parameters.skip("USE") {
            return None;
        }
        let uses = parameters.list()?;
        attributes = uses.iter().map(|special| special.text().map(str::to_owned)).collect::<Option<_>>()?;
    }
    let attributes: Vec<&str> = attributes.iter().map(String::as_str).collect();
    Some(if user.change(|store| store.create(&mailbox, &attributes)) {
        Reply::ok("CREATE completed.")
    } else {
        Reply::no("[ALREADYEXISTS] Mailbox already exists")
    })
}

/// DELETE, RENAME and the subscriptions (RFC 9051 §6.3.5 to §6.3.8).
pub(super) fn change(user: &UserRecord, name: &str, arguments: &mut Arguments) -> Option<Reply> {
    let mailbox = arguments.octets()?;
    let other = if name == "RENAME" { Some(arguments.octets()?) } else { None };
    let done = user.change(|store| match (name, other) {
        ("DELETE", _) => store.delete(&mailbox),
        (_, Some(other)) => store.rename(&mailbox, &other),
        (_, None) => {
            let found = store.get_mut(&mailbox);
            found.map(|mailbox| mailbox.subscribed = name == "SUBSCRIBE").is_some()
        }
    });
    Some(if done {
        Reply::ok(format!("{name} completed."))
    } else {
        Reply::no("[NONEXISTENT] Mailbox doesn't exist")
    })
}
