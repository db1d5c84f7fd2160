//! A map of fixed size that forgets what matters least: for counting per caller without growing with the number of callers.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};

use pennon_core::protocol::rate::{Set, WAYS};

/// Values by the keyed hash of their key, in sets that forget what is worth least.
#[derive(Debug)]
pub struct Slots<V> {
    hasher: RandomState,
    sets: Box<[Mutex<Set<V>>]>,
}

impl<V: Copy + Default> Slots<V> {
    /// Room for at least `entries`.
    pub fn with_room_for(entries: usize) -> Self {
        let sets = entries.div_ceil(WAYS).max(1);
        let sets = (0..sets).map(|_| Mutex::new(Set::default())).collect();
        Self { hasher: RandomState::new(), sets }
    }

    /// Changes the value of a key, which is new when it was never there or was forgotten.
    pub fn update<R>(
        &self,
        key: impl Hash,
        worth: impl Fn(&V) -> i64,
        change: impl FnOnce(&mut V) -> R,
    ) -> R {
        let hash = self.hasher.hash_one(key);
        let position = usize::try_from(hash % self.sets.len() as u64).unwrap_or(0);
        let mut set = self.sets[position].lock().unwrap_or_else(PoisonError::into_inner);
        change(set.entry(hash, worth))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_is_worth_most_through_a_flood() {
        let slots = Slots::<i64>::with_room_for(64);
        let count = |key: &str, by: i64| {
            slots.update(
                key,
                |value| *value,
                |value| {
                    *value += by;
                    *value
                },
            )
        };
        count("heavy", 1_000);
        for number in 0..10_000 {
            assert_eq!(count(&format!("light {number}"), 1), 1);
        }
        assert_eq!(count("heavy", 1), 1_001);
        assert_eq!(slots.sets.len() * WAYS, 64, "it has not grown");
    }
}
