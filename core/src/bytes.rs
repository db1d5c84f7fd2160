//! Checked reading of the formats: every read answers `None` past the end, so that no bytes
//! whatsoever make the evaluator panic.

/// A position in borrowed bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    #[inline(always)]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Reads from `offset` on.
    pub(crate) fn at(bytes: &'a [u8], offset: usize) -> Option<Self> {
        bytes.get(offset..).map(Self::new)
    }

    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// What lies between here and `later`, a position further on in the same bytes.
    #[inline(always)]
    pub(crate) fn until(&self, later: &Self) -> Option<Self> {
        let length = self.rest.len().checked_sub(later.rest.len())?;
        self.rest.get(..length).map(Self::new)
    }

    #[inline(always)]
    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    #[inline(always)]
    pub(crate) fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(taken)
    }

    #[inline(always)]
    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|bytes| bytes[0])
    }

    #[inline(always)]
    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(|bytes| u16::from_le_bytes(*bytes))
    }

    #[inline(always)]
    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(|bytes| u32::from_le_bytes(*bytes))
    }

    #[inline(always)]
    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(|bytes| u64::from_le_bytes(*bytes))
    }

    #[inline(always)]
    pub(crate) fn i64(&mut self) -> Option<i64> {
        self.array().map(|bytes| i64::from_le_bytes(*bytes))
    }

    #[inline(always)]
    pub(crate) fn f64(&mut self) -> Option<f64> {
        self.array().map(|bytes| f64::from_le_bytes(*bytes))
    }

    /// Bytes behind a 16-bit length.
    #[inline(always)]
    pub(crate) fn short(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }

    /// Bytes behind a 32-bit length.
    #[inline(always)]
    pub(crate) fn long(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()?;
        self.take(length as usize)
    }
}

/// Whether two names are equal. Names are short, and most differ in length or in their first bytes: a call of the general comparison
/// would cost more than the comparison.
#[inline(always)]
pub(crate) fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    match (left.first_chunk::<8>(), right.first_chunk::<8>()) {
        (Some(left_start), Some(right_start)) if left.len() <= 16 => {
            left_start == right_start && left.last_chunk::<8>() == right.last_chunk::<8>()
        }
        (None, None) => match (left.first_chunk::<4>(), right.first_chunk::<4>()) {
            (Some(left_start), Some(right_start)) => {
                left_start == right_start && left.last_chunk::<4>() == right.last_chunk::<4>()
            }
            _ => left.iter().zip(right).all(|(left, right)| left == right),
        },
        _ => left == right,
    }
}

/// Whether both begin with the same `length` bytes. Up to eight are compared at once, with whatever stands behind them: a branch for each length
/// is one that processors guess wrongly, as names come in any order.
#[inline(always)]
pub(crate) fn begin_alike(left: &[u8], right: &[u8], length: usize) -> bool {
    if length <= 8
        && let (Some(left), Some(right)) = (left.first_chunk::<8>(), right.first_chunk::<8>())
    {
        let differ = u64::from_le_bytes(*left) ^ u64::from_le_bytes(*right);
        return differ.unbounded_shl(64 - 8 * length as u32) == 0;
    }
    match (left.get(..length), right.get(..length)) {
        (Some(left), Some(right)) => same(left, right),
        _ => false,
    }
}

/// A `u32` at `offset`, little-endian.
#[inline]
pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    let word = bytes.get(offset..)?.first_chunk::<4>()?;
    Some(u32::from_le_bytes(*word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn what_stands_behind_does_not_count_and_every_byte_before_does() {
        for length in 0..=20 {
            let name: Vec<u8> = (0..length as u8).map(|at| b'a' + at).collect();
            // Nothing behind the one, and up to nine other bytes behind the other.
            for behind in 0..10 {
                let longer = [&name[..], &[b'z'; 10][..behind]].concat();
                assert!(begin_alike(&name, &longer, length), "{length} and {behind}");
                assert!(begin_alike(&longer, &[&name[..], b"0123456789"].concat(), length));
                for at in 0..length {
                    let mut other = longer.clone();
                    other[at] ^= 1;
                    assert!(!begin_alike(&name, &other, length), "{length}, {behind} and {at}");
                    assert!(!begin_alike(&longer, &other, length), "{length}, {behind} and {at}");
                }
            }
            assert!(length == 0 || !begin_alike(&name, &name[1..], length), "too short");
        }
    }
}
