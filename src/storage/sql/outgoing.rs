//! Intents to send as rows.

use std::collections::BTreeSet;

use super::row::{Column, Row};
use super::statement::{self, Sql};
use super::transaction::Tx;

use super::failure::{corrupt, failure, newer};
use super::values;
use crate::contract::{
    BlobInfo, Bounce, ComposedMessage, FiledCopy, Filing, NewOutgoing, Outgoing, OutgoingRecipient,
    OutgoingState, OutgoingWork, RecipientState, Route,
};
use crate::error::Result;
use crate::storage::rules::{HeldClaim, OutgoingRow};
use crate::types::{
    AccountId, Address, Field, KeyDigest, MailboxName, OutgoingId, PracticeId, RecipientPolicy, Timestamp,
    Uid, UidValidity, UserId,
};

pub(super) const SELECT: &str = "
    SELECT id, author, account, key, draft, message, message_id, rendition, sha256, size, reverse_path, policy, not_before,
           created_at, state, recipients, attempts, next_try, held, sent_at, failure, failure_message, decide_after, filing,
           filed_mailbox, filed_validity, filed_uid, claim_token, claim_work, claim_until, claim_epoch,
           claim_permitted
    FROM outgoing WHERE practice = ?1 AND id = ?2";

const INSERT: &str = "
    INSERT INTO outgoing (practice, id, ordinal, author, account, key, draft, message, message_id, rendition, sha256, size,
        reverse_path, policy, not_before, created_at, state, recipients, attempts, held, filing, claim_token, keys)
    VALUES (?1, ?2, (SELECT coalesce(max(ordinal), 0) + 1 FROM outgoing WHERE practice = ?1),
        ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, 'queued', '[]', 0, 0, 'not', 0, ?16)";

/// Who holds the claim stays as it was where nobody new does.
const SAVE: &str = "
    UPDATE outgoing SET
        state = ?3, recipients = ?4, attempts = ?5, next_try = ?6, held = ?7, sent_at = ?8, failure = ?9,
        failure_message = ?10, decide_after = ?11, filing = ?12, filed_mailbox = ?13, filed_validity = ?14, filed_uid = ?15,
        claim_token = ?16, claim_work = ?17, claim_until = ?18, claim_epoch = ?19, claim_permitted = ?20
    WHERE practice = ?1 AND id = ?2";

const NAME_HOLDER: &str = "UPDATE outgoing SET claim_holder = ?3 WHERE practice = ?1 AND id = ?2";

/// Null, where nobody knows which they were, stays null.
const ADD_KEYS: Sql = Sql::each(
    "UPDATE outgoing SET keys = CAST(keys || ?3 AS BLOB) WHERE practice = ?1 AND id = ?2",
    "UPDATE outgoing SET keys = keys || ?3 WHERE practice = ?1 AND id = ?2",
);

const WORKS: [(OutgoingWork, &str); 4] = [
    (OutgoingWork::Deliver, "deliver"),
    (OutgoingWork::Recover, "recover"),
    (OutgoingWork::Look, "look"),
    (OutgoingWork::File, "file"),
];

const POLICIES: [(RecipientPolicy, &str); 2] =
    [(RecipientPolicy::AllOrNone, "all_or_none"), (RecipientPolicy::AcceptedOnes, "accepted_ones")];

/// One intent.
pub(super) async fn load(
    tx: &mut Tx<'_>,
    practice: &PracticeId,
    id: OutgoingId,
) -> Result<Option<OutgoingRow>> {
    let row = statement::query(SELECT)
        .bind(practice.as_str())
        .bind(id.as_bytes().as_slice())
        .fetch_optional(tx)
        .await
        .map_err(failure)?;
    row.map(|row| from_row(practice, &row)).transpose()
}

/// Adds an intent just queued.
pub(super) async fn insert(tx: &mut Tx<'_>, item: &Outgoing) -> Result<()> {
    let message = &item.message;
    statement::query(INSERT)
        .bind(message.practice.as_str())
        .bind(message.id.as_bytes().as_slice())
        .bind(message.author.as_str())
        .bind(message.route.account().map(AccountId::as_str))
        .bind(message.key.as_deref())
        .bind(message.draft.as_bytes().as_slice())
        .bind(message.message.as_bytes().as_slice())
        .bind(message.message_id.as_str())
        .bind(message.rendition.as_bytes().as_slice())
        .bind(message.octets.sha256.as_bytes().as_slice())
        .bind(message.octets.size.cast_signed())
        .bind(message.reverse_path.to_string())
        .bind(name_of(&POLICIES, message.policy))
        .bind(values::seconds(message.not_before))
        .bind(item.created_at.as_unix())
        .bind(Vec::new())
        .execute(tx)
        .await
        .map_err(failure)?;
    save(tx, &OutgoingRow::new(item.clone())).await
}

