//! D1 to D7.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::check::{self, Check, Failure, Outcome, hold, present, same};
use super::directory_shape::{Contents, DirectoryChange, DirectoryShape};
use super::report::Report;
use crate::contract::{ClientEntry, ClientKey, Practice, PracticeDirectory, Retention, Role, User};
use crate::types::{Address, PracticeId};

/// No directory of a practice this small has as many pages.
const MAX_PAGES: usize = 10_000;
/// More than any sensible page holds.
const MANY_CLIENTS: usize = 1_500;

struct Bench {
    shape: DirectoryShape,
    contents: RefCell<Contents>,
    directory: Box<dyn PracticeDirectory>,
    change: Box<dyn Fn(DirectoryChange) -> LocalBoxFuture<'static, ()>>,
    practice: PracticeId,
}

pub(super) async fn run<D, C>(shape: DirectoryShape, open: impl AsyncFn() -> (D, C)) -> Report
where
    D: PracticeDirectory + 'static,
    C: AsyncFn(DirectoryChange) + 'static,
{
    let checks = CHECKS.iter().filter(|check| check.clause != "D5" || !shape.is_one_practice());
    let report = check::run("practice directory", checks, async || {
        let (directory, change) = open().await;
        let change = Rc::new(change);
        let change = move |asked| {
            let change = Rc::clone(&change);
            async move { change(asked).await }.boxed_local()
        };
        let bench = Bench {
            practice: shape.practice_id("practice")?,
            shape: shape.clone(),
            contents: RefCell::default(),
            directory: Box::new(directory),
            change: Box::new(change),
        };
        bench.seed().await?;
        Ok(bench)
    })
    .await;
    report.leaving_out(shape.left_out())
}

const CHECKS: &[Check<Bench>] = &[
    Check {
        clause: "D1",
        name: "an unknown practice is none and has nothing",
        run: |b| Box::pin(unknown_practice(b)),
    },
    Check {
        clause: "D1",
        name: "a practice and its users are given as they were entered",
        run: |b| Box::pin(known_practice(b)),
    },
    Check {
        clause: "D2",
        name: "every key of every client is named once",
        run: |b| Box::pin(every_key_once(b)),
    },
    Check {
        clause: "D2",
        name: "so are those of more clients than one page holds",
        run: |b| Box::pin(every_key_of_many(b)),
    },
    Check {
        clause: "D3",
        name: "the revision stays while nothing changes",
        run: |b| Box::pin(revision_stays(b)),
    },
    Check { clause: "D3", name: "every change changes the revision", run: |b| Box::pin(revision_changes(b)) },
    Check {
        clause: "D4",
        name: "a client's keys are what the pages say of it",
        run: |b| Box::pin(keys_of_client(b)),
    },
    Check { clause: "D4", name: "an unknown client has none", run: |b| Box::pin(unknown_client(b)) },
    Check { clause: "D5", name: "practices do not see each other", run: |b| Box::pin(isolated(b)) },
    Check {
        clause: "D6",
        name: "nothing has to be kept of a client unknown",
        run: |b| Box::pin(unknown_is_free(b)),
    },
    Check { clause: "D6", name: "what has to be kept outlives the client", run: |b| Box::pin(kept(b)) },
    Check {
        clause: "D7",
        name: "what a held client had is held when it, or the client, was taken out",
        run: |b| Box::pin(former_keys_are_kept(b)),
    },
];

impl Bench {
    /// Two clients that share a key, one with a domain, one without keys, and a user who has left.
    async fn seed(&self) -> Outcome {
        self.change(DirectoryChange::PutPractice(entered(self.practice.clone()))).await;
        let mut anna = User::new(self.shape.user_id("u1")?, "Anna", "anna@mueller.example");
        anna.aliases = vec!["office@mueller.example".to_owned(), "a.m@mueller.example".to_owned()];
        anna.role = Role::Administrator;
        let mut left = User::new(self.shape.user_id("u2")?, "Ben", "ben@mueller.example");
        left.active = false;
        for user in [anna, left] {
            self.change(DirectoryChange::PutUser(self.practice.clone(), user)).await;
        }
        let shared = address("shared@client.example");
        self.put_client("c1", vec![address("One@Client.example"), shared.clone()]).await?;
        self.put_client("c2", vec![shared, ClientKey::Domain("client2.example".to_owned())]).await?;
        self.put_client("c3", Vec::new()).await
    }

