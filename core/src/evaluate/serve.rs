//! What a rule or the fallthrough serves: a variant, a split, a ramp (core/spec/evaluation.md section 4).

use super::bucket::NoUnit;
use super::trace::observe;
use super::{Evaluation, Observer, Step, UNSERVED};
use crate::bytes::Reader;
use crate::limits::{MAX_RAMP_STEPS, MAX_SPLIT_PARTS};
use crate::outcome::ErrorCode;

/// What is served, as numbered in core/spec/snapshot.md section 5.
pub(crate) mod serving {
    pub(crate) const VARIANT: u8 = 1;
    pub(crate) const SPLIT: u8 = 2;
    pub(crate) const RAMP: u8 = 3;
}

/// A part of a split: cut point (8), variant (1).
const PART_BYTES: usize = 9;

pub(crate) enum Served {
    Variant(u8),
    Split(u8),
    /// The unit's part has no variant.
    Unserved,
    /// The split's unit is missing: section 4.3.
    NoUnit(ErrorCode),
}

impl<'s, O: Observer> Evaluation<'s, '_, O> {
    pub(crate) fn served(&mut self, reader: &mut Reader<'s>) -> Option<Served> {
        let [kind, variant] = *reader.array::<2>()?;
        match kind {
            serving::VARIANT => Some(Served::Variant(variant)),
            serving::SPLIT | serving::RAMP => {
                let bucket = match self.bucket(reader)? {
                    Ok(bucket) => bucket,
                    Err(NoUnit { targeting_key }) => {
                        observe!(self, Step::NoUnit);
                        return Some(Served::NoUnit(if targeting_key {
                            ErrorCode::TargetingKeyMissing
                        } else {
                            ErrorCode::InvalidContext
                        }));
                    }
                };
                let variant = if kind == serving::SPLIT {
                    self.split(bucket, reader)
                } else {
                    self.ramp(bucket, reader)
                }?;
                Some(if variant == UNSERVED { Served::Unserved } else { Served::Split(variant) })
            }
            _ => None,
        }
    }

    /// Section 4.4: the first part whose cut point is above the bucket.
    fn split(&mut self, bucket: u64, reader: &mut Reader<'s>) -> Option<u8> {
        let parts = usize::from(reader.u16()?);
        let parts = reader.take(parts * PART_BYTES)?;
        #[cfg(not(pennon_without_observer))]
        let mut from = 0;
        for part in parts.chunks_exact(PART_BYTES) {
            let (to, variant) = (u64::from_le_bytes(*part.first_chunk()?), *part.last()?);
            if bucket < to {
                observe!(self, Step::Split { bucket, from, to, variant: self.name(variant) });
                return Some(variant);
            }
            #[cfg(not(pennon_without_observer))]
            {
                from = to;
            }
        }
        None
    }

    /// Section 4.6: a split whose cut points move from step to step in straight lines.
    fn ramp(&mut self, bucket: u64, reader: &mut Reader<'s>) -> Option<u8> {
        let parts = usize::from(reader.u16()?);
        if parts == 0 || parts > MAX_SPLIT_PARTS {
            return None;
        }
        let variants = reader.take(parts)?;
        let count = usize::from(reader.u16()?);
        if count == 0 || count > MAX_RAMP_STEPS {
            return None;
        }
        let step_bytes = 8 + 8 * parts;
        let steps = reader.take(count * step_bytes)?;
        let step = |number: usize| {
            let mut step = Reader::at(steps, number * step_bytes)?;
            Some((step.i64()?, step))
        };
        // The last step at or before `now`, else the first; and the one after it, if there is motion.
        let mut current = 0;
        for number in 1..count {
            if step(number)?.0 <= self.now {
                current = number;
            }
        }
        let (start, mut cuts) = step(current)?;
        let next = if current + 1 < count { Some(step(current + 1)?) } else { None };
        if self.now < start {
            self.sooner(start);
        }
        let mut from = 0;
        let mut chosen = None;
        let mut next = next.filter(|_| self.now >= start);
        if let Some((end, _)) = next {
            self.sooner(end);
        }
        for variant in variants {
            let low = cuts.u64()?;
            let cut = match &mut next {
                None => low,
                Some((end, high)) => {
                    let high = high.u64()?;
                    let line = Line { low, high, start, end: *end };
                    if let Some(crossing) = line.crosses(bucket, self.now) {
                        self.sooner(crossing);
                    }
                    line.at(self.now)
                }
            };
            if chosen.is_none() && bucket < cut {
                let to = cut;
                observe!(self, Step::Split { bucket, from, to, variant: self.name(*variant) });
                chosen = Some(*variant);
            }
            from = cut;
        }
        chosen
    }
}

/// A cut point that moves from `low` at `start` to `high` at `end`.
struct Line {
    low: u64,
    high: u64,
    start: i64,
    end: i64,
}

impl Line {
    /// Where it is at `now`, rounded towards where it started.
    fn at(&self, now: i64) -> u64 {
        let (passed, whole) = self.times(now);
        let moved = (u128::from(self.low.abs_diff(self.high)) * passed / whole) as u64;
        if self.high >= self.low { self.low + moved } else { self.low - moved }
    }

    /// The first instant after `now` at which it lies on the other side of `bucket`.
    fn crosses(&self, bucket: u64, now: i64) -> Option<i64> {
        let distance = if self.high > self.low {
            // Inside once the cut point is above the bucket.
            bucket.checked_sub(self.low)?.checked_add(1)?
        } else {
            // Outside once it is no longer above.
            self.low.checked_sub(bucket)?
        };
        let whole_way = u128::from(self.low.abs_diff(self.high));
        if whole_way == 0 || u128::from(distance) > whole_way {
            return None;
        }
        let (_, whole) = self.times(now);
        let after = (u128::from(distance) * whole).div_ceil(whole_way) as i64;
        let instant = self.start.checked_add(after)?;
        (instant > now).then_some(instant)
    }

    /// The time since the start, within the whole, and the whole, which is never zero.
    fn times(&self, now: i64) -> (u128, u128) {
        let whole = self.end.saturating_sub(self.start).max(1) as u128;
        let passed = now.saturating_sub(self.start).max(0) as u128;
        (passed.min(whole), whole)
    }
}
