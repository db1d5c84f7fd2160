//! What an observer is told while a flag is evaluated. The same code evaluates with and without one; without, nothing of it is
//! left in the program.

use crate::context::Attribute;
use crate::snapshot::Name;

/// Watches one evaluation.
pub(crate) trait Observer {
    /// Whether somebody watches. Where the compiler knows that nobody does, it leaves out everything that is only for observers.
    fn watches(&self) -> bool;

    fn step(&mut self, step: Step<'_>);
}

/// Nobody watches.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Silent;

#[cfg(not(target_arch = "wasm32"))]
impl Observer for Silent {
    #[inline(always)]
    fn watches(&self) -> bool {
        false
    }

    #[inline(always)]
    fn step(&mut self, _: Step<'_>) {}
}

impl<O: Observer> Observer for &mut O {
    #[inline(always)]
    fn watches(&self) -> bool {
        (**self).watches()
    }

    #[inline(always)]
    fn step(&mut self, step: Step<'_>) {
        (**self).step(step);
    }
}

/// Somebody watches, or nobody: for programs that cannot afford the evaluator twice.
impl<O: Observer> Observer for Option<O> {
    #[inline(always)]
    fn watches(&self) -> bool {
        self.is_some()
    }

    #[inline]
    fn step(&mut self, step: Step<'_>) {
        if let Some(observer) = self {
            observer.step(step);
        }
    }
}

/// Tells an evaluation's observer of a step, if somebody watches; the step is not even made otherwise. With
/// `--cfg pennon_without_observer` nothing of it is compiled: `cargo xtask bench instructions` shows that this makes no difference.
macro_rules! observe {
    ($evaluation:expr, $step:expr) => {
        #[cfg(not(pennon_without_observer))]
        if $evaluation.observer.watches() {
            let step = $step;
            $evaluation.observer.step(step);
        }
    };
}
pub(crate) use observe;

/// One step, in the order in which they happen. Names and ids are UTF-8 unless the snapshot is damaged.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'a> {
    Disabled,
    PrerequisiteBegins {
        key: &'a [u8],
    },
    PrerequisiteEnds {
        served: Option<&'a [u8]>,
        met: bool,
    },
    Target {
        variant: Option<&'a [u8]>,
        expires: i64,
    },
    TargetExpired {
        variant: Option<&'a [u8]>,
        expires: i64,
    },
    Holdout {
        key: &'a [u8],
        bucket: Option<u64>,
        cut: u64,
        held_out: bool,
    },
    RuleBegins {
        id: &'a [u8],
    },
    RuleEnds {
        matched: bool,
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
    /// A node with steps of its own begins, and ends.
    Begins {
        node: u8,
    },
    Ends {
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
    },
    Operator {
        node: u8,
        attribute: Name<'a>,
        actual: Option<Attribute<'a>>,
        holds: bool,
    },
    Split {
        bucket: u64,
        from: u64,
        to: u64,
        variant: Option<&'a [u8]>,
    },
    NoUnit,
    Fallthrough,
}
