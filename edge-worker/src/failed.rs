//! Why nothing was taken.

use pennon_core::snapshot::Refusal;

use crate::sources::SourceError;

#[derive(Debug)]
pub(crate) enum Failed {
    Source(SourceError),
    Refused(Refusal),
    /// The body stopped the evaluator as often as it may.
    Crashed,
}

impl Failed {
    /// A stable code, and a sentence.
    pub(crate) fn told(&self) -> (&'static str, String) {
        match self {
            Self::Source(error) => (error.code, error.detail.clone()),
            Self::Refused(refusal) => (refusal.code(), refusal.to_string()),
            Self::Crashed => (
                "snapshot-crashed",
                "this snapshot stopped the evaluator three times and is not used again".to_owned(),
            ),
        }
    }
}

impl From<SourceError> for Failed {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
