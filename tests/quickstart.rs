//! The example `quickstart`, as a newcomer runs it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    let profile = test.parent().and_then(Path::parent).expect("a build directory");
    let binary = profile.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(binary.is_file(), "the example {name} is not built: run `cargo build --examples`");
    binary
}

#[test]
fn a_newcomer_sees_what_the_product_does_within_seconds() {
    let begun = Instant::now();
    let output = Command::new(example("quickstart")).output().expect("run the example");
    let took = begun.elapsed();
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(took < Duration::from_secs(10), "it took {took:?}");
    let tab = part(&text, "■ The Email tab of Marlow Bakery Ltd");
    for line in [
        "126 messages",
        "← Paula Marlow",
        "Re: VAT return Q4 2025",
        "📎 invoices-Q4-2025.zip (23 kB)",
        "In the mail of Anna, Ben · here because of From: paula@marlowbakery.example",
    ] {
        assert!(tab.contains(line), "{line:?} is not in {tab}");
    }
    let others = part(&text, "■ Every client has one");
    for words in
        ["Lohnabrechnung: Änderungen", "s’élève à 18 420 €", "Umowę najmu dośle żona", "確定申告の書類"]
    {
        assert!(others.contains(words), "{words:?} is not in {others}");
    }
    let added = part(&text, "■ Paula of the bakery also writes from");
    assert!(added.contains("9 messages of past years have appeared; the tab now has 135"), "{added}");
    let answered = part(&text, "■ Anna answers the bakery's latest message");
    for line in [
        "sent from anna's own account",
        "the copy was filed in the Sent mailbox",
        "nothing more leaves (known)",
    ] {
        assert!(answered.contains(line), "{line:?} is not in {answered}");
    }
    let noreply = part(&text, "■ Dan has connected no mailbox");
    for line in [
        "From Dan Price (Hale & Partners, accountants) <noreply@hale-partners.example>",
        "leaves from the practice's noreply address",
        "sent from the practice's noreply address",
        "Your appointment on Friday",
    ] {
        assert!(noreply.contains(line), "{line:?} is not in {noreply}");
    }
    let read = part(&text, "■ Read again");
    assert!(read.contains("The tab has 137 messages: two more."), "{read}");
    let again = part(&text, "■ One pass more");
    assert_eq!(again.matches("0 looked at: nothing new").count(), 3, "{again}");
    let status = part(&text, "■ How every user's mail fares");
    assert_eq!(status.lines().filter(|line| line.ends_with("   ok")).count(), 3, "{status}");
}

#[test]
fn mail_that_is_no_clients_appears_nowhere() {
    let output = Command::new(example("quickstart")).output().expect("run the example");
    let text = String::from_utf8(output.stdout).expect("text");
    for words in ["Tax Weekly", "Paper: buy three", "Printer on the second floor", "fee increase"] {
        assert!(!text.contains(words), "{words:?} is in {text}");
    }
    assert!(
        text.contains("Of 579 messages on the server, 426 are between a client and the practice"),
        "{text}"
    );
}

fn part<'a>(text: &'a str, heading: &str) -> &'a str {
    let begin = text.find(heading).unwrap_or_else(|| panic!("no part {heading:?} in {text}"));
    let rest = &text[begin + heading.len()..];
    rest.split("\n■ ").next().unwrap_or(rest)
}
