//! A map of fixed size that forgets what matters least: for counting per caller without growing with the number of callers.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};

/// Entries that one set holds; a key belongs to one set.
const WAYS: usize = 8;

type Set<V> = [Option<(u64, V)>; WAYS];

/// Values by the keyed hash of their key. When a set is full, the entry with the lowest worth makes room: who is being slowed down is worth
/// more than who is not, so that a flood of new keys does not free the one that matters.
#[derive(Debug)]
pub struct Slots<V> {
    hasher: RandomState,
    sets: Box<[Mutex<Set<V>>]>,
}

impl<V: Copy + Default> Slots<V> {
    /// Room for at least `entries`.
    pub fn with_room_for(entries: usize) -> Self {
        let sets = entries.div_ceil(WAYS).max(1);
        let sets = (0..sets).map(|_| Mutex::new([None; WAYS])).collect();
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
        let known = set.iter().position(|entry| entry.is_some_and(|(known, _)| known == hash));
        let place = known.unwrap_or_else(|| {
            let worth =
                |entry: &Option<(u64, V)>| entry.as_ref().map_or(i64::MIN, |(_, v)| worth(v));
            let least = (0..WAYS).min_by_key(|place| worth(&set[*place])).unwrap_or(0);
            set[least] = None;
            least
        });
        let (_, value) = set[place].get_or_insert_with(|| (hash, V::default()));
        change(value)
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
