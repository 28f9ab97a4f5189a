//! By which way a message leaves, and what its From shows. Pure.

use crate::contract::{AccountRecord, AccountState, Practice, Route, User};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::{Noreply, NoreplyReplyTo, PracticeSettings};
use crate::types::{Address, Recipient};

/// A way, and who the message says it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sender {
    pub(crate) route: Route,
    pub(crate) from: Recipient,
    pub(crate) reply_to: Option<Recipient>,
    /// Where delivery failures go.
    pub(crate) reverse_path: Address,
}

/// Chooses the way: the author's own account; noreply only where there is none that sends, or where the practice says so.
///
/// An account that is set up and broken is chosen all the same: its failure is told, never replaced by another sender. Nor is
/// one that is switched off, which is refused.
pub(crate) fn choose(
    practice: &Practice,
    settings: &PracticeSettings,
    author: &User,
    accounts: &[AccountRecord],
    wished: Option<&Address>,
) -> Result<Sender> {
    if !author.active {
        return Err(Error::new(ErrorKind::Forbidden, "the user has left the practice"));
    }
    if let Some(noreply) = settings.noreply.as_ref().filter(|noreply| noreply.always) {
        return by_noreply(practice, noreply, author);
    }
    let own = |record: &&AccountRecord| {
        record.account.user == author.id
            && record.state != AccountState::Disconnected
            && record.account.settings.outgoing.is_some()
    };
    let mut usable: Vec<&AccountRecord> = accounts.iter().filter(own).collect();
    let is_off = |record: &AccountRecord| record.state == AccountState::SwitchedOff;
    // The account of that address, else one in use, of those the one named as the user is, else the first.
    usable.sort_by_key(|record| {
        let fits = wished.is_some_and(|wished| record.account.address.key() == wished.key());
        (!fits, is_off(record), record.account.id.as_str() != author.id.as_str())
    });
    match (usable.first(), &settings.noreply) {
        (Some(record), _) if is_off(record) => {
            Err(Error::new(ErrorKind::SwitchedOff, "the practice has switched the account's way off"))
        }
        (Some(record), _) => by_account(author, record, wished),
        (None, Some(noreply)) => by_noreply(practice, noreply, author),
        (None, None) => Err(Error::new(
            ErrorKind::NoWayToSend,
            "the user has no account that sends, the practice no noreply",
        )),
    }
}

fn by_account(author: &User, record: &AccountRecord, wished: Option<&Address>) -> Result<Sender> {
    let account = &record.account;
    let aliases = || author.aliases.iter().chain([&author.address]).filter_map(|a| Address::parse(a).ok());
    let address = match wished {
        None => account.address.clone(),
        Some(wished) if account.address.key() == wished.key() => wished.clone(),
        Some(wished) if aliases().any(|alias| alias.key() == wished.key()) => wished.clone(),
        Some(_) => {
            return Err(Error::new(ErrorKind::SenderRefused, "the user has no such address to send from"));
        }
    };
    Ok(Sender {
        route: Route::Own(account.id.clone()),
        from: Recipient::named(&author.name, address),
        reply_to: None,
        reverse_path: account.address.clone(),
    })
}

