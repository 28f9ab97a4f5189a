//! What a suite found.

use std::fmt;

/// How one check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
    /// The clause of the contract it belongs to (`S5`).
    pub clause: &'static str,
    /// What it expects, as a sentence.
    pub name: &'static str,
    /// What was found instead; `None` when it passed, and when it could not be made.
    pub failure: Option<String>,
    /// Why it could not be made: what is under test, or what surrounds it in the test, lacks what the check takes.
    pub not_checked: Option<String>,
}

impl CheckReport {
    /// Whether it was made, and found what it expects.
    pub fn passed(&self) -> bool {
        self.failure.is_none() && self.not_checked.is_none()
    }
}

/// How every check of a suite ended. `Display` lists the clauses, and of failed ones the checks.
#[derive(Debug, Clone)]
#[must_use = "a report fails nothing by itself: call `assert_passed`"]
pub struct Report {
    suite: &'static str,
    checks: Vec<CheckReport>,
    left_out: Vec<String>,
}

impl Report {
    /// Sorts by clause; inside one the order of the suite stays.
    pub(super) fn new(suite: &'static str, mut checks: Vec<CheckReport>) -> Self {
        checks.sort_by_key(|check| (check.clause.len(), check.clause));
        Self { suite, checks, left_out: Vec::new() }
    }

    /// Says what was not asked for.
    pub(super) fn leaving_out(mut self, left_out: Vec<String>) -> Self {
        self.left_out = left_out;
        self
    }

    /// What was not asked for, because the implementor said that there is none of it.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// Every check, by clause.
    pub fn checks(&self) -> &[CheckReport] {
        &self.checks
    }

    /// Every clause that was checked.
    pub fn clauses(&self) -> Vec<&'static str> {
        let mut clauses: Vec<_> = self.checks.iter().map(|check| check.clause).collect();
        clauses.dedup();
        clauses
    }

    /// The clauses of which a check failed.
    pub fn failed_clauses(&self) -> Vec<&'static str> {
        self.clauses_where(|check| check.failure.is_some())
    }

    /// The clauses of which a check could not be made.
    pub fn unchecked_clauses(&self) -> Vec<&'static str> {
        self.clauses_where(|check| check.not_checked.is_some())
    }

    fn clauses_where(&self, holds: impl Fn(&CheckReport) -> bool) -> Vec<&'static str> {
        let mut clauses: Vec<_> =
            self.checks.iter().filter(|check| holds(check)).map(|check| check.clause).collect();
        clauses.dedup();
        clauses
    }

    /// Fails the calling test when a check failed. What could not be checked stands in the report, and fails nothing.
    ///
    /// # Panics
    /// When a check failed, with the whole report.
    pub fn assert_passed(&self) {
        assert!(self.failed_clauses().is_empty(), "{self}");
    }

    /// Fails the calling test unless every check was made, and passed.
    ///
    /// # Panics
    /// When a check failed or could not be made, with the whole report.
    pub fn assert_complete(&self) {
        assert!(self.checks.iter().all(CheckReport::passed), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = self.checks.iter().filter(|check| check.failure.is_some()).count();
        write!(f, "{}: {failed} of {} checks failed", self.suite, self.checks.len())?;
        let unchecked = self.checks.iter().filter(|check| check.not_checked.is_some()).count();
        if unchecked > 0 {
            write!(f, ", {unchecked} not checked")?;
        }
        if !self.left_out.is_empty() {
            write!(f, "\n  left out: {}", self.left_out.join(", "))?;
        }
        for clause in self.clauses() {
            let of_clause = || self.checks.iter().filter(|check| check.clause == clause);
            let passed = of_clause().filter(|check| check.passed()).count();
            write!(f, "\n  {clause}: {passed} of {} passed", of_clause().count())?;
            for check in of_clause() {
                if let Some(failure) = &check.failure {
                    write!(f, "\n    FAILED {}\n           {failure}", check.name)?;
                }
                if let Some(why) = &check.not_checked {
                    write!(f, "\n    NOT CHECKED {}\n                {why}", check.name)?;
                }
            }
        }
        Ok(())
    }
}
