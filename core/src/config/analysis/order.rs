//! Comparisons with bounds: numbers, dates, versions.

use core::cmp::Ordering;

/// Bounds beyond which nothing is decided here.
const MAX_BOUNDS: usize = 200;

/// `is` the bound, or, if it does not hold, is not: less 1, equal 2, greater 4.
#[derive(Clone, Debug)]
pub(super) struct Bound<T> {
    pub(super) value: T,
    pub(super) is: u8,
    pub(super) holds: bool,
}

/// Whether no value can be to all of the bounds what it must be, however many values there are between them.
pub(super) fn contradictory<T>(bounds: &[Bound<T>], compare: impl Fn(&T, &T) -> Ordering) -> bool {
    if bounds.is_empty() || bounds.len() > MAX_BOUNDS {
        return false;
    }
    let fits = |order: &dyn Fn(&T) -> Ordering| {
        bounds.iter().all(|bound| {
            let bit = match order(&bound.value) {
                Ordering::Less => 1,
                Ordering::Equal => 2,
                Ordering::Greater => 4,
            };
            (bound.is & bit != 0) == bound.holds
        })
    };
    let below_all = fits(&|_| Ordering::Less);
    let possible = below_all
        || bounds.iter().any(|at| {
            fits(&|bound| compare(&at.value, bound))
                || fits(&|bound| compare(&at.value, bound).then(Ordering::Greater))
        });
    !possible
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_no_number_can_be() {
        let (less, at_most, equal, at_least, greater, other) = (1, 3, 2, 6, 4, 5);
        for (bounds, expected) in [
            (&[(less, 5, true)][..], false),
            (&[(less, 5, true), (greater, 5, true)], true),
            (&[(at_most, 5, true), (at_least, 5, true)], false),
            (&[(at_most, 5, true), (at_least, 5, true), (other, 5, true)], true),
            (&[(greater, 5, true), (less, 6, true)], false),
            (&[(greater, 6, true), (less, 5, true)], true),
            (&[(equal, 5, true), (equal, 6, true)], true),
            (&[(equal, 5, true), (less, 5, false)], false),
            (&[(less, 5, false), (less, 5, true)], true),
            (&[(less, 5, false), (greater, 5, false), (equal, 5, false)], true),
        ] {
            let bounds: alloc::vec::Vec<Bound<i32>> = bounds
                .iter()
                .map(|(is, value, holds)| Bound { value: *value, is: *is, holds: *holds })
                .collect();
            assert_eq!(contradictory(&bounds, Ord::cmp), expected, "{bounds:?}");
        }
    }
}