    async fn change(&self, change: DirectoryChange) {
        let change = self.shape.fit(change);
        self.contents.borrow_mut().take(&change);
        (self.change)(change).await;
    }

    fn contents(&self) -> Contents {
        self.contents.borrow().clone()
    }

    async fn put_client(&self, client: &str, keys: Vec<ClientKey>) -> Outcome {
        let client = self.shape.client_id(client)?;
        self.change(DirectoryChange::PutClient(self.practice.clone(), client, keys)).await;
        Ok(())
    }

    /// Every page of a practice's keys, and their one revision.
    async fn read(&self, practice: &PracticeId) -> Outcome<(String, Vec<ClientEntry>)> {
        let mut page = self.directory.client_keys(practice, None).await?;
        let revision = page.revision;
        let mut entries = page.entries;
        for _ in 0..MAX_PAGES {
            let Some(next) = page.next else { return Ok((revision, entries)) };
            page = self.directory.client_keys(practice, Some(next)).await?;
            same("the revision on a later page", &page.revision, &revision)?;
            entries.append(&mut page.entries);
        }
        Err(Failure::new(format!("there is a next page after {MAX_PAGES} pages")))
    }

    async fn revision(&self) -> Outcome<String> {
        Ok(self.directory.client_keys(&self.practice, None).await?.revision)
    }
}

fn entered(practice: PracticeId) -> Practice {
    let mut practice = Practice::new(practice, "Müller & Söhne \u{1f4e7}");
    practice.domains = vec!["mueller.example".to_owned()];
    practice.never_log = vec!["news@letters.example".to_owned()];
    practice
}

fn address(text: &str) -> ClientKey {
    ClientKey::Address(text.to_owned())
}

fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<_> = items.into_iter().collect();
    items.sort();
    items
}

async fn unknown_practice(b: &Bench) -> Outcome {
    let unknown = b.shape.practice_id("nobody's")?;
    same("an unknown practice", &b.directory.practice(&unknown).await?, &None)?;
    same("its users", &b.directory.users(&unknown).await?, &Vec::new())?;
    same("its keys", &b.read(&unknown).await?.1, &Vec::new())?;
    let (user, client) = (b.shape.user_id("u1")?, b.shape.client_id("c1")?);
    same("the keys of a client there", &b.directory.keys_of(&unknown, &client).await?, &None)?;
    same("whether anybody sees a client there", &b.directory.may_see(&unknown, &user, &client).await?, &false)
}

async fn known_practice(b: &Bench) -> Outcome {
    let practice = b.shape.practice(present("the practice", b.directory.practice(&b.practice).await?)?);
    let entered = b.shape.practice(entered(b.practice.clone()));
    same("its id", &practice.id, &entered.id)?;
    same("its name", &practice.name, &entered.name)?;
    same("its domains", &practice.domains, &entered.domains)?;
    same("what it never logs", &practice.never_log, &entered.never_log)?;
    same("whether it folds addresses", &practice.fold_addresses, &false)?;
    let users = b.directory.users(&b.practice).await?;
    let users: BTreeMap<_, _> = users.into_iter().map(|user| (user.id.clone(), user)).collect();
    same("how many users there are, those who left too", &users.len(), &2)?;
    let anna = present("a user", users.get(&b.shape.user_id("u1")?))?;
    same("their address", &anna.address.as_str(), &"anna@mueller.example")?;
    same("their role", &anna.role, &Role::Administrator)?;
    let aliases = ["a.m@mueller.example".to_owned(), "office@mueller.example".to_owned()];
    let mut with_aliases = anna.clone();
    with_aliases.aliases = aliases.to_vec();
    same("their aliases", &sorted(anna.aliases.clone()), &b.shape.user(with_aliases).aliases)?;
    same("whether they are active", &anna.active, &true)?;
    let ben = present("a user who left", users.get(&b.shape.user_id("u2")?))?;
    same("whether one who left is active", &ben.active, &false)
}

async fn every_key_once(b: &Bench) -> Outcome {
    let shared = address("shared@client.example");
    let entered = [
        ("c1", vec![address("One@Client.example"), shared.clone()]),
        ("c2", vec![shared, ClientKey::Domain("client2.example".to_owned())]),
    ];
    let mut expected = Vec::new();
    for (client, keys) in entered {
        let client = b.shape.client_id(client)?;
        expected.extend(b.shape.keys(keys).into_iter().map(|key| ClientEntry::new(client.clone(), key)));
    }
    same("the entries", &sorted(b.read(&b.practice).await?.1), &sorted(expected))
}