fn by_noreply(practice: &Practice, noreply: &Noreply, author: &User) -> Result<Sender> {
    let address = Address::parse(&noreply.address)?;
    let reply_to = match &noreply.reply_to {
        NoreplyReplyTo::Author => {
            Address::parse(&author.address).ok().map(|address| Recipient::named(&author.name, address))
        }
        NoreplyReplyTo::Nobody => None,
        NoreplyReplyTo::Address(text) => Some(Recipient::named(&practice.name, Address::parse(text)?)),
    };
    Ok(Sender {
        route: Route::Noreply,
        from: Recipient::named(&format!("{} ({})", author.name, practice.name), address.clone()),
        reply_to,
        reverse_path: address,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{AccountHealth, NewAccount};
    use crate::settings::{AccountSettings, Login, Outgoing, ServerSettings, TlsMode};
    use crate::types::{AccountId, PracticeId, UserId};

    fn server() -> ServerSettings {
        ServerSettings::new("mail.hale.example", 465, TlsMode::Implicit).unwrap()
    }

    fn account(id: &str, address: &str, sends: Option<AccountState>) -> AccountRecord {
        let login = Login::new(address).unwrap();
        let mut settings = AccountSettings::new(server(), login.clone());
        if sends.is_some() {
            settings = settings.sending(server(), login);
        }
        let account = NewAccount::new(
            PracticeId::new("p").unwrap(),
            AccountId::new(id).unwrap(),
            UserId::new("anna").unwrap(),
            Address::parse(address).unwrap(),
            settings,
        );
        let state = sends.unwrap_or(AccountState::Connected);
        let health =
            AccountHealth { failure: Some(ErrorKind::AuthenticationFailed), ..AccountHealth::default() };
        AccountRecord::new(account, state, 0, health)
    }

    fn chosen(accounts: &[AccountRecord], noreply: Option<Noreply>, wished: Option<&str>) -> Result<Sender> {
        let practice = Practice::new(PracticeId::new("p").unwrap(), "Hale & Partners");
        let mut author = User::new(UserId::new("anna").unwrap(), "Anna Hale", "anna@hale.example");
        author.aliases = vec!["vat@hale.example".to_owned()];
        let settings = PracticeSettings { noreply, ..PracticeSettings::default() };
        let wished = wished.map(|text| Address::parse(text).unwrap());
        choose(&practice, &settings, &author, accounts, wished.as_ref())
    }

    fn noreply() -> Noreply {
        let address = Address::parse("noreply@hale.example").unwrap();
        Noreply::new(&address, Outgoing::smtp(server(), Login::new("noreply").unwrap()))
    }

    /// S3
    #[test]
    fn noreply_stands_in_only_where_no_account_sends() {
        let connected = Some(AccountState::Connected);
        let route = |accounts: &[AccountRecord]| chosen(accounts, Some(noreply()), None).unwrap().route;
        assert_eq!(route(&[]), Route::Noreply);
        assert_eq!(route(&[account("anna", "anna@hale.example", None)]), Route::Noreply);
        assert_eq!(
            route(&[account("anna", "anna@hale.example", Some(AccountState::Disconnected))]),
            Route::Noreply
        );
        // A failing account is still the way: its failure is told, not hidden behind another sender.
        let own = Route::Own(AccountId::new("anna").unwrap());
        assert_eq!(route(&[account("anna", "anna@hale.example", connected)]), own);
        assert_eq!(chosen(&[], None, None).unwrap_err().kind(), ErrorKind::NoWayToSend);
    }

    /// S7
    #[test]
    fn an_account_that_is_switched_off_is_refused_and_not_replaced_by_noreply() {
        let off = || account("anna", "anna@hale.example", Some(AccountState::SwitchedOff));
        let on = || account("desk", "desk@hale.example", Some(AccountState::Connected));
        let refused = |accounts: &[AccountRecord], wished| {
            chosen(accounts, Some(noreply()), wished)
                .is_err_and(|error| error.kind() == ErrorKind::SwitchedOff)
        };
        assert!(refused(&[off()], None));
        assert!(
            refused(&[off(), on()], Some("anna@hale.example")),
            "the address they chose is that account's"
        );
        assert!(!refused(&[off(), on()], None));
        let mut reads = account("anna", "anna@hale.example", None);
        reads.state = AccountState::SwitchedOff;
        assert_eq!(chosen(&[reads], Some(noreply()), None).unwrap().route, Route::Noreply);
        let always = chosen(&[off()], Some(noreply().for_everybody()), None).unwrap();
        assert_eq!(always.route, Route::Noreply);
    }

    #[test]
    fn a_noreply_message_shows_who_wrote_it_and_where_replies_go() {
        let sender = chosen(&[], Some(noreply()), None).unwrap();
        assert_eq!(sender.from.name.as_str(), "Anna Hale (Hale & Partners)");
        assert_eq!(sender.reply_to.unwrap().address.to_string(), "anna@hale.example");
        let nobody = noreply().reply_to(NoreplyReplyTo::Nobody);
        assert_eq!(chosen(&[], Some(nobody), None).unwrap().reply_to, None);
        let desk = noreply().reply_to(NoreplyReplyTo::Address("desk@hale.example".to_owned()));
        let desk = chosen(&[], Some(desk), None).unwrap().reply_to.unwrap();
        assert_eq!(desk.address.to_string(), "desk@hale.example");
        let accounts = [account("anna", "anna@hale.example", Some(AccountState::Connected))];
        let always = chosen(&accounts, Some(noreply().for_everybody()), None).unwrap();
        assert_eq!(always.route, Route::Noreply);
    }

    #[test]
    fn a_sender_address_is_the_accounts_or_an_alias_of_its_user() {
        let connected = Some(AccountState::Connected);
        let accounts = [
            account("anna", "anna@hale.example", connected),
            account("desk", "desk@hale.example", connected),
        ];
        let from = |wished: &str| chosen(&accounts, None, Some(wished));
        assert_eq!(from("Anna@hale.example").unwrap().from.address.to_string(), "Anna@hale.example");
        let alias = from("vat@hale.example").unwrap();
        assert_eq!((alias.from.address.local(), alias.reverse_path.local()), ("vat", "anna"));
        assert_eq!(from("desk@hale.example").unwrap().route, Route::Own(AccountId::new("desk").unwrap()));
        assert_eq!(from("boss@hale.example").unwrap_err().kind(), ErrorKind::SenderRefused);
    }
}
