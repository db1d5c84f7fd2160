//! What an observer is told while a flag is evaluated. The same code evaluates with and without one; without, nothing of it is compiled.

use super::condition::Reference;
use crate::context::Context;

/// Watches one evaluation.
pub trait Observer {
    /// False: the compiler leaves out everything that is only for observers.
    const ACTIVE: bool;

    fn step(&mut self, step: Step<'_>);
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    const ACTIVE: bool = false;

    #[inline(always)]
    fn step(&mut self, _: Step<'_>) {}
}

/// One step, in the order in which they happen. Keys and ids are UTF-8 unless the snapshot is damaged.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    Disabled,
    PrerequisiteBegins {
        key: &'a [u8],
    },
    PrerequisiteEnds {
        key: &'a [u8],
        served: Option<&'a [u8]>,
        met: bool,
    },
    Target {
        variant: u8,
        expires: i64,
    },
    TargetExpired {
        variant: u8,
        expires: i64,
    },
    Holdout {
        key: &'a [u8],
        bucket: Option<u64>,
        cut: u64,
        held_out: bool,
    },
    Rule {
        id: &'a [u8],
    },
    WindowClosed {
        from: i64,
        to: i64,
    },
    Layer {
        layer: &'a [u8],
        bucket: Option<u64>,
        from: u64,
        to: u64,
        inside: bool,
    },
    /// A node with conditions inside begins, and ends.
    Begins {
        node: u8,
    },
    Ends {
        node: u8,
        holds: bool,
    },
    Segment {
        key: &'a [u8],
        how: &'static str,
        holds: bool,
    },
    Bucket {
        bucket: Option<u64>,
        from: u64,
        to: u64,
        holds: bool,
    },
    Operator {
        node: u8,
        reference: Reference<'a>,
        context: &'a Context,
        base: u32,
        holds: bool,
    },
    RuleFailed {
        id: &'a [u8],
    },
    RuleMatched {
        id: &'a [u8],
    },
    Split {
        bucket: u64,
        from: u64,
        to: u64,
        variant: u8,
    },
    NoUnit,
    Fallthrough,
}