/// Writes back what may change of an intent.
pub(super) async fn save(tx: &mut Tx<'_>, row: &OutgoingRow) -> Result<()> {
    let OutgoingRow { item, token, claim } = row;
    let place = item.filed.as_ref().and_then(|copy| copy.uid);
    statement::query(SAVE)
        .bind(item.message.practice.as_str())
        .bind(item.message.id.as_bytes().as_slice())
        .bind(item.state.as_str())
        .bind(recipients_to_json(&item.recipients)?)
        .bind(i64::from(item.attempts))
        .bind(values::seconds(item.next_try))
        .bind(item.held)
        .bind(values::seconds(item.sent_at))
        .bind(item.failure.as_ref().map(|(kind, _)| kind.as_str()))
        .bind(item.failure.as_ref().map(|(_, message)| message.as_str()))
        .bind(values::seconds(item.decide_after))
        .bind(item.filing.as_str())
        .bind(item.filed.as_ref().map(|copy| copy.mailbox.as_wire()))
        .bind(place.map(|(validity, _)| i64::from(validity.get())))
        .bind(place.map(|(_, uid)| i64::from(uid.get())))
        .bind(token.cast_signed())
        .bind(claim.as_ref().and_then(|claim| name_of(&WORKS, claim.work)))
        .bind(claim.as_ref().map(|claim| claim.until.as_unix()))
        .bind(claim.as_ref().map(|claim| claim.epoch.cast_signed()))
        .bind(claim.as_ref().is_some_and(|claim| claim.permitted))
        .execute(tx)
        .await
        .map_err(failure)?;
    Ok(())
}

/// Writes who holds the claim, for whoever reads the tables.
pub(super) async fn name_holder(tx: &mut Tx<'_>, row: &OutgoingRow, holder: &str) -> Result<()> {
    statement::query(NAME_HOLDER)
        .bind(row.item.message.practice.as_str())
        .bind(row.item.message.id.as_bytes().as_slice())
        .bind(holder)
        .execute(tx)
        .await
        .map_err(failure)?;
    Ok(())
}

/// Remembers the keys that an intent's message is found by as it was sent.
pub(super) async fn add_keys(tx: &mut Tx<'_>, item: &Outgoing, keys: &BTreeSet<KeyDigest>) -> Result<()> {
    statement::query(ADD_KEYS)
        .bind(item.message.practice.as_str())
        .bind(item.message.id.as_bytes().as_slice())
        .bind(values::keys_to_octets(keys))
        .execute(tx)
        .await
        .map_err(failure)?;
    Ok(())
}

fn from_row(practice: &PracticeId, row: &Row) -> Result<OutgoingRow> {
    let recipients = recipients(&text(row, "recipients")?)?;
    let mut item = Outgoing::new(message(practice, row, &recipients)?, time(row, "created_at")?);
    item.recipients = recipients;
    item.state = named(OutgoingState::ALL, OutgoingState::as_str, &text(row, "state")?)?;
    item.attempts = values::small(get(row, "attempts")?)?;
    item.next_try = optional_time(row, "next_try")?;
    item.held = get(row, "held")?;
    item.sent_at = optional_time(row, "sent_at")?;
    item.decide_after = optional_time(row, "decide_after")?;
    item.filing = named(Filing::ALL, Filing::as_str, &text(row, "filing")?)?;
    if let Some(kind) = get::<Option<String>>(row, "failure")? {
        let message = get::<Option<String>>(row, "failure_message")?.unwrap_or_default();
        item.failure = Some((values::error_kind(&kind)?, message));
    }
    if let Some(mailbox) = get::<Option<Vec<u8>>>(row, "filed_mailbox")? {
        item.filed = Some(FiledCopy::new(MailboxName::from_wire(mailbox), filed_uid(row)?));
    }
    let token = get::<i64>(row, "claim_token")?.cast_unsigned();
    let claim = match get::<Option<String>>(row, "claim_work")? {
        None => None,
        Some(work) => Some(HeldClaim {
            work: value_of(&WORKS, &work)?,
            until: time(row, "claim_until")?,
            epoch: get::<i64>(row, "claim_epoch")?.cast_unsigned(),
            permitted: get(row, "claim_permitted")?,
        }),
    };
    Ok(OutgoingRow { item, token, claim })
}

