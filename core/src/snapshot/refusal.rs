//! Why a head, a body or a keyset is not accepted.

use core::fmt;

macro_rules! refusals {
    ($($name:ident = $code:literal, $sentence:literal;)+) => {
        /// Each refusal leaves the last good snapshot in place. The codes are stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Refusal {
            $(#[doc = $sentence] $name,)+
        }

        impl Refusal {
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The stable name, as interfaces and logs show it.
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                }
            }

            /// The same for people.
            pub fn sentence(self) -> &'static str {
                match self {
                    $(Self::$name => $sentence,)+
                }
            }
        }

        impl fmt::Display for Refusal {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.sentence())
            }
        }
    };
}

refusals! {
    MalformedHead = "malformed-head", "the head is damaged or not a head";
    UnknownFormat = "unknown-format", "the format or the codec is newer than this program";
    EvaluatorTooOld = "evaluator-too-old", "the snapshot needs a newer evaluator";
    WrongEnvironment = "wrong-environment", "the head belongs to another environment";
    WrongKind = "wrong-kind", "the head is of another kind than asked for";
    KeysetNeeded = "keyset-needed", "the head names a keyset that is not known yet";
    BadKeyset = "bad-keyset", "the keyset is damaged or its root signatures do not hold";
    WrongRoot = "wrong-root", "the keyset's root is not the one of the connection string";
    OlderKeyset = "older-keyset", "the keyset is older than the one in use";
    UnknownKey = "unknown-key", "no signature is by a key that the keyset allows for this head";
    BadSignature = "bad-signature", "the signature does not match the head";
    OlderVersion = "older-version", "the head is older than one accepted before";
    ConflictingBody = "conflicting-body", "the head has an accepted version with another body";
    Expired = "expired", "the head is past its last date";
    BodyLength = "body-length", "the body's length is not the one in the head";
    BodyHash = "body-hash", "the body's SHA-256 is not the one in the head";
    MalformedBody = "malformed-body", "the body's index is damaged";
    MalformedDelta = "malformed-delta", "the delta is damaged or not one for this body";
    OverLimits = "over-limits", "the snapshot is larger than a limit allows";
}

impl core::error::Error for Refusal {}
