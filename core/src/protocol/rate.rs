//! How many requests one caller may make, in memory that does not grow with the number of callers: what edge and control plane count by.

/// Entries that one set holds; a caller belongs to one set.
pub const WAYS: usize = 8;

/// Values by the keyed hash of whose they are. When the set is full, the entry with the lowest worth makes room: who is being slowed down
/// is worth more than who is not, so that a flood of new callers does not free the one that matters.
#[derive(Clone, Copy, Debug)]
pub struct Set<V>([Option<(u64, V)>; WAYS]);

impl<V> Default for Set<V> {
    fn default() -> Self {
        Self([const { None }; WAYS])
    }
}

impl<V: Copy + Default> Set<V> {
    /// The value of `hash`, which is new when it was never there or was forgotten.
    pub fn entry(&mut self, hash: u64, worth: impl Fn(&V) -> i64) -> &mut V {
        let known = self.0.iter().position(|entry| entry.is_some_and(|(known, _)| known == hash));
        let place = known.unwrap_or_else(|| {
            let worth = |place: &usize| self.0[*place].as_ref().map_or(i64::MIN, |(_, v)| worth(v));
            let least = (0..WAYS).min_by_key(worth).unwrap_or(0);
            self.0[least] = None;
            least
        });
        &mut self.0[place].get_or_insert_with(|| (hash, V::default())).1
    }
}

/// Counts a request, by the generic cell rate algorithm: `due` is when the requests so far would have been due at one in each `interval`.
/// Whoever was quiet may make the requests of `room` at once. All of it in one unit of time.
///
/// # Errors
/// How long to wait.
pub fn take(due: &mut i64, now: i64, interval: i64, room: i64) -> Result<(), i64> {
    let next = now.max(*due).saturating_add(interval);
    if next - now > room {
        return Err(next - now - room);
    }
    *due = next;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_keeps_what_is_worth_most_through_a_flood() {
        let mut set = Set::<i64>::default();
        *set.entry(0, |value| *value) += 1_000;
        for light in 1..10_000 {
            let value = set.entry(light, |value| *value);
            assert_eq!(*value, 0, "{light}");
            *value += 1;
        }
        assert_eq!(*set.entry(0, |value| *value), 1_000);
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let mut due = 0;
        let mut at = |now| take(&mut due, now, 10, 30);
        assert_eq!([at(100), at(100), at(100), at(100)], [Ok(()), Ok(()), Ok(()), Err(10)]);
        assert_eq!([at(109), at(110), at(110)], [Err(1), Ok(()), Err(10)]);
        assert_eq!(
            (0..10).filter(|_| at(1_000).is_ok()).count(),
            3,
            "quiet for long, and one burst"
        );
    }
}
