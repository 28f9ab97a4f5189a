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
    /// What was found instead; `None` when it passed.
    pub failure: Option<String>,
}

/// How every check of a suite ended. `Display` lists the clauses, and of failed ones the checks.
#[derive(Debug, Clone)]
#[must_use = "a report fails nothing by itself: call `assert_passed`"]
pub struct Report {
    suite: &'static str,
    checks: Vec<CheckReport>,
}

impl Report {
    /// Sorts by clause; inside one the order of the suite stays.
    pub(super) fn new(suite: &'static str, mut checks: Vec<CheckReport>) -> Self {
        checks.sort_by_key(|check| (check.clause.len(), check.clause));
        Self { suite, checks }
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
        let failed = self.checks.iter().filter(|check| check.failure.is_some());
        let mut clauses: Vec<_> = failed.map(|check| check.clause).collect();
        clauses.dedup();
        clauses
    }

    /// Fails the calling test unless every check passed.
    ///
    /// # Panics
    /// When a check failed, with the whole report.
    pub fn assert_passed(&self) {
        assert!(self.failed_clauses().is_empty(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = self.checks.iter().filter(|check| check.failure.is_some()).count();
        write!(f, "{}: {failed} of {} checks failed", self.suite, self.checks.len())?;
        for clause in self.clauses() {
            let of_clause = || self.checks.iter().filter(|check| check.clause == clause);
            let passed = of_clause().filter(|check| check.failure.is_none()).count();
            write!(f, "\n  {clause}: {passed} of {} passed", of_clause().count())?;
            for check in of_clause() {
                if let Some(failure) = &check.failure {
                    write!(f, "\n    FAILED {}\n           {failure}", check.name)?;
                }
            }
        }
        Ok(())
    }
}
