//! S4, S12: what a practice settles for all its users.

use super::bench::Bench;
use crate::conformance::check::{Check, Outcome, same};
use crate::contract::ChangeKind;
use crate::settings::{Login, Noreply, NoreplyReplyTo, Outgoing, PracticeSettings, ServerSettings, TlsMode};
use crate::types::{Address, PracticeId};

pub(super) const CHECKS: &[Check<Bench>] = &[Check {
    clause: "S4",
    name: "a practice's settings are those settled last, and nobody else's",
    run: |b| Box::pin(settled(b)),
}];

async fn settled(b: &Bench) -> Outcome {
    let read = async || b.store.practice_settings(&b.practice).await;
    same("settings nobody settled", &read().await?, &PracticeSettings::default())?;
    let outgoing =
        Outgoing::smtp(ServerSettings::new("smtp.exämple.org", 587, TlsMode::StartTls)?, Login::new("bén")?);
    let noreply = Noreply::new(&Address::parse("noreply@practice.example")?, outgoing);
    let forms = [
        Some(noreply.clone().for_everybody()),
        Some(noreply.reply_to(NoreplyReplyTo::Address("\"office ü\"@practice.example".to_owned()))),
        None,
    ];
    for noreply in forms {
        let settings = PracticeSettings { noreply };
        b.store.set_practice_settings(&b.practice, &settings).await?;
        same("the settings", &read().await?, &settings)?;
        let other = b.store.practice_settings(&PracticeId::new("Practice")?).await?;
        same("the settings of another practice", &other, &PracticeSettings::default())?;
    }
    let told = b.store.changes(&b.practice, 0, 10).await?;
    let told: Vec<_> = told.into_iter().map(|change| (change.account, change.kind)).collect();
    same("what was told", &told, &vec![(None, ChangeKind::SettingsChanged); 3])
}