async fn every_key_of_many(b: &Bench) -> Outcome {
    let mut expected = b.read(&b.practice).await?.1;
    for number in 0..MANY_CLIENTS {
        let client = format!("many {number}");
        let keys = vec![address(&format!("{number}@many.example")), address("all@many.example")];
        b.put_client(&client, keys.clone()).await?;
        let client = b.shape.client_id(&client)?;
        expected.extend(b.shape.keys(keys).into_iter().map(|key| ClientEntry::new(client.clone(), key)));
    }
    let found = b.read(&b.practice).await?.1;
    same("how many entries there are", &found.len(), &expected.len())?;
    let (found, expected): (BTreeSet<_>, BTreeSet<_>) =
        (found.into_iter().collect(), expected.into_iter().collect());
    same("entries that are missing or doubled", &expected.symmetric_difference(&found).collect(), &Vec::new())
}

async fn revision_stays(b: &Bench) -> Outcome {
    let before = b.revision().await?;
    b.directory.users(&b.practice).await?;
    b.read(&b.practice).await?;
    same("the revision after nothing but reading", &b.revision().await?, &before)
}

async fn revision_changes(b: &Bench) -> Outcome {
    let practice = b.practice.clone();
    let mut renamed = Practice::new(practice.clone(), "Müller");
    renamed.domains = vec!["mueller.example".to_owned()];
    let mut folding = renamed.clone();
    folding.fold_addresses = true;
    let mut silent = folding.clone();
    silent.never_log = vec!["letters.example".to_owned()];
    let mut moved = silent.clone();
    moved.domains.push("sons.example".to_owned());
    let ben = User::new(b.shape.user_id("u2")?, "Ben", "ben@mueller.example");
    let mut aliased = ben.clone();
    aliased.aliases.push("benjamin@mueller.example".to_owned());
    let client =
        |keys| Ok::<_, Failure>(DirectoryChange::PutClient(practice.clone(), b.shape.client_id("c3")?, keys));
    let put_user = |user| DirectoryChange::PutUser(practice.clone(), user);
    let changes = [
        ("new keys of a client", client(vec![address("three@client.example")])?),
        ("a key spelt differently", client(vec![address("thrée@client.example")])?),
        ("as many other keys", client(vec![address("drei@client.example")])?),
        ("a domain in place of an address", client(vec![ClientKey::Domain("drei.example".to_owned())])?),
        ("no keys any more", client(Vec::new())?),
        ("a client removed", DirectoryChange::RemoveClient(practice.clone(), b.shape.client_id("c1")?)),
        ("a user active again", put_user(ben)),
        ("a user's alias", put_user(aliased)),
        ("a user removed", DirectoryChange::RemoveUser(practice.clone(), b.shape.user_id("u2")?)),
        ("addresses folded", DirectoryChange::PutPractice(folding)),
        ("mail never logged", DirectoryChange::PutPractice(silent)),
        ("a further domain", DirectoryChange::PutPractice(moved)),
    ];
    b.change(DirectoryChange::PutPractice(renamed)).await;
    let mut contents = vec![b.contents()];
    let mut seen = BTreeSet::from([b.revision().await?]);
    for (what, change) in changes {
        b.change(change).await;
        let now = b.contents();
        // A fact that the tables do not hold changes nothing; a digest of what was there before may be what it was then.
        if !contents.contains(&now) {
            contents.push(now);
            hold(seen.insert(b.revision().await?), || {
                format!("{what}: the revision is one that was there before")
            })?;
        }
    }
    Ok(())
}

async fn keys_of_client(b: &Bench) -> Outcome {
    let entries = b.read(&b.practice).await?.1;
    for client in ["c1", "c2", "c3"] {
        let client = b.shape.client_id(client)?;
        let of_client = entries.iter().filter(|entry| entry.client == client).map(|entry| entry.key.clone());
        let keys = present("a client", b.directory.keys_of(&b.practice, &client).await?)?;
        same("the keys of a client", &sorted(keys), &sorted(of_client))?;
    }
    Ok(())
}

async fn unknown_client(b: &Bench) -> Outcome {
    for client in ["c4", "C1", "c1 "] {
        let client = b.shape.client_id(client)?;
        same("the keys of an unknown client", &b.directory.keys_of(&b.practice, &client).await?, &None)?;
    }
    let client = b.shape.client_id("c1")?;
    b.change(DirectoryChange::RemoveClient(b.practice.clone(), client.clone())).await;
    same("the keys of a client that was removed", &b.directory.keys_of(&b.practice, &client).await?, &None)
}

