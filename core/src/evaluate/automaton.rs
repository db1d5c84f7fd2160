//! Running a regular expression that the compiler made an automaton of: one look-up a byte (core/spec/snapshot.md section 5).

use crate::bytes::Reader;

/// Nothing can match any more.
#[cfg(feature = "compile")]
pub(crate) const DEAD: u16 = 0;
/// It has matched.
pub(crate) const ACCEPT: u16 = 1;

/// Whether the automaton behind `reader` accepts: start (2), number of classes (1), the class of each byte (256), *long* of rows, a
/// row a state, a column a class and one more for the end of the text.
pub(crate) fn accepts(reader: &mut Reader<'_>, text: &[u8]) -> Option<bool> {
    let mut state = reader.u16()?;
    let columns = usize::from(reader.u8()?) + 1;
    let classes = reader.array::<256>()?;
    let rows = reader.long()?;
    let next = |state: u16, column: usize| {
        let at = (usize::from(state) * columns + column) * 2;
        let cell = rows.get(at..)?.first_chunk::<2>()?;
        Some(u16::from_le_bytes(*cell))
    };
    for byte in text {
        if state <= ACCEPT {
            break;
        }
        let class = usize::from(*classes.get(usize::from(*byte))?);
        if class + 1 >= columns {
            return None;
        }
        state = next(state, class)?;
    }
    if state > ACCEPT {
        state = next(state, columns - 1)?;
    }
    Some(state == ACCEPT)
}