fn message(practice: &PracticeId, row: &Row, recipients: &[OutgoingRecipient]) -> Result<NewOutgoing> {
    let id = values::outgoing_id(&octets(row, "id")?)?;
    let author = UserId::new(text(row, "author")?).map_err(|_| corrupt("a user's id"))?;
    let route = match get::<Option<String>>(row, "account")? {
        Some(account) => Route::Own(values::account(account)?),
        None => Route::Noreply,
    };
    let sha256 = values::digest(&octets(row, "sha256")?)?;
    let composed = ComposedMessage {
        message: values::message_key(&octets(row, "message")?)?,
        message_id: values::message_id(&text(row, "message_id")?)?,
        rendition: values::digest(&octets(row, "rendition")?)?,
        octets: BlobInfo::new(sha256, get::<i64>(row, "size")?.cast_unsigned()),
        reverse_path: Address::parse(&text(row, "reverse_path")?).map_err(|_| corrupt("an address"))?,
    };
    let recipients = recipients.iter().map(|r| (r.field, r.address.clone())).collect();
    let mut message = NewOutgoing::new(practice.clone(), id, author, route, composed, recipients);
    message.key = get(row, "key")?;
    message.draft = values::digest(&octets(row, "draft")?)?;
    message.policy = value_of(&POLICIES, &text(row, "policy")?)?;
    message.not_before = optional_time(row, "not_before")?;
    Ok(message)
}

fn filed_uid(row: &Row) -> Result<Option<(UidValidity, Uid)>> {
    let (validity, uid) = (get::<Option<i64>>(row, "filed_validity")?, get::<Option<i64>>(row, "filed_uid")?);
    let Some((validity, uid)) = validity.zip(uid) else { return Ok(None) };
    Ok(Some((values::uid_validity(validity)?, values::uid(uid)?)))
}

fn get<T: Column>(row: &Row, column: &str) -> Result<T> {
    row.named(column).map_err(failure)
}

fn text(row: &Row, column: &str) -> Result<String> {
    get(row, column)
}

fn octets(row: &Row, column: &str) -> Result<Vec<u8>> {
    get(row, column)
}

fn time(row: &Row, column: &str) -> Result<Timestamp> {
    get(row, column).map(Timestamp::from_unix)
}

fn optional_time(row: &Row, column: &str) -> Result<Option<Timestamp>> {
    Ok(get::<Option<i64>>(row, column)?.map(Timestamp::from_unix))
}

/// The value of this name.
fn named<T: Copy, const N: usize>(all: [T; N], name: fn(T) -> &'static str, text: &str) -> Result<T> {
    all.into_iter().find(|value| name(*value) == text).ok_or_else(|| newer("a word about an intent"))
}

fn name_of<T: Copy + PartialEq>(names: &[(T, &'static str)], value: T) -> Option<&'static str> {
    names.iter().find(|(named, _)| *named == value).map(|(_, name)| *name)
}

fn value_of<T: Copy>(names: &[(T, &'static str)], text: &str) -> Result<T> {
    let found = names.iter().find(|(_, name)| *name == text).map(|(value, _)| *value);
    found.ok_or_else(|| newer("a word about an intent"))
}

type RecipientColumns = (String, String, String, String, String, Option<BounceColumns>);
type BounceColumns = (bool, Option<String>, String, i64);

fn recipients_to_json(list: &[OutgoingRecipient]) -> Result<String> {
    let bounce = |b: &Bounce| (b.permanent, b.status.clone(), b.diagnostic.clone(), b.at.as_unix());
    let columns = |r: &OutgoingRecipient| -> RecipientColumns {
        let (local, domain) = (r.address.local().to_owned(), r.address.domain().as_str().to_owned());
        let (field, state) = (r.field.as_str().to_owned(), r.state.as_str().to_owned());
        (field, local, domain, state, r.reply.clone(), r.bounce.as_ref().map(bounce))
    };
    values::json(&list.iter().map(columns).collect::<Vec<_>>())
}

fn recipients(text: &str) -> Result<Vec<OutgoingRecipient>> {
    let read = |(field, local, domain, state, reply, bounce): RecipientColumns| {
        let field = Field::parse(&field).ok_or_else(|| newer("a field"))?;
        let address = Address::from_parts(&local, &domain).map_err(|_| corrupt("an address"))?;
        let mut recipient = OutgoingRecipient::new(field, address);
        recipient.state = named(RecipientState::ALL, RecipientState::as_str, &state)?;
        recipient.reply = reply;
        recipient.bounce = bounce.map(|(permanent, status, diagnostic, at)| {
            Bounce::new(permanent, status, diagnostic, Timestamp::from_unix(at))
        });
        Ok(recipient)
    };
    values::from_json(text)?.into_iter().map(read).collect()
}
