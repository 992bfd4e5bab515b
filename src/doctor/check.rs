//! One thing that was looked at, and what came of it.

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Pass,
    /// Could not be looked at, or does not apply; `what` says why.
    Skip,
    /// Letters go, and some may not arrive or not well.
    Warn,
    /// Letters cannot go, or will be refused.
    Fail,
}

impl Verdict {
    /// Its name on the screen and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Skip => "skip",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        }
    }
}

/// A check with its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Stable, kebab-case: `spf-covers-relay`.
    pub id: &'static str,
    /// How it stands.
    pub verdict: Verdict,
    /// What was found: one sentence without a full stop, beginning in lower case unless with a name.
    pub what: String,
    /// What to do, in whole sentences; absent where nothing is to be done.
    pub remedy: Option<String>,
}

impl Check {
    /// One with nothing to be done.
    #[must_use]
    pub fn new(id: &'static str, verdict: Verdict, what: impl Into<String>) -> Check {
        Check { id, verdict, what: what.into(), remedy: None }
    }

    /// As it should be.
    #[must_use]
    pub fn pass(id: &'static str, what: impl Into<String>) -> Check {
        Check::new(id, Verdict::Pass, what)
    }

    /// Not looked at.
    #[must_use]
    pub fn skip(id: &'static str, what: impl Into<String>) -> Check {
        Check::new(id, Verdict::Skip, what)
    }

    /// Worth a look.
    #[must_use]
    pub fn warn(id: &'static str, what: impl Into<String>) -> Check {
        Check::new(id, Verdict::Warn, what)
    }

    /// To be mended.
    #[must_use]
    pub fn fail(id: &'static str, what: impl Into<String>) -> Check {
        Check::new(id, Verdict::Fail, what)
    }

    /// With what to do about it.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Check {
        self.remedy = Some(remedy.into());
        self
    }
}
