//! What a check found, step by step.

use practicemail::practice_mail::{CheckReport, CheckStep};

/// Prints the steps, each server's to the first that failed, and what to do about that.
pub(crate) fn show(report: &CheckReport) {
    for (server, steps) in [("Reading", &report.incoming), ("Sending", &report.outgoing)] {
        if !steps.is_empty() {
            println!("{server}:");
            steps.iter().for_each(step);
        }
    }
}

fn step(step: &CheckStep) {
    let (name, detail) = (step.step.replace('_', " "), &step.detail);
    match &step.error {
        None => println!("  ✓ {name}: {detail}"),
        Some(error) => println!("  ✗ {name}: {}\n    {}", error.advice().summary, error.advice().remedy),
    }
}