async fn unknown_is_free(b: &Bench) -> Outcome {
    let client = b.shape.client_id("c1")?;
    b.change(DirectoryChange::SetRetention(b.practice.clone(), client.clone(), Retention::HELD)).await;
    for (practice, client) in
        [(b.practice.clone(), b.shape.client_id("c4")?), (b.shape.practice_id("nobody's")?, client)]
    {
        let retention = b.directory.retention(&practice, &client).await?;
        same("what has to be kept of an unknown client", &retention, &Retention::FREE)?;
    }
    Ok(())
}

async fn kept(b: &Bench) -> Outcome {
    let client = b.shape.client_id("c1")?;
    let set = async |retention| {
        b.change(DirectoryChange::SetRetention(b.practice.clone(), client.clone(), retention)).await;
        b.directory.retention(&b.practice, &client).await
    };
    let both = Retention { held: true, keep_days: Some(3_650) };
    let asked = [Retention::HELD, Retention::days(30), both, Retention::FREE, Retention::HELD];
    let mut answers = Vec::new();
    for retention in asked {
        answers.push(set(retention).await?);
    }
    if answers.iter().all(|answer| *answer == Retention::FREE) {
        return Ok(());
    }
    same("what has to be kept, as it is settled", &answers, &asked.to_vec())?;
    let other = b.directory.retention(&b.practice, &b.shape.client_id("c2")?).await?;
    hold(!other.held, || "holding one client's mail holds another's".to_owned())?;
    b.change(DirectoryChange::RemoveClient(b.practice.clone(), client.clone())).await;
    let left = b.directory.retention(&b.practice, &client).await?;
    same("what has to be kept of a client that was removed", &left, &Retention::HELD)
}

async fn former_keys_are_kept(b: &Bench) -> Outcome {
    let (client, held) = (b.shape.client_id("c1")?, Address::parse("one@client.example")?);
    b.change(DirectoryChange::SetRetention(b.practice.clone(), client.clone(), Retention::HELD)).await;
    if b.directory.retention(&b.practice, &client).await? == Retention::FREE {
        return Ok(());
    }
    let put =
        DirectoryChange::PutClient(b.practice.clone(), client.clone(), vec![address("new@client.example")]);
    for (what, change) in [
        ("a key was taken out", put),
        ("the client was taken out", DirectoryChange::RemoveClient(b.practice.clone(), client)),
    ] {
        b.change(change).await;
        let retention = b.directory.former_retention(&b.practice, &held).await?;
        same(&format!("what is kept after {what}"), &retention, &Retention::HELD)?;
    }
    let other = Address::parse("nobody@else.example")?;
    let retention = b.directory.former_retention(&b.practice, &other).await?;
    same("what is kept of an address that was nobody's", &retention, &Retention::FREE)
}

async fn isolated(b: &Bench) -> Outcome {
    let other = b.shape.practice_id("Practice")?;
    let (theirs, client) = (b.shape.user_id("u9")?, b.shape.client_id(b.shape.others_client())?);
    let before = (b.directory.users(&b.practice).await?, sorted(b.read(&b.practice).await?.1));
    b.change(DirectoryChange::PutPractice(Practice::new(other.clone(), "Another"))).await;
    let user = User::new(theirs.clone(), "Eve", "eve@other.example");
    b.change(DirectoryChange::PutUser(other.clone(), user.clone())).await;
    let key = address("only@other.example");
    b.change(DirectoryChange::PutClient(other.clone(), client.clone(), vec![key.clone()])).await;
    let after = (b.directory.users(&b.practice).await?, sorted(b.read(&b.practice).await?.1));
    same("the first practice's users", &after.0, &before.0)?;
    same("the first practice's keys", &after.1, &before.1)?;
    same("the second practice's users", &b.directory.users(&other).await?, &vec![user])?;
    let entry = ClientEntry::new(client.clone(), key.clone());
    same("the second practice's keys", &b.read(&other).await?.1, &vec![entry])?;
    let own = b.directory.keys_of(&other, &client).await?;
    same("the keys of a client of the same id", &own, &Some(vec![key]))?;
    same(
        "the keys of the other's client",
        &b.directory.keys_of(&other, &b.shape.client_id("c2")?).await?,
        &None,
    )?;
    let sees = b.directory.may_see(&b.practice, &theirs, &client).await?;
    same("whether a user of another practice sees a client", &sees, &false)
}
